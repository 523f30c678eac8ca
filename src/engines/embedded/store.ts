import type { DatabaseSync } from 'node:sqlite'
import { lanes, type State, type Step } from '../../message.ts'
import type { Cancellation, Depth } from '../../queue.ts'
import { createRecipients, stretchLength } from './recipients.ts'
import {
  type DeliveryRow,
  type MessageRow,
  type RecordRow,
  recordColumns,
  recordTables,
  type SettleRow,
} from './rows.ts'

/** A delivery whose call is about to be made: its message, and its number as the fence. */
export type BeginRow = readonly [seq: number, number: number]

export interface ClaimOptions {
  readonly max: number
  readonly now: number
  readonly leaseMs: number
}

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
  return {
    ...createIntake(db, recipients.advance),
    ...createLeases(db),
    ...createEndings(db),
    ...createReads(db),
    ...createShelves(db),
    /** A transaction was rolled back. */
    rolledBack: (_: null): void => recipients.reset(),
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
    'INSERT INTO queue (seq, lane, ready_at, state, careful, updated_at) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const knownKey = db.prepare('SELECT id, fingerprint FROM idempotency WHERE tenant = ? AND key = ?')
  const insertKey = db.prepare('INSERT INTO idempotency (tenant, key, id, fingerprint) VALUES (?, ?, ?, ?)')
  const stateOf = db.prepare(`SELECT coalesce(o.state, q.state) AS state FROM ${recordTables} WHERE m.id = ?`)
  // Numbers are never given twice, although messages are forgotten: an old delivery must not fit a new message.
  let lastSeq = lastSeqOf(db)

  const known = (kind: 'duplicate' | 'conflict', id: string): PublishResult => {
    const { state } = stateOf.get(id) as { state: State }
    return { kind, id, state }
  }

  const publishOne = (row: MessageRow): PublishResult => {
    const [id, tenant, , , lane, , , , acceptedAt, sendAt] = row
    const [key, fingerprint, careful] = [row[12], row[13], row[14]]
    const present = key === null ? undefined : (knownKey.get(tenant, key) as KnownKey | undefined)
    if (present) return known(present.fingerprint === fingerprint ? 'duplicate' : 'conflict', present.id)
    const seq = lastSeq + 1
    if (insert.run(seq, ...row.slice(0, messageColumns)).changes === 0) return known('duplicate', id)
    lastSeq = seq
    if (key !== null) insertKey.run(tenant, key, id, fingerprint)
    enqueue.run(seq, lane, sendAt, sendAt > acceptedAt ? 'scheduled' : 'queued', careful, acceptedAt)
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

type ClaimedRow = readonly [
  ...message: readonly [
    number,
    string,
    string,
    string,
    string,
    number,
    string,
    string,
    string,
    number,
    number,
  ],
  readyAt: number,
  state: string,
  deliveries: number,
  tries: number,
  leasedAt: number | null,
  doubtSince: number | null,
  begun: 0 | 1,
]

/** Messages go to workers. */
const createLeases = (db: DatabaseSync) => {
  const ready = db.prepare(`
    SELECT m.seq, m.id, m.tenant, m.account, m.channel, m.lane, m.touser, m.template_id, m.body, m.accepted_at,
           m.expires_at, q.ready_at, q.state, q.deliveries, q.tries, q.leased_at, q.doubt_since, q.begun
    FROM queue q CROSS JOIN messages m ON m.seq = q.seq
    WHERE q.lane = ? AND q.ready_at <= ? ORDER BY q.ready_at, q.seq LIMIT ?`)
  ready.setReturnArrays(true)
  // Takes exactly the rows up to the last one that `ready` gave. One that is ready while it says `leased` had its
  // lease run out: whoever held it may have called WeChat.
  const lease = db.prepare(`
    UPDATE queue SET
      doubt_since = CASE WHEN state = 'leased' AND begun THEN coalesce(doubt_since, leased_at) ELSE doubt_since END,
      begun = 1 - careful, state = 'leased', reason = NULL, ready_at = :until, leased_at = :now, deliveries = deliveries + 1, updated_at = :now
    WHERE lane = :lane AND ready_at <= :lastReadyAt AND (ready_at < :lastReadyAt OR seq <= :lastSeq)`)
  const addStep = db.prepare('INSERT INTO steps (seq, delivery, step) VALUES (?, ?, ?)')
  const nextReady = db.prepare('SELECT min(ready_at) AS at FROM queue WHERE lane = ?')

  const leaseLost = (seq: number, delivery: number, leasedAt: number, now: number): void => {
    addStep.run(seq, delivery, JSON.stringify({ at: now, state: 'lease-lost', leasedAt } satisfies Step))
  }

  const claimLane = (lane: number, { max, now, leaseMs }: ClaimOptions): readonly DeliveryRow[] => {
    const rows = ready.all(lane, now, max) as unknown as readonly ClaimedRow[]
    const last = rows.at(-1)
    if (!last) return []
    const until = now + leaseMs
    lease.run({ until, now, lane, lastReadyAt: last[11], lastSeq: last[0] })
    return rows.map((row) => {
      const [seq, id, tenant, account, channel, , touser, templateId, body, acceptedAt, expiresAt] = row
      const [, , , , , , , , , , , , state, deliveries, tries, leasedAt, doubtSince, begun] = row
      const lost = state === 'leased'
      if (lost) leaseLost(seq, deliveries, leasedAt!, now)
      return [
        ...([
          seq,
          id,
          tenant,
          account,
          channel,
          lane,
          touser,
          templateId,
          body,
          acceptedAt,
          expiresAt,
        ] as const),
        ...([
          deliveries + 1,
          tries,
          now,
          until,
          lost && begun ? (doubtSince ?? leasedAt) : doubtSince,
        ] as const),
      ]
    })
  }

  const begin = db.prepare("UPDATE queue SET begun = 1 WHERE seq = ? AND deliveries = ? AND state = 'leased'")

  return {
    begin: (rows: readonly BeginRow[]): readonly boolean[] =>
      rows.map(([seq, number]) => begin.run(seq, number).changes === 1),

    claim(options: ClaimOptions): {
      readonly rows: readonly DeliveryRow[]
      readonly nextReadyAt: number | null
    } {
      let rows: readonly DeliveryRow[] = []
      for (let lane = 0; lane < lanes.length && rows.length < options.max; lane++) {
        const more = claimLane(lane, { ...options, max: options.max - rows.length })
        rows = rows.length === 0 ? more : [...rows, ...more]
      }
      if (rows.length > 0) return { rows, nextReadyAt: null }
      const next = lanes
        .map((_, lane) => (nextReady.get(lane) as { at: number | null }).at)
        .filter((at) => at !== null)
      return { rows, nextReadyAt: next.length === 0 ? null : Math.min(...next) }
    },
  }
}

/** Of a message that is tried for days, the first and the latest steps are kept, so many of each. */
const keptSteps = 100

/** Deliveries are settled, messages end. */
const createEndings = (db: DatabaseSync) => {
  const goOn = db.prepare(`
    UPDATE queue SET state = ?, reason = ?, ready_at = ?, tries = tries + ?, doubt_since = ?, updated_at = ?
    WHERE seq = ? AND deliveries = ? AND state = 'leased'`)
  const leave = db.prepare("DELETE FROM queue WHERE seq = ? AND deliveries = ? AND state = 'leased'")
  const addStep = db.prepare('INSERT INTO steps (seq, delivery, step) VALUES (?, ?, ?)')
  const forgetStep = db.prepare('DELETE FROM steps WHERE seq = ? AND delivery = ?')
  const end = db.prepare(`
    INSERT INTO outcomes (seq, state, reason, deliveries, doubt_since, msgid, at, step) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`)
  const position = db.prepare(`
    SELECT m.seq, coalesce(o.state, q.state) AS state, q.deliveries, q.doubt_since AS doubtSince
    FROM ${recordTables} WHERE m.id = ? AND m.tenant = ?`)
  const drop = db.prepare('DELETE FROM queue WHERE seq = ?')

  const settleOne = (row: SettleRow): boolean => {
    const [seq, number, state, reason, until, spent, doubtSince, msgid, at, step] = row
    if (until === null) {
      if (leave.run(seq, number).changes === 0) return false
      end.run(seq, state, reason, number, doubtSince, msgid, at, step)
      return true
    }
    if (goOn.run(state, reason, until, spent, doubtSince, at, seq, number).changes === 0) return false
    if (step !== null) {
      addStep.run(seq, number, step)
      if (number > 2 * keptSteps) forgetStep.run(seq, number - keptSteps)
    }
    return true
  }

  return {
    settle: (rows: readonly SettleRow[]): readonly boolean[] => rows.map(settleOne),

    cancel({ tenant, id, now }: { tenant: string; id: string; now: number }): Cancellation {
      const row = position.get(id, tenant) as Position | undefined
      if (!row) return { kind: 'missing' }
      const { seq, deliveries, doubtSince } = row
      if (row.state === 'leased') return { kind: 'in-flight' }
      if (deliveries === null) return { kind: 'final', state: row.state }
      const state = doubtSince === null ? 'cancelled' : 'unknown'
      const step = JSON.stringify({ at: now, state, reason: 'cancelled' } satisfies Step)
      drop.run(seq)
      end.run(seq, state, 'cancelled', deliveries, doubtSince, null, now, step)
      return { kind: 'cancelled', state }
    },
  }
}

/** `deliveries` is null once the message has left the queue. */
type Position = { seq: number; state: State; deliveries: number | null; doubtSince: number | null }

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
