import type { DatabaseSync } from 'node:sqlite'
import { type Grant, type GrantChange, type GrantKind, grantCondition } from '../../grants.ts'
import type { GrantEffect } from '../../settlement.ts'
import { createOwedGrants } from './owed-grants.ts'
import type { GrantRow } from './rows.ts'

/**
 * The books on permissions. A row counts what is available, what deliveries hold, and what was used. A handle names a
 * row and its generation: withdrawing a permission begins a new one, so that what was held before can no longer go
 * back into the count.
 */
export const createGrants = (db: DatabaseSync) => {
  const owed = createOwedGrants(db)
  const find = db.prepare(`
    SELECT id, generation, name FROM grants
    WHERE account = ? AND touser = ? AND template_id = ? AND kind = ? AND (? IS NULL OR name = ?)
      AND (available IS NULL OR available > 0) AND (expires_at IS NULL OR expires_at > ?)
    ORDER BY expires_at IS NULL, expires_at, id LIMIT 1`)
  const take = db.prepare('UPDATE grants SET available = available - 1, reserved = reserved + 1 WHERE id = ?')
  const current = db.prepare('SELECT name FROM grants WHERE id = ? AND generation = ?')
  const use = db.prepare(
    'UPDATE grants SET reserved = reserved - 1, used = used + 1, updated_at = ? WHERE id = ? AND generation = ?',
  )
  const free = db.prepare(
    'UPDATE grants SET available = available + 1, reserved = reserved - 1 WHERE id = ? AND generation = ?',
  )
  const add = db.prepare(`
    INSERT INTO grants (account, touser, template_id, kind, name, available, expires_at, updated_at)
    VALUES (:account, :touser, :templateId, :kind, :name, :count, :expiresAt, :now)
    ON CONFLICT DO UPDATE SET
      available = CASE WHEN expires_at <= :now THEN :count ELSE available + :count END,
      expires_at = coalesce(:expiresAt, expires_at), updated_at = :now`)
  // What deliveries hold may be counted by WeChat against the new allowance: it is taken off, and comes back if freed.
  const set = db.prepare(`
    INSERT INTO grants (account, touser, template_id, kind, name, available, expires_at, updated_at)
    VALUES (:account, :touser, :templateId, :kind, :name, :count, :expiresAt, :now)
    ON CONFLICT DO UPDATE SET
      available = CASE WHEN :count IS NULL THEN NULL ELSE max(0, :count - reserved) END,
      expires_at = :expiresAt, updated_at = :now`)
  // A form id exists once, however often it is reported.
  const issue = db.prepare(`
    INSERT INTO grants (account, touser, template_id, kind, name, available, expires_at, updated_at)
    VALUES (:account, :touser, :templateId, :kind, :name, :count, :expiresAt, :now) ON CONFLICT DO NOTHING`)
  const withdraw = db.prepare(`
    UPDATE grants SET available = 0, reserved = 0, generation = generation + 1, updated_at = :now
    WHERE account = :account AND touser = :touser AND template_id = :templateId AND kind = :kind
      AND (:name IS NULL OR name = :name)`)
  const withdrawn = db.prepare(`
    INSERT INTO grants (account, touser, template_id, kind, name, available, updated_at)
    VALUES (:account, :touser, :templateId, :kind, '', 0, :now) ON CONFLICT DO NOTHING`)
  const list = db.prepare(`
    SELECT * FROM grants WHERE account = ? AND touser = ? AND (? IS NULL OR template_id = ?) ORDER BY template_id, kind, name
    LIMIT ${mostListed}`)

  const settleHeld = (effect: GrantEffect, handle: string, now: number): void => {
    const [id, generation] = parse(handle)
    if (effect === 'used') use.run(now, id, generation)
    if (effect === 'free') free.run(id, generation)
  }

  const available = ({ key, account, touser, templateId }: Wanted, now: number) => {
    const { kind, name } = kindAndName(key)
    return find.get(account, touser, templateOf(kind, templateId), kind, name, name, now) as
      | { id: number; generation: number; name: string }
      | undefined
  }

  return {
    /** What this handle still stands for; nothing when there is no handle, or what it held has been withdrawn. */
    held(handle: string | null): GrantRow | undefined {
      if (handle === null) return undefined
      const row = current.get(...parse(handle)) as { name: string } | undefined
      return row && [handle, row.name || null]
    },

    isAvailable: (wanted: Wanted, now: number): boolean => available(wanted, now) !== undefined,

    /** Takes one off the books for a delivery; nothing when there is none. */
    reserve(wanted: Wanted, now: number): GrantRow | undefined {
      const row = available(wanted, now)
      if (row === undefined) return undefined
      take.run(row.id)
      return [`${row.id}.${row.generation}`, row.name || null]
    },

    /** What becomes of what a delivery held. `void` withdraws all of the kind, or the one of that name. */
    settle(effect: GrantEffect, handle: string | null, holder: Wanted, now: number): void {
      if (handle !== null) settleHeld(effect, handle, now)
      else if (effect === 'used') owed.owe(holder, now)
      if (effect !== 'void') return
      const { account, touser, templateId, key } = holder
      const { kind, name } = kindAndName(key)
      const held = handle === null || kind !== 'form' ? name : (this.held(handle)?.[1] ?? name)
      withdraw.run({ account, touser, templateId: templateOf(kind, templateId), kind, name: held, now })
    },

    change(change: GrantChange, now: number): void {
      const { account, touser, templateId, kind, name } = change
      const key = { account, touser, templateId, kind, now }
      owed.hasBooks(account)
      if (change.change === 'withdraw') {
        withdraw.run({ ...key, name: name ?? null })
        if (kind === 'subscribe') withdrawn.run(key)
        return
      }
      const expiresAt = ('expiresAt' in change && change.expiresAt) || null
      const count = change.change === 'lasting' ? null : change.count - owed.paidBy(change, now)
      const statement = kind === 'form' ? issue : change.change === 'add' ? add : set
      statement.run({ ...key, name: name ?? '', count, expiresAt })
    },

    list(account: string, touser: string, templateId: string | null): readonly Grant[] {
      return (list.all(account, touser, templateId, templateId) as unknown as readonly GrantTableRow[]).map(
        grantOf,
      )
    },
  }
}

