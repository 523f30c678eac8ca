/**
 * Receipts and their messages. A receipt is written beside the outcome that it sharpens, once, and never over it.
 *
 * Which message a receipt belongs to: the one with its msgid. Without a msgid, the earliest of its person that
 * ended in time and waits for one. With a msgid that nobody knows, it may have come before the answer to its call, so
 * it is kept as a stray until that answer is settled; or the answer is lost, and then it settles the one message in
 * doubt that it can belong to. Several that it could belong to, or one that is in a worker's hands, are left alone.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { MessageId, State, Step } from '../../message.ts'
import { type Receipt, receiptReachMs, receiptSlackMs, strayReceiptMs } from '../../recipients.ts'
import type { Grants } from './grants.ts'
import { createRecentlySent, maxCandidates } from './recently-sent.ts'
import { placesOf, stretchLength } from './recipients.ts'

/**
 * Strays at once; beyond, the oldest goes. They are mostly of other systems that send from the same account, and one
 * whose message is on its way here finds it within seconds.
 */
export const maxStrays = 200_000
/** So many messages in doubt are looked through for one of a receipt's person; with more, anybody may have one. */
const maxDoubts = 500
/** How far back messages of a person are looked for where nothing says that there is one: a million, milliseconds. */
const maxSearched = 256 * stretchLength

export interface Sharpened {
  readonly id: MessageId
  readonly state: State
}

