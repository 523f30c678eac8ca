import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import type { GrantKind } from '../../grants.ts'
import type { MessageId, State } from '../../message.ts'
import type { Receipt } from '../../recipients.ts'
import type { Carried, CarriedMessage, Export, Kind } from '../../transfer.ts'
import { lockFolder } from './lock.ts'
import { readMark, writeMark } from './mark.ts'
import { type ContactRow, contactOf } from './notes.ts'
import { idempotencyKeyOf, type RecordRow, recordColumns, recordOf, recordTables } from './rows.ts'
import { openWriter } from './schema.ts'

/** There is no store of ours in this folder. */
export class FolderEmpty extends Error {
  constructor(folder: string) {
    super(`There is no hongyan.db in ${folder}`)
    this.name = 'FolderEmpty'
  }
}

const pageRows = 2000

/**
 * Opens a folder to read it out, locked as a running engine would. Throws `FolderEmpty`, and `FolderInUse` when another
 * process has it. A store of an earlier version gets the tables of this one, and nothing else in it changes.
 */
export const openExport = (folder: string): Export => {
  const file = join(folder, 'hongyan.db')
  if (!existsSync(file)) throw new FolderEmpty(folder)
  const lock = lockFolder(folder)
  let db: DatabaseSync | undefined
  try {
    let mark = readMark(folder)
    const open = openWriter(file)
    db = open
    open.exec('PRAGMA query_only = ON')
    return {
      get mark() {
        return mark
      },
      setMark(next) {
        writeMark(folder, next)
        mark = next
      },
      count: (kind, at) => countOf(open, kind, at),
      pages: (kind, at) => pagesOf(open, kind, at),
      close() {
        open.close()
        lock.release()
      },
    }
  } catch (error) {
    db?.close()
    lock.release()
    throw error
  }
}

/** How rows of a kind are selected; the question mark is the moment of the migration. */
interface Source<Row> {
  readonly from: string
  readonly columns: string
  /** What is past its time then is not carried. */
  readonly where?: string
  /** Always the same one, and one that an index has. */
  readonly order: string
  row(values: Values, at: number): Row
}

type Values = Readonly<Record<string, string | number | null>>

const sources: { readonly [K in Kind]: Source<Carried[K]> } = {
  messages: {
    from: `${recordTables} LEFT JOIN grants g ON g.id = CAST(q.grant_handle AS INTEGER)`,
    // `recordOf` reads by places.
    columns: `m.seq, json_array(${recordColumns}) AS record, q.seq AS waits, q.tries, q.leased_at, q.begun, q.condition, q.grant_handle, g.template_id AS grant_template,
      g.kind AS grant_kind, g.name AS grant_name, o.state AS ended, o.at AS ended_at, r.seq AS sharpened`,
    order: 'm.seq',
    row: messageOf,
  },
  idempotency_keys: {
    from: 'idempotency i JOIN messages m ON m.id = i.id',
    columns: 'i.tenant, i.key, i.id, i.fingerprint, m.account, m.touser',
    order: 'i.tenant, i.key',
    row: (f) => ({
      ...{ tenant: text(f.tenant), key: text(f.key), id: text(f.id) as MessageId },
      ...{ fingerprint: text(f.fingerprint), account: text(f.account), touser: text(f.touser) },
    }),
  },
  grants: {
    from: 'grants',
    columns: '*',
    order: 'id',
    row: (f) => ({
      ...grantNameOf(f),
      ...optional('available', f.available),
      ...{ reserved: Number(f.reserved), used: Number(f.used) },
      ...optional('expiresAt', f.expires_at),
      ...{ generation: Number(f.generation), updatedAt: Number(f.updated_at) },
    }),
  },
  owed_grants: {
    from: 'owed_grants',
    columns: '*',
    order: 'account, touser, template_id, kind, name',
    row: (f) => ({ ...grantNameOf(f), count: Number(f.count), at: Number(f.at) }),
  },
  contacts: {
    from: 'contacts',
    columns: '*',
    order: 'account, touser',
    row: (f) => contactOf(f as unknown as ContactRow),
  },
  stray_receipts: {
    from: 'stray_receipts',
    columns: '*',
    order: 'account, msgid',
    row: (f) => ({
      account: text(f.account),
      receipt: JSON.parse(text(f.receipt)) as Receipt,
      until: Number(f.until),
    }),
  },
  note_keys: {
    from: 'note_keys',
    columns: '*',
    where: 'until > ?',
    order: 'account, key',
    row: (f) => ({ account: text(f.account), key: text(f.key), until: Number(f.until) }),
  },
  nonces: {
    from: 'nonces',
    columns: '*',
    where: 'until > ?',
    order: 'nonce',
    row: (f) => ({ nonce: text(f.nonce), until: Number(f.until) }),
  },
  directory: {
    from: 'directory',
    columns: '*',
    order: 'kind, id',
    row: (f) => ({ kind: text(f.kind), id: text(f.id), value: text(f.value) }),
  },
}

