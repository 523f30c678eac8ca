/**
 * Which moments the kills hit. A run that never killed between send and settle says nothing about that moment,
 * so every kill is placed afterwards, by what the records and effects tell.
 */
import type { FinalRecord, SeenEffect } from './checker.ts'
import type { Line } from './history.ts'

/** Kills by the window they hit. One kill may hit several. */
export interface Windows {
  /** The service had not been ready yet. */
  readonly beforeReady: number
  /** A message was accepted, and its caller did not hear of it. */
  readonly replyLost: number
  /** A message was on lease. */
  readonly leased: number
  /** A user had seen a message, or was about to, and the record did not say so. */
  readonly beforeSettle: number
}

interface Evidence {
  readonly history: readonly Line[]
  readonly records: readonly FinalRecord[]
  readonly effects: readonly SeenEffect[]
}

export const windowsOf = ({ history, records, effects }: Evidence): Windows => {
  const kills = history.filter(({ op }) => op === 'kill').map(({ t }) => t)
  const hits = { replyLost: new Set<number>(), leased: new Set<number>(), beforeSettle: new Set<number>() }
  const hit = (window: keyof typeof hits, at: number) => {
    const kill = kills.find((t) => t >= at)
    if (kill !== undefined) hits[window].add(kill)
  }
  const seenAt = Map.groupBy(effects, ({ key }) => key)
  const lostReplies = keysOfLostReplies(history)

  for (const { key, timeline } of records) {
    const [accepted] = timeline
    if (accepted && lostReplies.has(key)) hit('replyLost', accepted.at)
    for (const { from, to } of lostLeases(timeline)) {
      hit('leased', from)
      if (seenAt.get(key)?.some(({ at }) => at >= from && at <= to)) hit('beforeSettle', from)
    }
  }
  return {
    beforeReady: history.filter(({ op, detail }) => op === 'kill' && detail.state === 'starting').length,
    replyLost: hits.replyLost.size,
    leased: hits.leased.size,
    beforeSettle: hits.beforeSettle.size,
  }
}

export const missedWindows = (windows: Windows): readonly string[] =>
  Object.entries(windows)
    .filter(([, kills]) => kills === 0)
    .map(([name]) => name)

/** Keys whose first answer said that the message had been there before. */
const keysOfLostReplies = (history: readonly Line[]): ReadonlySet<string> => {
  const first = new Map<string, boolean>()
  for (const { op, key, status, detail } of history)
    if (op === 'accept' && status === 'ok' && !first.has(key)) first.set(key, detail.duplicate === true)
  return new Set([...first].filter(([, duplicate]) => duplicate).map(([key]) => key))
}

/** Leases that a kill cut short: from the moment they were given to the one at which the loss was noticed. */
const lostLeases = (timeline: FinalRecord['timeline']) => {
  const lost: { from: number; to: number }[] = []
  let leasedAt = 0
  for (const { at, event } of timeline) {
    if (event === 'leased') leasedAt = at
    if (event === 'lease-lost') lost.push({ from: leasedAt, to: at })
  }
  return lost
}
