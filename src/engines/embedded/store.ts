import type { DatabaseSync } from 'node:sqlite'
import { isFinal, lanes, type State } from '../../message.ts'
import type { Cancellation, Depth } from '../../queue.ts'
import { type DeliveryRow, deliveryColumns, type MessageRow, type RecordRow, recordColumns, stepLine } from './rows.ts'

/** What a settlement writes. `until` is null when the state is final. */
export interface SettleRow {
  readonly seq: number
  readonly number: number
  readonly state: State
  readonly reason: string | null
  readonly until: number | null
  readonly spent: boolean
  readonly inDoubt: boolean
  readonly msgid: string | null
  readonly at: number
  /** One line of JSON, or empty to leave no trace (a delivery handed back). */
  readonly step: string
}

export interface ClaimOptions {
  readonly max: number
  readonly now: number
  readonly leaseMs: number
}

export type PublishResult = null | { readonly kind: 'duplicate' | 'conflict'; readonly id: string; readonly state: State }

/** Steps beyond this many characters of history are counted in `deliveries` only; the last one is always kept. */
const stepsLimit = 16_384

/**
 * The transitions of the queue, each a function of one open transaction. Runs in the storage thread; who
 * calls it begins and commits.
 */
export const createStore = (db: DatabaseSync) => {
  const insert = db.prepare(`
    INSERT INTO messages (id, tenant, account, channel, lane, touser, template_id, body,
                          accepted_at, send_at, expires_at, extra, state, ready_at, updated_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
  const knownKey = db.prepare('SELECT id, fingerprint FROM idempotency WHERE tenant = ? AND key = ?')
  const insertKey = db.prepare('INSERT INTO idempotency (tenant, key, id, fingerprint) VALUES (?, ?, ?, ?)')
  const stateOfId = db.prepare('SELECT state FROM messages WHERE id = ?')

  const publishOne = (row: MessageRow): PublishResult => {
    const [id, tenant] = row
    const key = row[12]
    if (key !== null) {
      const known = knownKey.get(tenant, key) as { id: string; fingerprint: string } | undefined
      if (known) {
        const { state = 'sent' } = (stateOfId.get(known.id) ?? {}) as { state?: State }
        return { kind: known.fingerprint === row[13] ? 'duplicate' : 'conflict', id: known.id, state }
      }
      insertKey.run(tenant, key, id, row[13])
    }
    const acceptedAt = row[8]
    const sendAt = row[9]
    const state = sendAt > acceptedAt ? 'scheduled' : 'queued'
    insert.run(
      id, tenant, row[2], row[3], row[4], row[5], row[6], row[7], acceptedAt, sendAt, row[10], row[11],
      state, sendAt, acceptedAt,
    ) // biome-ignore format: one line per group of columns
    return null
  }

  // A row that is ready while it says `leased` had its lease run out: whoever held it may have called WeChat.
  const claimLane = db.prepare(`
    UPDATE messages SET
      doubt_since = CASE WHEN state = 'leased' THEN coalesce(doubt_since, leased_at) ELSE doubt_since END,
      steps = CASE WHEN state = 'leased' AND length(steps) < ${stepsLimit}
              THEN steps || '{"at":' || :now || ',"state":"lease-lost","leasedAt":' || leased_at || '}' || char(10)
              ELSE steps END,
      state = 'leased', reason = NULL, deliveries = deliveries + 1, leased_at = :now, ready_at = :until, updated_at = :now
    WHERE seq IN (SELECT seq FROM messages WHERE lane = :lane AND ready_at <= :now ORDER BY ready_at LIMIT :max)
    RETURNING ${deliveryColumns}`)
  claimLane.setReturnArrays(true)
  const nextReady = db.prepare('SELECT min(ready_at) AS at FROM messages WHERE lane = ? AND ready_at IS NOT NULL')

  const update = db.prepare(`
    UPDATE messages SET
      state = ?, reason = ?, ready_at = ?, tries = tries + ?,
      doubt_since = CASE WHEN ? THEN coalesce(doubt_since, leased_at) ELSE doubt_since END,
      msgid = coalesce(?, msgid), updated_at = ?,
      steps = CASE WHEN ? OR length(steps) < ${stepsLimit} THEN steps || ? ELSE steps END
    WHERE seq = ? AND deliveries = ? AND state = 'leased'`)

  const position = db.prepare(
    'SELECT seq, state, doubt_since AS doubtSince FROM messages WHERE id = ? AND tenant = ?',
  )
  const stop = db.prepare(
    'UPDATE messages SET state = ?, reason = ?, ready_at = NULL, updated_at = ?, steps = steps || ? WHERE seq = ?',
  )

  const find = db.prepare(`SELECT ${recordColumns} FROM messages WHERE id = ? AND tenant = ?`)
  find.setReturnArrays(true)

  const laneDepth = db.prepare(
    'SELECT count(*) AS ready, min(ready_at) AS oldest FROM messages WHERE lane = ? AND ready_at <= ?',
  )
  const laterDepth = db.prepare('SELECT count(*) AS later FROM messages WHERE lane = ? AND ready_at > ?')

  const insertNonce = db.prepare('INSERT OR REPLACE INTO nonces (nonce, until) VALUES (?, ?)')

  const putEntry = db.prepare('INSERT OR REPLACE INTO directory (kind, id, value) VALUES (?, ?, ?)')
  const removeEntry = db.prepare('DELETE FROM directory WHERE kind = ? AND id = ?')
  const entries = db.prepare('SELECT id, value FROM directory WHERE kind = ? ORDER BY id')

  return {
    publish: (rows: readonly MessageRow[]): readonly PublishResult[] => rows.map(publishOne),

    claim({ max, now, leaseMs }: ClaimOptions): { readonly rows: readonly DeliveryRow[]; readonly nextReadyAt: number | null } {
      const rows: DeliveryRow[] = []
      for (let lane = 0; lane < lanes.length && rows.length < max; lane++)
        rows.push(
          ...(claimLane.all({ now, until: now + leaseMs, lane, max: max - rows.length }) as unknown as DeliveryRow[]),
        )
      if (rows.length > 0) return { rows, nextReadyAt: null }
      const next = lanes.map((_, lane) => (nextReady.get(lane) as { at: number | null }).at).filter((at) => at !== null)
      return { rows, nextReadyAt: next.length === 0 ? null : Math.min(...next) }
    },

    settle(row: SettleRow): boolean {
      const { changes } = update.run(
        row.state, row.reason, row.until, row.spent ? 1 : 0, row.inDoubt ? 1 : 0, row.msgid, row.at,
        row.until === null ? 1 : 0, row.step, row.seq, row.number,
      ) // biome-ignore format: in the order of the statement
      return changes === 1
    },

    cancel({ tenant, id, now }: { tenant: string; id: string; now: number }): Cancellation {
      const row = position.get(id, tenant) as { seq: number; state: State; doubtSince: number | null } | undefined
      if (!row) return { kind: 'missing' }
      if (row.state === 'leased') return { kind: 'in-flight' }
      if (isFinal(row.state)) return { kind: 'final', state: row.state }
      const state = row.doubtSince === null ? 'cancelled' : 'unknown'
      stop.run(state, 'cancelled', now, stepLine({ at: now, state, reason: 'cancelled' }), row.seq)
      return { kind: 'cancelled', state }
    },

    find: ({ tenant, id }: { tenant: string; id: string }): RecordRow | undefined =>
      find.get(id, tenant) as unknown as RecordRow | undefined,

    depth(now: number): Depth {
      const depths = lanes.map((lane, index) => {
        const { ready, oldest } = laneDepth.get(index, now) as { ready: number; oldest: number | null }
        return [lane, oldest === null ? { ready } : { ready, oldestReadyAt: oldest }] as const
      })
      const later = lanes.reduce((sum, _, lane) => sum + (laterDepth.get(lane, now) as { later: number }).later, 0)
      return { lanes: Object.fromEntries(depths) as Depth['lanes'], later }
    },

    nonce({ nonce, until }: { nonce: string; until: number }): void {
      insertNonce.run(nonce, until)
    },

    put({ kind, id, value }: { kind: string; id: string; value: string }): void {
      putEntry.run(kind, id, value)
    },
    remove({ kind, id }: { kind: string; id: string }): void {
      removeEntry.run(kind, id)
    },
    entries: (kind: string) => entries.all(kind) as unknown as readonly { id: string; value: string }[],
  }
}

export type Store = ReturnType<typeof createStore>
