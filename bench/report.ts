/** The results as a page: what a terminal shows and what `latest.md` keeps. */
import { ours } from './contestants.ts'
import type { IdleResult } from './idle.ts'
import type { Machine } from './machine.ts'
import type { Measurement } from './measurement.ts'
import { depths, mostAwayByDepth, scenarios } from './scenarios.ts'
import type { SearchResult } from './search.ts'
import {
  type DepthVerdict,
  depthVerdictsOf,
  type Line,
  linesOf,
  type Ratio,
  ratiosOf,
  type Verdict,
  verdictsOf,
} from './summary.ts'

export interface Results {
  readonly date: string
  readonly commit: string
  readonly machine: Machine
  readonly rounds: number
  readonly scale: number
  readonly measurements: readonly Measurement[]
  readonly search?: SearchResult
  readonly idle?: IdleResult
  /** What could not be measured, and why. */
  readonly failures: readonly string[]
}

export const renderReport = (results: Results): string => {
  const { measurements, failures } = results
  const lines = linesOf(measurements)
  const ratios = ratiosOf(measurements)
  return [
    '# Benchmark',
    '',
    heading(results),
    '',
    ...measurementTable(lines, ratios),
    ...verdictTable(verdictsOf(ratios), depthVerdictsOf(lines)),
    ...others(results),
    ...(failures.length > 0 ? ['Not measured:', '', ...failures.map((failure) => `- ${failure}`), ''] : []),
    notes,
    '',
  ].join('\n')
}

const heading = ({ date, commit, machine, rounds, scale }: Results): string => {
  const { cpu, cores, memoryGb, system, node, redis, load, syncMs, storesInMemory } = machine
  const parts = [
    `${date.slice(0, 10)}, commit ${commit}`,
    `${cpu}, ${cores} cores, ${memoryGb} GB, ${system}, Node ${node}`,
    redis === undefined ? 'no Redis: those who need one are left out' : `Redis ${redis}`,
    `load before the start ${load}, a sync of the disk ${syncMs.p50} ms (p90 ${syncMs.p90} ms)`,
    `median of ${rounds} rounds, counts × ${scale}`,
    ...(storesInMemory ? ['stored in memory: syncs cost nothing here'] : []),
  ]
  return `${parts.join('; ')}.`
}

const measurementTable = (lines: readonly Line[], ratios: readonly Ratio[]): readonly string[] => {
  if (lines.length === 0) return []
  const rows = lines.map((line) => {
    const { scenario, contestant, perSecond, cpuUs, ownUs, serverUs, p50Ms, p99Ms } = line
    const cpu =
      serverUs > 0 ? `${cpuUs.toFixed(1)} (${ownUs.toFixed(1)} + ${serverUs.toFixed(1)})` : cpuUs.toFixed(1)
    return [
      scenario,
      contestant,
      Math.round(perSecond).toLocaleString('en'),
      cpu,
      p50Ms === undefined ? '' : `${p50Ms.toFixed(1)} / ${p99Ms!.toFixed(1)}`,
      ...ours.flatMap((of) => {
        const isThis = (each: Ratio) =>
          each.of === of && each.scenario === scenario && each.against === contestant
        const ratio = ratios.find(isThis)
        return ratio ? [times(ratio.second), times(ratio.cpuSecond)] : ['', '']
      }),
    ]
  })
  const head = [
    'scenario',
    'contestant',
    'messages/s',
    'CPU µs/message',
    'p50 / p99 ms',
    ...ours.flatMap((of) => [`${of}: per s`, 'per CPU s']),
  ]
  return [...table(head, rows), '', ...scenarioNotes(lines), '']
}

const scenarioNotes = (lines: readonly Line[]): readonly string[] =>
  scenarios
    .filter(({ name }) => lines.some(({ scenario }) => scenario === name))
    .map(({ name, about }) => `- \`${name}\`: ${about}.`)

const verdictTable = (verdicts: readonly Verdict[], byDepth: readonly DepthVerdict[]): readonly string[] => {
  if (verdicts.length + byDepth.length === 0) return []
  const word = (met: boolean) => (met ? 'met' : 'not met')
  const rows = [
    ...verdicts.map(({ of, scenario, against, by, atLeast, ratio, met }) => [
      scenario,
      `${of} ≥ ${atLeast} × ${against} per ${by}`,
      times(ratio),
      word(met),
    ]),
    ...byDepth.map(({ scenario, times: found, met }) => [
      scenario,
      `CPU per message of ${depths[0]!.name} ± ${100 * mostAwayByDepth} %`,
      times(found),
      word(met),
    ]),
  ]
  return [...table(['scenario', 'target', 'measured', ''], rows), '']
}

const maxIdleMb = 150

const others = ({ search, idle }: Results): readonly string[] => [
  ...(search
    ? [
        `Search by openid among ${search.stored.toLocaleString('en')} messages: ` +
          `p50 ${search.p50Ms.toFixed(1)} ms, p99 ${search.p99Ms.toFixed(1)} ms, ` +
          `the first ${search.firstMs.toFixed(0)} ms.`,
        '',
      ]
    : []),
  ...(idle
    ? [
        `\`hongyan dev\` at rest: ${idle.residentMb.toFixed(0)} MB resident ` +
          `(target < ${maxIdleMb}: ${idle.residentMb < maxIdleMb ? 'met' : 'not met'}).`,
        '',
      ]
    : []),
]

const notes = `Contestants: \`bare\` is Fastify with the schema and undici's dispatch with nothing between;
\`hongyan\` keeps its messages in its own process, \`hongyan-redis\` in a Redis that syncs every command;
\`peer\` is the same job on BullMQ with a Redis that syncs every command, as Hongyan does, \`peer-everysec\`
with one that syncs once a second. CPU counts all threads of the contestant's process and, after the plus,
its Redis; not the load generator and the sink. Ratios say how many times as many messages Hongyan manages,
compared within each round; the median is shown.`

const times = (ratio: number): string => `${ratio.toFixed(2)} ×`

/** A Markdown table that can also be read as it is. */
const table = (head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] => {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length)),
  )
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at]!)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)]
}
