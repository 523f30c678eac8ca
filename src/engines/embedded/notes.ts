import type { DatabaseSync } from 'node:sqlite'
import { grantCondition } from '../../grants.ts'
import { type Contact, type ContactChange, type Note, type Noted, noteKeyMs } from '../../recipients.ts'
import type { Grants } from './grants.ts'
import type { Receipts } from './receipts.ts'

/** How many parked messages one transaction makes ready. */
const releasedAtOnce = 5000

/** Takes note of what WeChat or the tenant tells of people. */
export const createNotes = (db: DatabaseSync, grants: Grants, receipts: Receipts) => {
  const seenKey = db.prepare('SELECT 1 FROM note_keys WHERE account = ? AND key = ? AND until > ?')
  const rememberKey = db.prepare('INSERT OR REPLACE INTO note_keys (account, key, until) VALUES (?, ?, ?)')
  const follow = db.prepare(`
    INSERT INTO contacts (account, touser, following, following_at) VALUES (:account, :touser, :following, :at)
    ON CONFLICT DO UPDATE SET following = :following, following_at = :at WHERE coalesce(following_at, 0) <= :at`)
  const interact = db.prepare(`
    INSERT INTO contacts (account, touser, interacted_at) VALUES (:account, :touser, :at)
    ON CONFLICT DO UPDATE SET interacted_at = max(coalesce(interacted_at, 0), :at)`)
  const contact = db.prepare('SELECT * FROM contacts WHERE account = ? AND touser = ?')
  const release = db.prepare(`
    UPDATE queue SET ready_at = min(ready_at, :now), condition = NULL
    WHERE seq IN (SELECT seq FROM queue WHERE condition = :condition LIMIT ${releasedAtOnce})`)

  const changeContact = (account: string, { touser, at, following, interacted }: ContactChange): void => {
    if (following !== undefined) follow.run({ account, touser, following: following ? 1 : 0, at })
    if (interacted) interact.run({ account, touser, at })
  }

  const releaseSome = ({ condition, now }: { condition: string; now: number }): number =>
    release.run({ condition, now }).changes as number

  const takeOne = (note: Note, now: number): Noted => {
    const { account, keys } = note
    if (keys.some((key) => seenKey.get(account, key, now) !== undefined)) return { kind: 'repeated' }
    for (const key of keys) rememberKey.run(account, key, now + noteKeyMs)
    let released = 0
    for (const change of note.grants) {
      grants.change(change, now)
      if (change.change !== 'withdraw') released += releaseSome({ condition: grantCondition(change), now })
    }
    if (note.contact) changeContact(account, note.contact)
    const sharpened = note.receipt && receipts.take(account, note.receipt, now)
    return { kind: 'taken', released, ...(sharpened && { sharpened }) }
  }

  return {
    note: ({ notes, now }: { notes: readonly Note[]; now: number }): readonly Noted[] =>
      notes.map((note) => takeOne(note, now)),

    /** Answers how many it made ready: as many as fit into one transaction at most. */
    release: releaseSome,

    grants: ({
      account,
      touser,
      templateId,
    }: {
      account: string
      touser: string
      templateId: string | null
    }) => grants.list(account, touser, templateId),

    contact({ account, touser }: { account: string; touser: string }): Contact | undefined {
      const row = contact.get(account, touser) as ContactRow | undefined
      return row && contactOf(row)
    },
  }
}

/** Whether there may be more to release. */
export const releasesMore = (released: number): boolean => released === releasedAtOnce

export interface ContactRow {
  readonly account: string
  readonly touser: string
  readonly following: 0 | 1 | null
  readonly following_at: number | null
  readonly interacted_at: number | null
}

export const contactOf = (row: ContactRow): Contact => ({
  account: row.account,
  touser: row.touser,
  ...(row.following !== null && { following: row.following === 1 }),
  ...(row.following_at !== null && { followingSince: row.following_at }),
  ...(row.interacted_at !== null && { interactedAt: row.interacted_at }),
})
