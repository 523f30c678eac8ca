import { type Grant, type GrantChange, type GrantKind, grantCondition } from '../../grants.ts'
import type { MessageId, State } from '../../message.ts'
import {
  type Contact,
  type ContactChange,
  type Note,
  type Noted,
  noteKeyMs,
  type Receipt,
  type Recipients,
} from '../../recipients.ts'
import { scriptOf } from './client.ts'
import type { Value } from './rows.ts'
import { booksScript, contactScript, grantsScript, noteScript } from './scripts/notes.ts'
import type { Shards } from './shards.ts'

const take = scriptOf('take note', noteScript)
const books = scriptOf('open books', booksScript)
const readGrants = scriptOf('read grants', grantsScript)
const readContact = scriptOf('read a contact', contactScript)

export interface RecipientsOptions {
  readonly shards: Shards
  readonly now: () => number
  /** Messages have become ready in these shards. */
  readonly wake: (shards: readonly number[]) => void
}

/**
 * A note of one person is one step. One that tells of several is one step for each of them: taken again after a
 * failure, its keys keep the finished ones from counting twice.
 */
export const createRedisRecipients = ({ shards, now, wake }: RecipientsOptions): Recipients => {
  const withBooks = new Set<string>()

  /** Every shard must know that an account has books, or it would not set off what was sent before word of a grant came. */
  const openBooks = async (account: string): Promise<void> => {
    if (withBooks.has(account)) return
    await shards.runAll(books, [account])
    withBooks.add(account)
  }

  const takePart = async (part: Part): Promise<Noted> => {
    const row = noteRow(part, now() + noteKeyMs)
    return notedOf(await shards.run(shards.ofPerson(part), take, row))
  }

  return {
    async note(note) {
      for (const { account } of note.grants) await openBooks(account)
      const parts = partsOf(note)
      const noted = (await Promise.all(parts.map(takePart))).reduce(together)
      if (noted.kind === 'taken' && noted.released > 0) wake(parts.map(shards.ofPerson))
      return noted
    },

    async grants({ account, touser, templateId }) {
      const rows = await shards.run(shards.ofPerson({ account, touser }), readGrants, [
        `${account} ${touser}`,
      ])
      return (rows as readonly GrantRow[])
        .map((row) => grantOf(account, touser, row))
        .filter((grant) => templateId === undefined || grant.templateId === templateId)
        .sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1))
    },

    async contact(who) {
      const row = await shards.run(shards.ofPerson(who), readContact, [personOf(who)])
      return contactOf(who, row as readonly (string | null)[])
    },
  }
}

/** What a note tells of one person. `keys`: with the account of the note, which is where they are known. */
interface Part {
  readonly account: string
  readonly touser: string
  readonly keys: readonly string[]
  readonly grants: readonly GrantChange[]
  readonly contact: ContactChange | undefined
  readonly receipt: Receipt | undefined
}

const partsOf = ({ account, keys: own, grants, contact, receipt }: Note): readonly Part[] => {
  const keys = own.map((key) => `${account}\n${key}`)
  const named = [contact, receipt].flatMap((each) => (each ? [{ account, touser: each.touser }] : []))
  const all = [...grants, ...named].map((each) => [personOf(each), each] as const)
  const people = [...new Map(all).values()]
  if (people.length === 0) people.push({ account, touser: '' })
  return people.map((person) => {
    const isOf = (touser: string | undefined) => account === person.account && touser === person.touser
    return {
      ...{ account: person.account, touser: person.touser, keys },
      grants: grants.filter((change) => personOf(change) === personOf(person)),
      contact: isOf(contact?.touser) ? contact : undefined,
      receipt: isOf(receipt?.touser) ? receipt : undefined,
    }
  })
}

const personOf = ({ account, touser }: Pick<Contact, 'account' | 'touser'>): string => `${account} ${touser}`

const together = (a: Noted, b: Noted): Noted => {
  if (a.kind === 'repeated') return b
  if (b.kind === 'repeated') return a
  const sharpened = a.sharpened ?? b.sharpened
  return { kind: 'taken', released: a.released + b.released, ...(sharpened && { sharpened }) }
}

const noteRow = (part: Part, keysUntil: number): readonly Value[] => {
  const { account, touser, keys, grants, contact, receipt } = part
  return [
    ...[account, touser, keysUntil, keys.length, grants.length, contact ? 1 : 0, receipt ? 1 : 0],
    ...keys,
    ...grants.flatMap(changeRow),
    ...(contact ? [contact.at, flag(contact.following), contact.interacted ? 1 : ''] : []),
    ...(receipt ? receiptRow(receipt) : []),
  ]
}

const flag = (value: boolean | undefined): Value => (value === undefined ? '' : value ? 1 : 0)

const changeRow = (change: GrantChange): readonly Value[] => {
  const { templateId, kind, name } = change
  const count = 'count' in change ? change.count : ''
  const expiresAt = ('expiresAt' in change && change.expiresAt) || ''
  return [
    ...[templateId, kind, change.change, name === undefined ? 0 : 1, name ?? '', count, expiresAt],
    grantCondition(change),
  ]
}

const receiptRow = ({ msgid, channel, templateId, at, result, authentic }: Receipt): readonly Value[] => {
  const reason = result.kind === 'undelivered' ? result.reason : undefined
  return [
    ...[msgid ?? '', channel, templateId ?? '', at, result.kind, reason ?? ''],
    ...[reason === undefined ? '' : JSON.stringify(reason), authentic ? 1 : 0],
  ]
}

const notedOf = (answer: unknown): Noted => {
  if (answer === 0) return { kind: 'repeated' }
  const [released, id, state] = answer as readonly [number, MessageId?, State?]
  return { kind: 'taken', released, ...(id !== undefined && { sharpened: { id, state: state! } }) }
}

type GrantRow = readonly [
  template: string,
  kind: GrantKind,
  name: string,
  left: string | null,
  reserved: string,
  used: string,
  expiresAt: string | null,
  updatedAt: string,
]

const grantOf = (account: string, touser: string, row: GrantRow): Grant => {
  const [templateId, kind, name, left, reserved, used, expiresAt, updatedAt] = row
  return {
    ...{ account, touser, templateId, kind },
    ...(name !== '' && { name }),
    ...(left !== null && { left: Number(left) }),
    ...{ reserved: Number(reserved), used: Number(used) },
    ...(expiresAt !== null && { expiresAt: Number(expiresAt) }),
    updatedAt: Number(updatedAt),
  }
}

const orderOf = ({ templateId, kind, name = '' }: Grant): string => `${templateId}\n${kind}\n${name}`

const contactOf = (
  { account, touser }: Pick<Contact, 'account' | 'touser'>,
  [following, followingSince, interactedAt]: readonly (string | null)[],
): Contact | undefined => {
  if (followingSince == null && interactedAt == null) return undefined
  return {
    account,
    touser,
    ...(following != null && { following: following === '1' }),
    ...(followingSince != null && { followingSince: Number(followingSince) }),
    ...(interactedAt != null && { interactedAt: Number(interactedAt) }),
  }
}