const countOf = (db: DatabaseSync, kind: Kind, at: number): number => {
  const { from, where } = sources[kind]
  const counting = db.prepare(`SELECT count(*) AS n FROM ${from}${where ? ` WHERE ${where}` : ''}`)
  return counting.get(...(where ? [at] : []))!.n as number
}

const pagesOf = function* <K extends Kind>(
  db: DatabaseSync,
  kind: K,
  at: number,
): Generator<readonly Carried[K][]> {
  const { from, columns, where, order, row } = sources[kind] as Source<Carried[K]>
  const rows = db
    .prepare(`SELECT ${columns} FROM ${from}${where ? ` WHERE ${where}` : ''} ORDER BY ${order}`)
    .iterate(...(where ? [at] : []))
  let page: Carried[K][] = []
  for (const values of rows) {
    page.push(row(values as Values, at))
    if (page.length < pageRows) continue
    yield page
    page = []
  }
  if (page.length > 0) yield page
}

/** No other process is there, so what is on lease is lost; what is queued is ready, also when the clock was put back. */
function messageOf(f: Values, at: number): CarriedMessage {
  const row = JSON.parse(text(f.record)) as RecordRow
  const record = recordOf(row)
  const key = idempotencyKeyOf(row)
  const atOnce = record.state === 'leased' || record.state === 'queued'
  const { readyAt } = record
  return {
    record: readyAt !== undefined && atOnce ? { ...record, readyAt: Math.min(readyAt, at) } : record,
    ...(key !== undefined && { key }),
    ...(f.waits !== null && { waiting: waitingOf(f) }),
    ...(f.ended !== null && {
      ended: { state: f.ended as State, at: Number(f.ended_at), sharpened: f.sharpened !== null },
    }),
  }
}

const waitingOf = (f: Values): NonNullable<CarriedMessage['waiting']> => ({
  tries: Number(f.tries),
  ...optional('leasedAt', f.leased_at),
  begun: f.begun === 1,
  ...optionalText('condition', f.condition),
  // A row that is gone was withdrawn and swept: what was held of it counts nowhere.
  ...(f.grant_kind !== null && {
    held: {
      templateId: text(f.grant_template),
      kind: f.grant_kind as GrantKind,
      name: text(f.grant_name),
      generation: Number(text(f.grant_handle).split('.')[1]),
    },
  }),
})

const grantNameOf = (f: Values) => ({
  ...{ account: text(f.account), touser: text(f.touser), templateId: text(f.template_id) },
  ...{ kind: f.kind as GrantKind, name: text(f.name) },
})

const text = (value: Values[string] | undefined): string => String(value)

const optional = <Name extends string>(name: Name, value: Values[string] | undefined) =>
  (value == null ? {} : { [name]: Number(value) }) as { readonly [N in Name]?: number }

const optionalText = <Name extends string>(name: Name, value: Values[string] | undefined) =>
  (value == null ? {} : { [name]: String(value) }) as { readonly [N in Name]?: string }
