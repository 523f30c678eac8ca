import type { DatabaseSync } from 'node:sqlite'
import { lanes, type Step } from '../../message.ts'
import type { Grants } from './grants.ts'
import type { DeliveryRow, GrantRow } from './rows.ts'

/** A delivery whose call is about to be made: its message, and its number as the fence. */
export type BeginRow = readonly [seq: number, number: number]

export interface ClaimOptions {
  readonly max: number
  readonly now: number
  readonly leaseMs: number
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
  grantKey: string | null,
  grantHandle: string | null,
]

const noGrant: GrantRow = [null, null]

/** Messages go to workers. */
export const createLeases = (db: DatabaseSync, grants: Grants) => {
  const ready = db.prepare(`
    SELECT m.seq, m.id, m.tenant, m.account, m.channel, m.lane, m.touser, m.template_id, m.body, m.accepted_at,
           m.expires_at, q.ready_at, q.state, q.deliveries, q.tries, q.leased_at, q.doubt_since, q.begun, q.grant_key,
           q.grant_handle
    FROM queue q CROSS JOIN messages m ON m.seq = q.seq
    WHERE q.lane = ? AND q.ready_at <= ? ORDER BY q.ready_at, q.seq LIMIT ?`)
  ready.setReturnArrays(true)
  // Takes exactly the rows up to the last one that `ready` gave. One that is ready while it says `leased` had its
  // lease run out: whoever held it may have called WeChat.
  const lease = db.prepare(`
    UPDATE queue SET
      doubt_since = CASE WHEN state = 'leased' AND begun THEN coalesce(doubt_since, leased_at) ELSE doubt_since END,
      begun = 1 - careful, state = 'leased', reason = NULL, condition = NULL, ready_at = :until, leased_at = :now,
      deliveries = deliveries + 1, updated_at = :now
    WHERE lane = :lane AND ready_at <= :lastReadyAt AND (ready_at < :lastReadyAt OR seq <= :lastSeq)`)
  const addStep = db.prepare('INSERT INTO steps (seq, delivery, step) VALUES (?, ?, ?)')
  const nextReady = db.prepare('SELECT min(ready_at) AS at FROM queue WHERE lane = ?')

  const leaseLost = (seq: number, delivery: number, leasedAt: number, now: number): void => {
    addStep.run(seq, delivery, JSON.stringify({ at: now, state: 'lease-lost', leasedAt } satisfies Step))
  }

  const holdGrant = db.prepare('UPDATE queue SET grant_handle = ? WHERE seq = ?')

  /** What the books have for this message: what it holds already, or what can be reserved. Most messages need nothing. */
  const grantOf = (row: ClaimedRow, now: number): GrantRow | null => {
    const [seq, , , account, , , touser, templateId] = row
    const key = row[18]
    if (key === null) return null
    const held = grants.held(row[19])
    if (held !== undefined) return held
    const reserved = grants.reserve({ key, account, touser, templateId }, now)
    if (reserved !== undefined || row[19] !== null) holdGrant.run(reserved?.[0] ?? null, seq)
    return reserved ?? noGrant
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
          grantOf(row, now),
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
