import type { Notice } from './bulletin.ts'
import { channelTraits } from './channels.ts'
import type { Errcode } from './errcodes.ts'
import type { DeliveredMessage } from './queue.ts'
import { errcodeReason } from './verdict.ts'

/**
 * What is held back for now, so that one refusal about an account or an API is not asked for again by
 * every message behind it. The hold ends at a time; the first message after it is the probe. A daily quota that is
 * used up is not among these: it is kept in `quota.ts`, which can ask how much is left.
 */
export interface Holds {
  /** The hold in the way of this message, if any. */
  over(message: Pick<DeliveredMessage, 'account' | 'channel'>, now: number): Hold | undefined
  /** Takes note of a refusal whose scope is wider than its message. Answers what to tell other processes, if it is news. */
  place(errcode: Errcode, message: DeliveredMessage, until: number): (Notice & { kind: 'hold' }) | undefined
  /** Takes note of what another process has placed. */
  hear(notice: Notice): void
}

export interface Hold {
  readonly until: number
  readonly reason: string
  /** Names what is waited for, where it may come to pass before `until`: see `Queue.release`. */
  readonly condition?: string
}

/** Bounded by accounts × APIs; a hold that has ended is dropped when it is next looked at. */
export const createHolds = (): Holds => {
  const holds = new Map<string, Hold>()

  const current = (key: string, now: number): Hold | undefined => {
    const hold = holds.get(key)
    if (hold && hold.until <= now) holds.delete(key)
    return hold && hold.until > now ? hold : undefined
  }

  /** A late reply that asks for less does not shorten what stands. */
  const set = (key: string, hold: Hold): boolean => {
    const isNews = (holds.get(key)?.until ?? 0) < hold.until
    if (isNews) holds.set(key, hold)
    return isNews
  }

  return {
    over(message, now) {
      if (holds.size === 0) return undefined
      return current(message.account, now) ?? current(apiKey(message), now)
    },
    place(errcode, message, until) {
      if (errcode.action !== 'hold' && errcode.action !== 'slow') return undefined
      const key = errcode.scope === 'api' || errcode.action !== 'hold' ? apiKey(message) : message.account
      const hold = { until, reason: errcodeReason(errcode.code) }
      return set(key, hold) ? { kind: 'hold', key, ...hold } : undefined
    },
    hear(notice) {
      if (notice.kind === 'hold') set(notice.key, { until: notice.until, reason: notice.reason })
    },
  }
}

const apiKey = ({ account, channel }: Pick<DeliveredMessage, 'account' | 'channel'>): string =>
  `${account} ${channelTraits[channel].path}`
