import type { DatabaseSync } from 'node:sqlite'
import { receiptReachMs } from '../../recipients.ts'

/** How many messages are remembered at most, and for how long after the last receipt without a msgid. */
const capacity = 300_000
const interestMs = 3_600_000

/**
 * Who was sent what within the last minutes, in memory. Some accounts get receipts without a msgid (seen in the field
 * where a client_msg_id was given), and looking for their messages on disk by openid costs milliseconds each. So
 * once such a receipt has been seen, what is sent is remembered for as long as a receipt may take to come.
 */
export const createRecentlySent = (db: DatabaseSync) => {
  const messageOf = db.prepare('SELECT account, touser FROM messages WHERE seq = ?')
  // In the order of sending: a Map keeps it.
  const sent = new Map<number, { readonly who: string; readonly at: number }>()
  const byPerson = new Map<string, number[]>()
  let since = Number.POSITIVE_INFINITY
  let until = 0

  const forget = (seq: number, who: string): void => {
    sent.delete(seq)
    const rest = byPerson.get(who)!.filter((other) => other !== seq)
    if (rest.length === 0) byPerson.delete(who)
    else byPerson.set(who, rest)
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

    /** A message was sent. */
    add(seq: number, now: number): void {
      if (now > until) return
      forgetOld(now)
      const { account, touser } = messageOf.get(seq) as { account: string; touser: string }
      const who = `${account} ${touser}`
      sent.set(seq, { who, at: now })
      byPerson.set(who, [...(byPerson.get(who) ?? []), seq])
    },

    /** The messages of this person, latest first; nothing while it has not been remembered for long enough to know all. */
    of(account: string, touser: string, now: number): readonly number[] | undefined {
      if (now - since < receiptReachMs || now > until) return undefined
      return (byPerson.get(`${account} ${touser}`) ?? []).toReversed()
    },
  }
}
