/** From measurements to medians, and to ratios of what was measured in the same round. */
import { type Contestant, type Ours, ours } from './contestants.ts'
import type { Measurement } from './measurement.ts'
import { depths, mostAwayByDepth, type Target, targets } from './scenarios.ts'

/** The medians of one contestant in one scenario. */
export interface Line {
  readonly scenario: string
  readonly contestant: Contestant
  readonly rounds: number
  readonly perSecond: number
  readonly cpuUs: number
  readonly ownUs: number
  readonly serverUs: number
  readonly p50Ms?: number
  readonly p99Ms?: number
}

/** Hongyan beside another: how many times as many messages per second, and per second of CPU. */
export interface Ratio {
  readonly of: Ours
  readonly scenario: string
  readonly against: Contestant
  readonly second: number
  readonly cpuSecond: number
}

export interface Verdict extends Target {
  readonly ratio: number
  readonly met: boolean
}

export const linesOf = (measurements: readonly Measurement[]): readonly Line[] =>
  [...groups(measurements).values()].map((group) => {
    const { scenario, contestant, p50Ms, p99Ms } = group[0]!
    const of = (field: keyof Measurement) => median(group.map((each) => each[field] as number))
    return {
      scenario,
      contestant,
      rounds: group.length,
      perSecond: of('perSecond'),
      cpuUs: of('cpuUs'),
      ownUs: of('ownUs'),
      serverUs: of('serverUs'),
      ...(p50Ms !== undefined && { p50Ms: of('p50Ms') }),
      ...(p99Ms !== undefined && { p99Ms: of('p99Ms') }),
    }
  })

/**
 * The machine changes under us from minute to minute, so neighbours in time are compared, and then the median
 * taken.
 */
export const ratiosOf = (measurements: readonly Measurement[]): readonly Ratio[] => {
  const byGroup = groups(measurements)
  return ours.flatMap((of) =>
    [...byGroup.values()].flatMap((others) => {
      const { scenario, contestant: against } = others[0]!
      if (against === of) return []
      const pairs = others.flatMap((other) =>
        (byGroup.get(keyOf(scenario, of)) ?? [])
          .filter(({ round }) => round === other.round)
          .map((one) => [one, other] as const),
      )
      if (pairs.length === 0) return []
      const second = median(pairs.map(([one, other]) => one.perSecond / other.perSecond))
      const cpuSecond = median(pairs.map(([one, other]) => other.cpuUs / one.cpuUs))
      return [{ of, scenario, against, second, cpuSecond }]
    }),
  )
}

export const verdictsOf = (ratios: readonly Ratio[]): readonly Verdict[] =>
  targets.flatMap((target) => {
    const found = ratios.find(
      ({ of, scenario, against }) =>
        of === target.of && scenario === target.scenario && against === target.against,
    )
    if (!found) return []
    const ratio = target.by === 'second' ? found.second : found.cpuSecond
    return [{ ...target, ratio, met: ratio >= target.atLeast }]
  })

/** What a message costs beside what it costs with the shortest backlog, for each longer one. */
export interface DepthVerdict {
  readonly scenario: string
  readonly times: number
  readonly met: boolean
}

export const depthVerdictsOf = (lines: readonly Line[]): readonly DepthVerdict[] => {
  const [first, ...deeper] = depths.flatMap(
    ({ name }) => lines.find(({ scenario }) => scenario === name) ?? [],
  )
  return deeper.map(({ scenario, cpuUs }) => {
    const times = cpuUs / first!.cpuUs
    return { scenario, times, met: Math.abs(times - 1) <= mostAwayByDepth }
  })
}

const keyOf = (scenario: string, contestant: Contestant): string => `${scenario} ${contestant}`

const groups = (measurements: readonly Measurement[]): ReadonlyMap<string, readonly Measurement[]> =>
  Map.groupBy(measurements, ({ scenario, contestant }) => keyOf(scenario, contestant))

const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
