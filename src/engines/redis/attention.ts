/**
 * Which shards are worth a look. To look at all of them for each message would cost the more the more there are, so a
 * shard is looked at when a word has named it, when something was left there, when something there is due; and all of a
 * node's shards once a second, because a word may be lost.
 */
import type { Share } from '../../nodes.ts'

export interface Attention {
  share(): Share
  take(share: Share): void
  /** Something may be ready in these. Answers whether one of them is looked after here. */
  mark(shards: Iterable<number>): boolean
  /** There is something urgent in these, which this node shall take whoever looks after them. */
  markUrgent(shards: Iterable<number>): void
  /** What to look at now. It counts as looked at. `everything`: all that is looked after here. */
  targets(now: number, everything: boolean): readonly Target[]
  /** What a look has shown: whether something was left, and when the next is due. */
  seen(shard: number, found: { readonly more: boolean; readonly nextAt: number | undefined }): void
  /** When there will be something to look at, if no word comes first. */
  nextAt(): number
}

export interface Target {
  readonly shard: number
  /** Only the urgent lane is to be taken. */
  readonly urgentOnly: boolean
}

const lookAtAllEveryMs = 1000

/** `monotonicMs`: a clock that nobody sets. */
export const createAttention = (
  count: number,
  monotonicMs: () => number = () => performance.now(),
): Attention => {
  const all = Array.from({ length: count }, (_, shard) => shard)
  let share: Share = { own: all, help: [], upkeep: true }
  let isOwn = new Set(all)
  /** From when on each shard is worth a look. */
  const from: number[] = all.map(() => 0)
  const urgent = new Set<number>()
  let lookedAtAll = Number.NEGATIVE_INFINITY

  return {
    share: () => share,

    take(next) {
      for (const shard of next.own) if (!isOwn.has(shard)) from[shard] = 0
      share = next
      isOwn = new Set(next.own)
    },

    mark(shards) {
      let any = false
      for (const shard of shards) {
        if (!isOwn.has(shard)) continue
        from[shard] = 0
        any = true
      }
      return any
    },

    markUrgent(shards) {
      for (const shard of shards) urgent.add(shard)
    },

    targets(now, everything) {
      const whole = everything || monotonicMs() - lookedAtAll >= lookAtAllEveryMs
      if (whole) lookedAtAll = monotonicMs()
      const own = share.own.filter((shard) => whole || from[shard]! <= now)
      const strange = [...urgent].filter((shard) => !own.includes(shard))
      urgent.clear()
      // A word that comes while the look is under way must not be forgotten by what the look has shown.
      for (const shard of own) from[shard] = Number.POSITIVE_INFINITY
      return [
        ...own.map((shard) => ({ shard, urgentOnly: false })),
        ...strange.map((shard) => ({ shard, urgentOnly: true })),
      ]
    },

    seen(shard, { more, nextAt = Number.POSITIVE_INFINITY }) {
      from[shard] = Math.min(from[shard]!, more ? 0 : nextAt)
    },

    nextAt: () =>
      urgent.size > 0
        ? 0
        : share.own.reduce((least, shard) => Math.min(least, from[shard]!), Number.POSITIVE_INFINITY),
  }
}