export const createReceipts = (db: DatabaseSync, grants: Grants) => {
  const byMsgid = db.prepare(`
    SELECT m.seq, m.id, o.state FROM outcomes o JOIN messages m ON m.seq = o.seq
    WHERE o.msgid = ? AND m.account = ? AND m.touser = ? AND NOT EXISTS (SELECT 1 FROM receipts WHERE seq = o.seq)`)
  const alreadyByMsgid = db.prepare(`
    SELECT 1 FROM messages m LEFT JOIN outcomes o ON o.seq = m.seq LEFT JOIN receipts r ON r.seq = m.seq
    WHERE m.seq IN (SELECT seq FROM outcomes WHERE msgid = ?) AND m.account = ?`)
  const candidate = db.prepare(`
    SELECT m.seq, m.id, m.account, m.touser, m.channel, m.template_id AS templateId, q.state AS queued, q.leased_at AS leasedAt,
      q.deliveries, q.grant_key AS grantKey, q.grant_handle AS grantHandle,
      coalesce(q.doubt_since, o.doubt_since) AS doubtSince, o.state AS ended, o.msgid, o.at AS endedAt,
      r.seq IS NOT NULL AS sharpened
    FROM messages m LEFT JOIN queue q ON q.seq = m.seq LEFT JOIN outcomes o ON o.seq = m.seq
      LEFT JOIN receipts r ON r.seq = m.seq
    WHERE m.seq = ? AND m.account = ? AND m.touser = ?`)
  const newest = db.prepare('SELECT coalesce(max(seq), 0) AS seq FROM messages')
  const insert = db.prepare('INSERT INTO receipts (seq, state, reason, at, step) VALUES (?, ?, ?, ?, ?)')
  const leave = db.prepare('DELETE FROM queue WHERE seq = ?')
  const end = db.prepare(`
    INSERT INTO outcomes (seq, state, reason, deliveries, doubt_since, msgid, at, step)
    VALUES (?, 'sent', 'receipt', ?, ?, ?, ?, ?)`)
  // A repeat of the receipt must find its message by this msgid, not another one that is in doubt.
  const nameIt = db.prepare('UPDATE outcomes SET msgid = coalesce(msgid, ?) WHERE seq = ?')
  const doubts = db.prepare(`
    SELECT count(*) AS looked, coalesce(sum(m.account = :account AND m.touser = :touser), 0) AS own FROM (
      SELECT seq FROM (SELECT seq FROM queue WHERE doubt_since IS NOT NULL LIMIT ${maxDoubts}) UNION ALL
      SELECT seq FROM (SELECT seq, at FROM outcomes WHERE state <> 'sent' AND state = 'unknown'
        ORDER BY seq DESC LIMIT ${maxDoubts}) WHERE at > :since
    ) d CROSS JOIN messages m ON m.seq = d.seq`)
  const keep = db.prepare(`
    INSERT INTO stray_receipts (account, msgid, touser, receipt, until) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`)
  const strayOf = db.prepare('SELECT receipt FROM stray_receipts WHERE account = ? AND msgid = ?')
  // Left to itself, SQLite would walk through all strays of the account.
  const straysOf = db.prepare(
    'SELECT receipt FROM stray_receipts INDEXED BY stray_receipts_touser WHERE account = ? AND touser = ?',
  )
  const dropStray = db.prepare('DELETE FROM stray_receipts WHERE account = ? AND msgid = ?')
  const dropOldest = db.prepare(`
    DELETE FROM stray_receipts WHERE (account, msgid) =
      (SELECT account, msgid FROM stray_receipts INDEXED BY stray_receipts_until ORDER BY until LIMIT 1)`)
  const messageOf = db.prepare(`
    SELECT m.id, m.account, m.touser, o.msgid FROM messages m LEFT JOIN outcomes o ON o.seq = m.seq WHERE m.seq = ?`)
  const countStrays = db.prepare('SELECT count(*) AS n FROM stray_receipts')
  const recent = createRecentlySent(db)
  const count = () => (countStrays.get() as { n: number }).n
  let strays = count()

  /** Writes what the receipt says beside the outcome. */
  const sharpen = (seq: number, id: string, receipt: Receipt, now: number): Sharpened => {
    const { result } = receipt
    const reason = result.kind === 'undelivered' ? result.reason : null
    const step: Step = { at: now, state: result.kind, ...(reason !== null && { reason }) }
    insert.run(seq, result.kind, reason, now, JSON.stringify(step))
    return { id: id as MessageId, state: result.kind }
  }

  /** Settles a message in doubt: WeChat had taken it. */
  const resolve = (row: Candidate, receipt: Receipt, now: number): Sharpened => {
    const { seq, id, queued, deliveries, doubtSince, grantKey, grantHandle } = row
    if (queued !== null) {
      if (grantKey !== null) grants.settle('used', grantHandle, { ...row, key: grantKey }, now)
      leave.run(seq)
      const step: Step = { at: now, state: 'sent', reason: 'receipt' }
      end.run(seq, deliveries, doubtSince, receipt.msgid ?? null, now, JSON.stringify(step))
    } else nameIt.run(receipt.msgid ?? null, seq)
    return sharpen(seq, id, receipt, now)
  }

  const everywhere = (touser: string): Iterable<number> =>
    placesOf(db, touser, { low: 0, high: (newest.get() as { seq: number }).seq + 1 })

  /** What is looked at for every receipt of a kind must not grow with all that is kept. */
  const lately = (touser: string): Iterable<number> => {
    const { seq } = newest.get() as { seq: number }
    return placesOf(db, touser, { low: Math.max(0, seq - maxSearched), high: seq + 1 })
  }

  /** Where a message of this person may be that is in doubt; nothing when there is none. */
  const doubtedPlaces = (account: string, { touser, at }: Receipt): Iterable<number> | undefined => {
    const { looked, own } = doubts.get({ account, touser, since: at - receiptReachMs }) as {
      looked: number
      own: number
    }
    if (own > 0) return everywhere(touser)
    return looked >= maxDoubts ? lately(touser) : undefined
  }

  const candidatesOf = (
    account: string,
    { touser, channel, templateId, at }: Receipt,
    places: Iterable<number>,
  ): readonly Candidate[] => {
    const rows: Candidate[] = []
    let looked = 0
    for (const seq of places) {
      if (++looked > maxCandidates) break
      const row = candidate.get(seq, account, touser) as unknown as Candidate | undefined
      if (row === undefined || row.sharpened === 1 || !ofFamily(row.channel, channel)) continue
      if (templateId !== undefined && row.templateId !== templateId) continue
      if (row.endedAt !== null && row.endedAt < at - receiptReachMs) continue
      rows.push(row)
    }
    return rows
  }

  /** Without a msgid: the earliest that ended as sent or unknown before the receipt, or is in doubt. */
  const earliest = (account: string, receipt: Receipt, now: number): Candidate | undefined =>
    candidatesOf(account, receipt, recent.of(account, receipt.touser, now) ?? lately(receipt.touser))
      .filter(({ ended, queued, doubtSince, endedAt }) =>
        queued === null
          ? (ended === 'sent' || ended === 'unknown') && endedAt! <= receipt.at + 1000 + receiptSlackMs
          : queued !== 'leased' && doubtSince !== null && doubtSince <= receipt.at + 1000 + receiptSlackMs,
      )
      .at(-1)

  /** With a msgid that nobody knows: the one message in doubt, or unknown, whose call it can answer. */
  const onlyDoubt = (account: string, receipt: Receipt): Candidate | undefined => {
    const places = receipt.authentic ? doubtedPlaces(account, receipt) : undefined
    if (places === undefined) return undefined
    const rows = candidatesOf(account, receipt, places).filter(
      ({ ended, queued, msgid, doubtSince, leasedAt }) => {
        if (queued === 'leased') return leasedAt! <= receipt.at + 1000 + receiptSlackMs
        return (
          doubtSince !== null &&
          doubtSince <= receipt.at + 1000 + receiptSlackMs &&
          msgid === null &&
          ended !== 'sent'
        )
      },
    )
    return rows.length === 1 && rows[0]!.queued !== 'leased' ? rows[0] : undefined
  }

  const keepStray = (account: string, receipt: Receipt, now: number): void => {
    if (receipt.msgid === undefined) return
    const text = JSON.stringify(receipt)
    strays += keep.run(account, receipt.msgid, receipt.touser, text, now + strayReceiptMs).changes as number
    if (strays > maxStrays) strays -= dropOldest.run().changes as number
  }

  const drop = (account: string, msgid: string): void => {
    strays -= dropStray.run(account, msgid).changes as number
  }

  return {
    /** Takes in a receipt; answers what it sharpened, if anything. */
    take(account: string, receipt: Receipt, now: number): Sharpened | undefined {
      const { msgid, touser } = receipt
      if (msgid === undefined) {
        recent.wanted(now)
        const row = earliest(account, receipt, now)
        return row && resolve(row, receipt, now)
      }
      const row = byMsgid.get(msgid, account, touser) as { seq: number; id: string; state: State } | undefined
      if (row !== undefined)
        return row.state === 'sent' || row.state === 'unknown'
          ? sharpen(row.seq, row.id, receipt, now)
          : undefined
      if (alreadyByMsgid.get(msgid, account) !== undefined) return undefined
      const doubted = onlyDoubt(account, receipt)
      if (doubted !== undefined) return resolve(doubted, receipt, now)
      keepStray(account, receipt, now)
      return undefined
    },

    /** Whether any receipt waits for its message: mostly there are none, and then nothing need be looked up. */
    anyStray: () => strays > 0,

    /** A message was sent, or may have been. */
    sent: recent.add,

    /** A message with a msgid or in doubt has just been settled: a receipt that came before may belong to it. */
    settled(seq: number, now: number): Sharpened | undefined {
      const place = messageOf.get(seq) as unknown as {
        id: string
        account: string
        touser: string
        msgid: string | null
      }
      const { account, touser, msgid } = place
      if (msgid !== null) {
        const stray = strayOf.get(account, msgid) as { receipt: string } | undefined
        if (stray === undefined) return undefined
        drop(account, msgid)
        const receipt = JSON.parse(stray.receipt) as Receipt
        return receipt.touser === touser ? sharpen(seq, place.id, receipt, now) : undefined
      }
      for (const { receipt: text } of straysOf.all(account, touser) as unknown as { receipt: string }[]) {
        const receipt = JSON.parse(text) as Receipt
        const row = onlyDoubt(account, receipt)
        if (row?.seq !== seq) continue
        drop(account, receipt.msgid!)
        return resolve(row, receipt, now)
      }
      return undefined
    },

    /** Strays may have been forgotten, or a transaction rolled back. */
    recount(): void {
      strays = count()
    },
  }
}

export type Receipts = ReturnType<typeof createReceipts>

interface Candidate {
  readonly seq: number
  readonly id: string
  readonly account: string
  readonly touser: string
  readonly channel: string
  readonly templateId: string
  /** Its state in the queue, while it is there. */
  readonly queued: State | null
  readonly leasedAt: number | null
  readonly deliveries: number | null
  readonly grantKey: string | null
  readonly grantHandle: string | null
  readonly doubtSince: number | null
  readonly ended: State | null
  readonly msgid: string | null
  readonly endedAt: number | null
  readonly sharpened: 0 | 1
}

/** Both kinds of subscribe message have the same event. */
const ofFamily = (channel: string, family: Receipt['channel']): boolean =>
  family === 'template' ? channel === 'template' : channel === 'subscribe' || channel === 'oa_subscribe'
