import type { FinalRecord } from './checker.ts'
import type { Line } from './history.ts'

interface Span {
  readonly from: number
  readonly to: number
}

/**
 * How long messages waited from the kill of a worker until another one leased them, in milliseconds. Which worker held a
 * message is on no record, so the first kill after the lease began counts: the figure is the true one or above it. Time
 * in which there was no worker or no Redis to lease anything does not count: their starts are measured by themselves.
 */
export const reclaimsOf = ({
  history,
  records,
}: {
  readonly history: readonly Line[]
  readonly records: readonly FinalRecord[]
}): readonly number[] => {
  const kills = history.filter(({ op, detail }) => op === 'kill' && detail.victim === 'worker')
  const outages = outagesIn(history)
  return records
    .flatMap(({ timeline }) => lostLeases(timeline))
    .flatMap(({ from, to }) => {
      const kill = kills.find(({ t }) => t >= from && t <= to)
      return kill === undefined ? [] : [to - kill.t - sharedMs({ from: kill.t, to }, outages)]
    })
}

/** When no worker was ready, or Redis was not. All are ready when the history begins. */
const outagesIn = (history: readonly Line[]): readonly Span[] => {
  const workers = new Set(
    history.flatMap(({ detail: { victim, name } }) => (victim === 'worker' && name ? [name] : [])),
  )
  const away = new Set<string>()
  const outages: Span[] = []
  let since: number | undefined
  for (const { op, t, detail } of history) {
    if (op === 'kill') away.add(detail.name!)
    else if (op === 'ready' && detail.name !== undefined) away.delete(detail.name)
    else continue
    const isOut = away.has('redis') || [...workers].every((name) => away.has(name))
    if (isOut) since ??= t
    else if (since !== undefined) {
      outages.push({ from: since, to: t })
      since = undefined
    }
  }
  return outages
}

const sharedMs = ({ from, to }: Span, spans: readonly Span[]): number =>
  spans.reduce((sum, span) => sum + Math.max(0, Math.min(to, span.to) - Math.max(from, span.from)), 0)

/** Leases that were cut short: from the moment they were given to the one at which the loss was noticed. */
export const lostLeases = (timeline: FinalRecord['timeline']): readonly Span[] => {
  const lost: Span[] = []
  let leasedAt = 0
  for (const { at, event } of timeline) {
    if (event === 'leased') leasedAt = at
    if (event === 'lease-lost') lost.push({ from: leasedAt, to: at })
  }
  return lost
}
