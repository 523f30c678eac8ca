import type { DatabaseSync } from 'node:sqlite'
import type { State, Step } from '../../message.ts'
import type { Cancellation } from '../../queue.ts'
import type { GrantEffect } from '../../settlement.ts'
import { conditionOf, type Grants, type Wanted } from './grants.ts'
import type { Receipts } from './receipts.ts'
import { recordState, recordTables, type SettleRow } from './rows.ts'

/** Of a message that is tried for days, the first and the latest steps are kept, so many of each. */
const keptSteps = 100

/** Deliveries are settled, messages end. */
export const createEndings = (db: DatabaseSync, grants: Grants, receipts: Receipts) => {
  const goOn = db.prepare(`
    UPDATE queue SET state = ?, reason = ?, ready_at = ?, tries = tries + ?, doubt_since = ?, condition = ?, updated_at = ?
    WHERE seq = ? AND deliveries = ? AND state = 'leased'`)
  const leave = db.prepare("DELETE FROM queue WHERE seq = ? AND deliveries = ? AND state = 'leased'")
  const addStep = db.prepare('INSERT INTO steps (seq, delivery, step) VALUES (?, ?, ?)')
  const forgetStep = db.prepare('DELETE FROM steps WHERE seq = ? AND delivery = ?')
  const end = db.prepare(`
    INSERT INTO outcomes (seq, state, reason, deliveries, doubt_since, msgid, at, step) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`)
  const position = db.prepare(`
    SELECT m.seq, ${recordState} AS state, q.deliveries, q.doubt_since AS doubtSince, q.grant_key AS grantKey,
      q.grant_handle AS grantHandle, m.account, m.touser, m.template_id AS templateId
    FROM ${recordTables} WHERE m.id = ? AND m.tenant = ?`)
  const drop = db.prepare('DELETE FROM queue WHERE seq = ?')

  const holding = db.prepare(`
    SELECT m.account, m.touser, m.template_id AS templateId, q.grant_key AS key, q.grant_handle AS handle
    FROM queue q JOIN messages m ON m.seq = q.seq WHERE q.seq = ? AND q.deliveries = ? AND q.state = 'leased'`)
  const letGo = db.prepare('UPDATE queue SET grant_handle = NULL WHERE seq = ?')
  const releaseOne = db.prepare(`
    UPDATE queue SET ready_at = min(ready_at, :at), condition = NULL
    WHERE seq IN (SELECT seq FROM queue WHERE condition = :condition AND grant_key = :key LIMIT 1)`)
  const goAtOnce = db.prepare('UPDATE queue SET ready_at = min(ready_at, ?), condition = NULL WHERE seq = ?')

  /** The books change with the settlement; an old delivery changes neither. Answers what the message wants of them. */
  const settleGrant = (
    seq: number,
    number: number,
    effect: GrantEffect | null,
    at: number,
  ): Wanted | undefined => {
    const row = holding.get(seq, number) as (Wanted & { handle: string | null }) | undefined
    if (row === undefined || effect === null) return row
    const { handle, ...wanted } = row
    grants.settle(effect, handle, wanted, at)
    letGo.run(seq)
    // What goes back on the books is what another message may be parked for.
    if (effect === 'free' && handle !== null && grants.isAvailable(wanted, at))
      releaseOne.run({ condition: conditionOf(wanted), key: wanted.key, at })
    return wanted
  }

  /** Word of a grant may have come after the lease that found none: it released what was parked then, and not this. */
  const unlessThere = (seq: number, condition: string, wanted: Wanted, at: number): void => {
    if (wanted.key !== null && condition === conditionOf(wanted) && grants.isAvailable(wanted, at))
      goAtOnce.run(at, seq)
  }

  const settleOne = (row: SettleRow): boolean => {
    const [seq, number, state, , until, , doubtSince, msgid, at, , condition, effect] = row
    const wanted = effect === null && condition === null ? undefined : settleGrant(seq, number, effect, at)
    const settled = until === null ? endOne(row) : goOnOne(row)
    if (settled && condition !== null && wanted !== undefined) unlessThere(seq, condition, wanted, at)
    if (settled && (state === 'sent' || doubtSince !== null)) receipts.sent(seq, at)
    if (settled && receipts.anyStray() && (msgid !== null || doubtSince !== null)) receipts.settled(seq, at)
    return settled
  }

  const endOne = ([seq, number, state, reason, , , doubtSince, msgid, at, step]: SettleRow): boolean => {
    if (leave.run(seq, number).changes === 0) return false
    end.run(seq, state, reason, number, doubtSince, msgid, at, step)
    return true
  }

  const goOnOne = (row: SettleRow): boolean => {
    const [seq, number, state, reason, until, spent, doubtSince, , at, step, condition] = row
    const { changes } = goOn.run(state, reason, until, spent, doubtSince, condition, at, seq, number)
    if (changes === 0) return false
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
      if (row.grantHandle !== null)
        grants.settle('used', row.grantHandle, { ...row, key: row.grantKey! }, now)
      drop.run(seq)
      end.run(seq, state, 'cancelled', deliveries, doubtSince, null, now, step)
      return { kind: 'cancelled', state }
    },
  }
}

/** `deliveries` is null once the message has left the queue. */
type Position = Omit<Wanted, 'key'> & {
  readonly seq: number
  readonly state: State
  readonly deliveries: number | null
  readonly doubtSince: number | null
  readonly grantKey: string | null
  readonly grantHandle: string | null
}
