import type { DatabaseSync } from 'node:sqlite'
import { channelTraits } from '../../channels.ts'
import type { Channel } from '../../message.ts'
import { receiptReachMs } from '../../recipients.ts'

/** How many messages are remembered at most, and for how long after the last receipt without a msgid. */
const capacity = 300_000
const interestMs = 3_600_000
/** How many messages of one person are looked at for a receipt, the latest ones. */
export const maxCandidates = 50

/**
 * Who was sent what within the last minutes, in memory. Some accounts get receipts without a msgid (seen in the field
 * where a client_msg_id was given), and looking for their messages on disk by openid costs milliseconds each. So
 * once such a receipt has been seen, what is sent is remembered for as long as a receipt may take to come.
 */
export const createRecentlySent = (db: DatabaseSync) => {
  const messageOf = db.prepare('SELECT account, touser, channel FROM messages WHERE seq = ?')
  // Both in the order of sending: a Map and a Set keep it.
  const sent = new Map<number, { readonly who: string; readonly at: number }>()
  const byPerson = new Map<string, Set<number>>()
  let since = Number.POSITIVE_INFINITY
  let until = 0

  const forget = (seq: number, who: string): void => {
    sent.delete(seq)
    const own = byPerson.get(who)!
    own.delete(seq)
    if (own.size === 0) byPerson.delete(who)
  }

  const forgetOld = (now: number): void => {
    for (const [seq, { who, at }] of sent) {
      if (sent.size <= capacity && at > now - receiptReachMs) return
      forget(seq, who)
    }
  }

  return {
    /** A receipt without a msgid has come. */
    wanted(now: number): void {
      if (now > until) since = now
      until = now + interestMs
    },

    /** A message was sent, or may have been. */
    add(seq: number, now: number): void {
      if (now > until || sent.has(seq)) return
      forgetOld(now)
      const { account, touser, channel } = messageOf.get(seq) as Record<'account' | 'touser', string> & {
        channel: Channel
      }
      if (channelTraits[channel].receipt === undefined) return
      const who = `${account} ${touser}`
      const own = byPerson.get(who) ?? new Set()
      sent.set(seq, { who, at: now })
      byPerson.set(who, own.add(seq))
      if (own.size > maxCandidates) forget(own.values().next().value!, who)
    },

    /** The messages of this person, latest first; nothing while it has not been remembered for long enough to know all. */
    of(account: string, touser: string, now: number): readonly number[] | undefined {
      if (now - since < receiptReachMs || now > until) return undefined
      return [...(byPerson.get(`${account} ${touser}`) ?? [])].reverse()
    },
  }
}
