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
  /** Takes note of a refusal whose scope is wider than its message. */
  place(errcode: Errcode, message: DeliveredMessage, until: number): void
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

  return {
    over(message, now) {
      if (holds.size === 0) return undefined
      return current(message.account, now) ?? current(apiKey(message), now)
    },
    place(errcode, message, until) {
      if (errcode.action !== 'hold' && errcode.action !== 'slow') return
      const key = errcode.scope === 'api' || errcode.action !== 'hold' ? apiKey(message) : message.account
      // A late reply that asks for less does not shorten what stands.
      if ((holds.get(key)?.until ?? 0) < until) holds.set(key, { until, reason: errcodeReason(errcode.code) })
    },
  }
}

const apiKey = ({ account, channel }: Pick<DeliveredMessage, 'account' | 'channel'>): string =>
  `${account} ${channelTraits[channel].path}`
