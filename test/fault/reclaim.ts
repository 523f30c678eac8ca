import type { FinalRecord } from './checker.ts'
import type { Line } from './history.ts'

/**
 * How long messages waited from the kill of a worker until another one leased them, in milliseconds. Which worker held a
 * message is on no record, so the first kill after the lease began counts: the figure is the true one or above it.
 */
export const reclaimsOf = ({
  history,
  records,
}: {
  readonly history: readonly Line[]
  readonly records: readonly FinalRecord[]
}): readonly number[] => {
  const kills = history.filter(({ op, detail }) => op === 'kill' && detail.victim === 'worker')
  return records
    .flatMap(({ timeline }) => lostLeases(timeline))
    .flatMap(({ from, to }) => {
      const kill = kills.find(({ t }) => t >= from && t <= to)
      return kill === undefined ? [] : [to - kill.t]
    })
}

/** Leases that were cut short: from the moment they were given to the one at which the loss was noticed. */
export const lostLeases = (timeline: FinalRecord['timeline']): readonly { from: number; to: number }[] => {
  const lost: { from: number; to: number }[] = []
  let leasedAt = 0
  for (const { at, event } of timeline) {
    if (event === 'leased') leasedAt = at
    if (event === 'lease-lost') lost.push({ from: leasedAt, to: at })
  }
  return lost
}