export type Grants = ReturnType<typeof createGrants>

/** Whose grant a message needs: `key` is the kind, and the name of a certain one behind a blank. */
export interface Wanted {
  readonly key: string
  readonly account: string
  readonly touser: string
  readonly templateId: string
}

/** Of one person in one account; who has more form ids than this has more than can be used. */
const mostListed = 1000

export const kindAndName = (key: string): { readonly kind: GrantKind; readonly name: string | null } => {
  const blank = key.indexOf(' ')
  if (blank < 0) return { kind: key as GrantKind, name: null }
  return { kind: key.slice(0, blank) as GrantKind, name: key.slice(blank + 1) }
}

/** What a message that wants this is parked for while there is none. */
export const conditionOf = ({ key, account, touser, templateId }: Wanted): string =>
  grantCondition({ account, touser, templateId: templateOf(kindAndName(key).kind, templateId) })

/** Windows and form ids are not tied to a template. */
export const templateOf = (kind: GrantKind, templateId: string): string =>
  kind === 'window' || kind === 'form' ? '' : templateId

const parse = (handle: string): [id: number, generation: number] => {
  const [id, generation] = handle.split('.')
  return [Number(id), Number(generation)]
}

interface GrantTableRow {
  readonly account: string
  readonly touser: string
  readonly template_id: string
  readonly kind: GrantKind
  readonly name: string
  readonly available: number | null
  readonly reserved: number
  readonly used: number
  readonly expires_at: number | null
  readonly updated_at: number
}

const grantOf = (row: GrantTableRow): Grant => ({
  account: row.account,
  touser: row.touser,
  templateId: row.template_id,
  kind: row.kind,
  ...(row.name !== '' && { name: row.name }),
  ...(row.available !== null && { left: row.available }),
  reserved: row.reserved,
  used: row.used,
  ...(row.expires_at !== null && { expiresAt: row.expires_at }),
  updatedAt: row.updated_at,
})
