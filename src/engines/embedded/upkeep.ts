import type { DatabaseSync } from 'node:sqlite'

/**
 * What the store does for itself: gives leases of an earlier process back at the start, and forgets what
 * is past its time, a little at each round so that no round holds up the queue.
 */
export const createUpkeep = (db: DatabaseSync) => {
  // Only this process works on the file, so every lease found at the start belongs to one that is gone.
  const giveBack = db.prepare(`
    UPDATE messages SET ready_at = :now
    WHERE lane IN (0, 1, 2) AND ready_at > :now AND ready_at <= :now + :leaseMs AND state = 'leased'`)
  const loadNonces = db.prepare('SELECT nonce, until FROM nonces WHERE until > ?')

  const oldNonces = db.prepare('DELETE FROM nonces WHERE until <= ?')
  const nextMessages = db.prepare(`
    SELECT seq, tenant, json_extract(extra, '$.key') AS key, ready_at IS NULL AND updated_at < :before AS old
    FROM messages WHERE seq > :after AND accepted_at < :before ORDER BY seq LIMIT :max`)
  const removeMessage = db.prepare('DELETE FROM messages WHERE seq = ?')
  const removeKey = db.prepare('DELETE FROM idempotency WHERE tenant = ? AND key = ?')

  let sweptTo = 0

  return {
    start: ({ now, leaseMs }: { now: number; leaseMs: number }): readonly { nonce: string; until: number }[] => {
      giveBack.run({ now, leaseMs })
      return loadNonces.all(now) as unknown as readonly { nonce: string; until: number }[]
    },

    /** Looks at the next `max` messages in the order of acceptance and removes those that were final before `before`. */
    sweep: ({ now, before, max }: { now: number; before: number; max: number }): number => {
      oldNonces.run(now)
      const rows = nextMessages.all({ after: sweptTo, before, max }) as unknown as readonly SweptRow[]
      sweptTo = rows.length < max ? 0 : rows.at(-1)!.seq
      const old = rows.filter((row) => row.old === 1)
      for (const { seq, tenant, key } of old) {
        removeMessage.run(seq)
        if (key !== null) removeKey.run(tenant, key)
      }
      return old.length
    },
  }
}

type SweptRow = { readonly seq: number; readonly tenant: string; readonly key: string | null; readonly old: 0 | 1 }
