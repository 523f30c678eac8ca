/**
 * Which moments the kills hit. A run that never killed between send and settle says nothing about that moment,
 * so every kill is placed afterwards, by what the records and effects tell.
 */
import type { Kind } from './cast.ts'
import type { FinalRecord, SeenEffect } from './checker.ts'
import type { Line } from './history.ts'
import { lostLeases } from './reclaim.ts'

/** Kills by the window they hit. One kill may hit several. */
export interface Windows {
  /** Who was killed had not been ready yet. */
  readonly beforeReady: number
  /** A message was accepted, and its caller did not hear of it. */
  readonly replyLost: number
  /** A message was on lease. */
  readonly leased: number
  /** A user had seen a message, or was about to, and the record did not say so. */
  readonly beforeSettle: number
  /** Redis went while somebody waited for it. */
  readonly storeGone?: number
  /** Several processes went at once. */
  readonly together?: number
}

interface Evidence {
  readonly history: readonly Line[]
  readonly records: readonly FinalRecord[]
  readonly effects: readonly SeenEffect[]
  /** Whether there are several processes, and a store among them. */
  readonly several?: boolean
}

/** Whose kill can take a reply away, and whose a settlement. */
const repliers: readonly Kind[] = ['service', 'gateway', 'store']
const settlers: readonly Kind[] = ['service', 'worker', 'store']
/** Whoever waits for a store that is gone hears of it within this time. */
const soonMs = 1000

export const windowsOf = ({ history, records, effects, several = false }: Evidence): Windows => {
  const killLines = history.filter(({ op }) => op === 'kill')
  const killsOf = (kinds: readonly Kind[]) =>
    killLines.filter(({ detail: { victim = 'service' } }) => kinds.includes(victim)).map(({ t }) => t)
  const kills = {
    replyLost: killsOf(repliers),
    leased: killsOf(settlers),
    beforeSettle: killsOf(settlers),
  }
  const hits = { replyLost: new Set<number>(), leased: new Set<number>(), beforeSettle: new Set<number>() }
  const hit = (window: keyof typeof hits, at: number) => {
    const kill = kills[window].find((t) => t >= at)
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
    beforeReady: killLines.filter(({ detail }) => detail.state === 'starting').length,
    replyLost: hits.replyLost.size,
    leased: hits.leased.size,
    beforeSettle: hits.beforeSettle.size,
    ...(several && {
      storeGone: killsOf(['store']).filter((t) => isDoubtedAfter(history, t)).length,
      together: killLines.filter(({ detail }) => detail.together! > 1).length,
    }),
  }
}

const isDoubtedAfter = (history: readonly Line[], kill: number): boolean =>
  history.some(({ op, status, t }) => op === 'accept' && status === 'info' && t >= kill && t < kill + soonMs)

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
