import type { DatabaseSync } from 'node:sqlite'
import { lanes, type State } from '../../message.ts'
import type { Depth } from '../../queue.ts'
import { createEndings } from './endings.ts'
import { createGrants } from './grants.ts'
import { createLeases } from './leases.ts'
import { createNotes } from './notes.ts'
import { createReceipts } from './receipts.ts'
import { createRecipients, stretchLength } from './recipients.ts'
import { type MessageRow, type RecordRow, recordColumns, recordState, recordTables } from './rows.ts'

export type PublishResult = null | {
  readonly kind: 'duplicate' | 'conflict'
  readonly id: string
  readonly state: State
}

/**
 * The transitions of the queue, each a function within an open transaction. Runs in the storage thread; who
 * calls it begins and commits.
 */
export const createStore = (db: DatabaseSync) => {
  const recipients = createRecipients(db)
  const grants = createGrants(db)
  const receipts = createReceipts(db, grants)
  return {
    ...createIntake(db, recipients.advance),
    ...createLeases(db, grants),
    ...createEndings(db, grants, receipts),
    ...createNotes(db, grants, receipts),
    ...createReads(db),
    ...createShelves(db),
    /** Receipts without a message have gone. */
    straysForgotten: (_: null): void => receipts.recount(),
    /** A transaction was rolled back. */
    rolledBack(_: null): void {
      recipients.reset()
      receipts.recount()
    },
  }
}

export type Store = ReturnType<typeof createStore>

/** Messages come in. */
const createIntake = (db: DatabaseSync, writtenUpTo: (seq: number) => void) => {
  const insert = db.prepare(`
    INSERT INTO messages (seq, id, tenant, account, channel, lane, touser, template_id, body, accepted_at, send_at,
                          expires_at, extra) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO NOTHING`)
  const enqueue = db.prepare(
    'INSERT INTO queue (seq, lane, ready_at, state, careful, grant_key, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
  )
  const knownKey = db.prepare('SELECT id, fingerprint FROM idempotency WHERE tenant = ? AND key = ?')
  const insertKey = db.prepare('INSERT INTO idempotency (tenant, key, id, fingerprint) VALUES (?, ?, ?, ?)')
  const stateOf = db.prepare(`SELECT ${recordState} AS state FROM ${recordTables} WHERE m.id = ?`)
  // Numbers are never given twice, although messages are forgotten: an old delivery must not fit a new message.
  let lastSeq = lastSeqOf(db)

  const known = (kind: 'duplicate' | 'conflict', id: string): PublishResult => {
    const { state } = stateOf.get(id) as { state: State }
    return { kind, id, state }
  }

  const publishOne = (row: MessageRow): PublishResult => {
    const [id, tenant, , , lane, , , , acceptedAt, sendAt] = row
    const [key, fingerprint, careful, grantKey] = [row[12], row[13], row[14], row[15]]
    const present = key === null ? undefined : (knownKey.get(tenant, key) as KnownKey | undefined)
    if (present) return known(present.fingerprint === fingerprint ? 'duplicate' : 'conflict', present.id)
    const seq = lastSeq + 1
    if (insert.run(seq, ...row.slice(0, messageColumns)).changes === 0) return known('duplicate', id)
    lastSeq = seq
    if (key !== null) insertKey.run(tenant, key, id, fingerprint)
    const state = sendAt > acceptedAt ? 'scheduled' : 'queued'
    enqueue.run(seq, lane, sendAt, state, careful, grantKey, acceptedAt)
    writtenUpTo(seq)
    return null
  }

  return { publish: (rows: readonly MessageRow[]): readonly PublishResult[] => rows.map(publishOne) }
}

/** The first so many of a `MessageRow` are the columns of `messages` after `seq`. */
const messageColumns = 12

type KnownKey = { readonly id: string; readonly fingerprint: string }

/** The highest number that a message has or that a stretch of recipients, which may outlive its messages, covers. */
const lastSeqOf = (db: DatabaseSync): number => {
  const { seq } = db
    .prepare(`
      SELECT max(coalesce((SELECT max(seq) FROM messages), 0),
                 coalesce((SELECT (max(stretch) + 1) * ${stretchLength} - 1 FROM recipients), 0)) AS seq`)
    .get() as { seq: number }
  return seq
}

const createReads = (db: DatabaseSync) => {
  const find = db.prepare(`SELECT ${recordColumns} FROM ${recordTables} WHERE m.id = ? AND m.tenant = ?`)
  find.setReturnArrays(true)
  const laneDepth = db.prepare(
    'SELECT count(*) AS ready, min(ready_at) AS oldest FROM queue WHERE lane = ? AND ready_at <= ?',
  )
  const later = db.prepare('SELECT count(*) AS later FROM queue WHERE ready_at > ?')

  return {
    find: ({ tenant, id }: { tenant: string; id: string }): RecordRow | undefined =>
      find.get(id, tenant) as unknown as RecordRow | undefined,

    depth(now: number): Depth {
      const depths = lanes.map((lane, index) => {
        const { ready, oldest } = laneDepth.get(index, now) as { ready: number; oldest: number | null }
        return [lane, oldest === null ? { ready } : { ready, oldestReadyAt: oldest }] as const
      })
      return { lanes: Object.fromEntries(depths) as Depth['lanes'], ...(later.get(now) as { later: number }) }
    },
  }
}

/** Nonces and the directory. */
const createShelves = (db: DatabaseSync) => {
  const insertNonce = db.prepare('INSERT OR REPLACE INTO nonces (nonce, until) VALUES (?, ?)')
  const put = db.prepare('INSERT OR REPLACE INTO directory (kind, id, value) VALUES (?, ?, ?)')
  const remove = db.prepare('DELETE FROM directory WHERE kind = ? AND id = ?')
  const entries = db.prepare('SELECT value FROM directory WHERE kind = ? ORDER BY id')

  return {
    nonce({ nonce, until }: { nonce: string; until: number }): void {
      insertNonce.run(nonce, until)
    },
    put({ kind, id, value }: { kind: string; id: string; value: string }): void {
      put.run(kind, id, value)
    },
    remove({ kind, id }: { kind: string; id: string }): void {
      remove.run(kind, id)
    },
    entries: (kind: string) => entries.all(kind) as unknown as readonly { value: string }[],
  }
}
