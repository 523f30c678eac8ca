import type { DatabaseSync } from 'node:sqlite'
import { owedGrantMs } from '../../grants.ts'
import { quotaConditions } from '../../quota.ts'
import { stretchLength } from './recipients.ts'

/**
 * What the store does for itself: gives leases of an earlier process back at the start, and forgets what
 * is past its time, a little at each round so that no round holds up the queue.
 */
export const createUpkeep = (db: DatabaseSync, straysForgotten: () => void) => {
  // Only this process works on the file, so every lease found at the start belongs to one that is gone. What is
  // queued is ready at once, also when the clock was put back since it came.
  const giveBack = db.prepare(
    "UPDATE queue SET ready_at = :now WHERE ready_at > :now AND state IN ('leased', 'queued')",
  )
  // Who watched over the quotas is gone as well, and nobody would tell that there are calls again.
  const lookAnew = db.prepare(`
    UPDATE queue SET ready_at = min(ready_at, :now), condition = NULL WHERE condition GLOB '${quotaConditions}*'`)
  const loadNonces = db.prepare('SELECT nonce, until FROM nonces WHERE until > ?')

  const oldNonces = db.prepare(`
    DELETE FROM nonces WHERE nonce IN (SELECT nonce FROM nonces WHERE until <= ? LIMIT ?)`)
  const oldKeys = db.prepare(`
    DELETE FROM note_keys WHERE (account, key) IN (SELECT account, key FROM note_keys WHERE until <= ? LIMIT ?)`)
  const oldStrays = db.prepare(`
    DELETE FROM stray_receipts WHERE (account, msgid) IN
      (SELECT account, msgid FROM stray_receipts WHERE until <= ? LIMIT ?)`)
  const oldDebts = db.prepare(`
    DELETE FROM owed_grants WHERE (account, touser, template_id, kind, name) IN
      (SELECT account, touser, template_id, kind, name FROM owed_grants WHERE at < ? LIMIT ?)`)
  const lastGrant = db.prepare(
    'SELECT max(id) AS id FROM (SELECT id FROM grants WHERE id > ? ORDER BY id LIMIT ?)',
  )
  const oldGrants = db.prepare(`
    DELETE FROM grants WHERE id > :after AND id <= :last AND reserved = 0 AND updated_at < :before
      AND (available = 0 OR expires_at <= :now)`)
  // By number alone: a condition on the time would have it walk through all that is too young, to the newest.
  const nextMessages = db.prepare(`
    SELECT m.seq, m.tenant, m.accepted_at < :before AS aged,
      CASE WHEN m.accepted_at < :before THEN json_extract(m.extra, '$.key') END AS key, coalesce(o.at < :before, 0) AS old
    FROM messages m LEFT JOIN outcomes o ON o.seq = m.seq WHERE m.seq > :after ORDER BY m.seq LIMIT :max`)
  const removals = ['messages', 'outcomes', 'steps', 'receipts'].map((table) =>
    db.prepare(`DELETE FROM ${table} WHERE seq = ?`),
  )
  const removeKey = db.prepare('DELETE FROM idempotency WHERE tenant = ? AND key = ?')
  const emptyStretches = db.prepare(
    `DELETE FROM recipients WHERE stretch < (SELECT coalesce(min(seq), 0) FROM messages) / ${stretchLength}`,
  )

  let sweptTo = 0
  let grantsSweptTo = 0

  /**
   * Nonces, notes that have been taken, receipts that found no message, permissions that are spent. Answers whether
   * there may be more.
   */
  const sweepNotes = ({ now, before, max }: SweepOptions): boolean => {
    const most = max * notesPerMessage
    const { changes: nonces } = oldNonces.run(now, most)
    const { changes: keys } = oldKeys.run(now, most)
    const { changes: strays } = oldStrays.run(now, most)
    const { changes: debts } = oldDebts.run(now - owedGrantMs, most)
    if (Number(strays) > 0) straysForgotten()
    const { id: last } = lastGrant.get(grantsSweptTo, max) as { id: number | null }
    if (last !== null) oldGrants.run({ after: grantsSweptTo, last, before, now })
    grantsSweptTo = last ?? 0
    return [nonces, keys, strays, debts].includes(most)
  }

  return {
    start: (now: number): readonly { nonce: string; until: number }[] => {
      giveBack.run({ now })
      lookAnew.run({ now })
      return loadNonces.all(now) as unknown as readonly { nonce: string; until: number }[]
    },

    /**
     * Looks at the next `max` messages in the order of acceptance and removes those that were final before `before`.
     * Answers whether it left something that is past its time.
     */
    sweep: (options: SweepOptions): boolean => {
      const { before, max } = options
      const moreNotes = sweepNotes(options)
      const rows = nextMessages.all({ after: sweptTo, before, max }) as unknown as readonly SweptRow[]
      // Behind as many that are all too young come only younger ones.
      const goesOn = rows.length === max && rows.some(({ aged }) => aged === 1)
      sweptTo = goesOn ? rows.at(-1)!.seq : 0
      const old = rows.filter((row) => row.old === 1 && row.aged === 1)
      for (const { seq, tenant, key } of old) {
        for (const removal of removals) removal.run(seq)
        if (key !== null) removeKey.run(tenant, key)
      }
      if (old.length > 0) emptyStretches.run()
      return moreNotes || (goesOn && old.length > 0)
    },
  }
}

/** Notes are small, and a message may come with several. */
const notesPerMessage = 5

interface SweepOptions {
  readonly now: number
  readonly before: number
  readonly max: number
}

type SweptRow = {
  readonly seq: number
  readonly tenant: string
  readonly key: string | null
  readonly aged: 0 | 1
  readonly old: 0 | 1
}
