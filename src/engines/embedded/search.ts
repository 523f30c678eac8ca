import type { DatabaseSync } from 'node:sqlite'
import { facadeMsgid, facadeMsgidTime } from '../../facade-msgid.ts'
import type { LedgerQuery } from '../../ledger.ts'
import {
  callerKey,
  facadeKeyStart,
  firstIdAt,
  isFinal,
  type MessageId,
  type State,
  states,
} from '../../message.ts'
import { placesOf } from './recipients.ts'
import { type RecordRow, recordColumns, recordState, recordTables } from './rows.ts'

/** How many rows one step of a scan looks at, and how long a search may go on before it answers with what it has. */
const scanRows = 20_000
const scanBudgetMs = 2000

/** Clocks of acceptance and order of insertion agree within this. */
const disorderMs = 5000

export interface FoundRows {
  readonly rows: readonly RecordRow[]
  /** Where to go on, or null at the end. */
  readonly nextSeq: number | null
}

type Query = LedgerQuery & { readonly beforeSeq?: number }
/** Both ends are outside. */
type Range = { readonly low: number; readonly high: number }
type Value = string | number
type SeqRow = readonly [seq: number, ...row: RecordRow]

/** Newest first: from `beforeSeq` downwards, at most `limit` rows; fewer, with a place to go on, when the time is over. */
export const searchMessages = (db: DatabaseSync, query: Query): FoundRows => {
  const range = rangeOf(db, query)
  const filter = filterOf(query)
  if (query.q !== undefined) return readKey(db, filter, query.q, query, range)
  if (query.touser !== undefined)
    return readSome(db, filter, placesOf(db, query.touser, range), range, query.limit)
  if (query.state !== undefined && !common.has(query.state))
    return readState(db, filter, query.state, range, query.limit)
  return scan(db, filter, range, query.limit)
}

export const countStates = (db: DatabaseSync, tenant: string): Readonly<Record<State, number>> => {
  const rows = db
    .prepare(
      `SELECT ${recordState} AS state, count(*) AS n FROM ${recordTables} WHERE m.tenant = ? GROUP BY 1`,
    )
    .all(tenant)
  const counted = new Map(rows.map((row) => [row.state, row.n as number]))
  return Object.fromEntries(states.map((state) => [state, counted.get(state) ?? 0])) as Record<State, number>
}

interface Filter {
  readonly where: readonly string[]
  readonly values: readonly Value[]
}

const filterOf = (query: Query): Filter => {
  const conditions: readonly (readonly [string, Value | undefined])[] = [
    ['m.tenant = ?', query.tenant],
    ['m.touser = ?', query.touser],
    ['m.account = ?', query.account],
    ['m.channel = ?', query.channel],
    ['m.template_id = ?', query.templateId],
    ['m.accepted_at >= ?', query.from],
    ['m.accepted_at < ?', query.to],
    ["EXISTS (SELECT 1 FROM json_each(m.extra, '$.tags') WHERE value = ?)", query.tag],
    [`${recordState} = ?`, query.state],
  ]
  const given = conditions.filter(([, value]) => value !== undefined)
  return { where: given.map(([condition]) => condition), values: given.map(([, value]) => value!) }
}

const rangeOf = (db: DatabaseSync, { from, beforeSeq }: Query): Range => {
  const { newest } = db.prepare('SELECT coalesce(max(seq), 0) AS newest FROM messages').get() as {
    newest: number
  }
  const high = Math.min(beforeSeq ?? Number.POSITIVE_INFINITY, newest + 1)
  if (from === undefined) return { low: 0, high }
  // Whatever was accepted clearly before `from` was also recorded before what is asked for.
  const before = db
    .prepare('SELECT seq FROM messages WHERE id < ? ORDER BY id DESC LIMIT 1')
    .get(firstIdAt(from - disorderMs))
  return { low: before ? (before.seq as number) : 0, high }
}

const prepare = (db: DatabaseSync, tables: string, where: readonly string[]) => {
  const statement = db.prepare(
    `SELECT m.seq, ${recordColumns} FROM ${tables} WHERE ${where.join(' AND ')} ORDER BY m.seq DESC LIMIT ?`,
  )
  statement.setReturnArrays(true)
  return statement
}

/** What `q` names: a message by its id, its number or its caller's key, and the messages of an openid. */
const readKey = (
  db: DatabaseSync,
  filter: Filter,
  q: string,
  { tenant, limit }: Query,
  range: Range,
): FoundRows => {
  const ids = [q, ...idsByKey(db, tenant, q), ...idsByMsgid(db, q)]
  const named = ids
    .flatMap((id) => db.prepare('SELECT seq FROM messages WHERE id = ?').all(id))
    .map(({ seq }) => seq as number)
  const own = {
    where: [...filter.where, '(m.touser = ? OR m.id IN (SELECT value FROM json_each(?)))'],
    values: [...filter.values, q, JSON.stringify(ids)],
  }
  return readSome(db, own, merged([...new Set(named)], placesOf(db, q, range)), range, limit)
}

/** A key of the facade's callers names one message to each openid; more than these are not shown. */
const mostByKey = 200

const idsByKey = (db: DatabaseSync, tenant: string, q: string): readonly string[] => {
  const start = facadeKeyStart(q)
  // As two queries, because SQLite would walk through all keys of the tenant for an OR of them.
  return db
    .prepare(
      `SELECT id FROM idempotency WHERE tenant = ?1 AND key = ?2 UNION ALL
        SELECT id FROM idempotency WHERE tenant = ?1 AND key > ?3 AND key < ?4 LIMIT ?5`,
    )
    .all(tenant, callerKey(q), start, `${start}\u{10ffff}`, mostByKey)
    .map(({ id }) => id as string)
}

/** The number tells the millisecond, so few ids have to be looked at. */
const idsByMsgid = (db: DatabaseSync, q: string): readonly string[] => {
  const at = facadeMsgidTime(q)
  if (at === undefined) return []
  return db
    .prepare('SELECT id FROM messages WHERE id >= ? AND id < ?')
    .all(firstIdAt(at), firstIdAt(at + 1))
    .map(({ id }) => id as MessageId)
    .filter((id) => facadeMsgid(id) === q)
}

/** Few places among many, all descending, none twice. */
const merged = function* (few: readonly number[], many: Iterable<number>): Generator<number> {
  const rest = [...few].sort((a, b) => b - a)
  for (const place of many) {
    while (rest.length > 0 && rest[0]! > place) yield rest.shift()!
    if (rest[0] === place) rest.shift()
    yield place
  }
  yield* rest
}

/** Reads rows whose places are known, in the order given. */
const readSome = (
  db: DatabaseSync,
  { where, values }: Filter,
  places: Iterable<number>,
  { low, high }: Range,
  limit: number,
): FoundRows => {
  const statement = prepare(db, recordTables, [...where, 'm.seq = ?'])
  const rows: SeqRow[] = []
  for (const seq of places) {
    if (seq <= low || seq >= high) continue
    rows.push(...(statement.all(...values, seq, 1) as unknown as SeqRow[]))
    if (rows.length > limit) break
  }
  return page(rows, limit, null)
}

/** States that most messages end in. */
const common: ReadonlySet<State> = new Set(['sent', 'delivered'])

/** The others have short lists of their own: the queue, and the indexes of the unsent and the undelivered. */
const readState = (
  db: DatabaseSync,
  { where, values }: Filter,
  state: State,
  { low, high }: Range,
  limit: number,
): FoundRows => {
  const { tables, list, own } = stateLists[listOf(state)]
  const statement = db.prepare(
    `SELECT m.seq, ${recordColumns} FROM ${tables}
     WHERE ${[...own, `${list}.state = ?`, `${list}.seq > ?`, `${list}.seq < ?`, ...where].join(' AND ')}
     ORDER BY ${list}.seq DESC LIMIT ?`,
  )
  statement.setReturnArrays(true)
  return page(statement.all(state, low, high, ...values, limit + 1) as unknown as SeqRow[], limit, null)
}

const listOf = (state: State): keyof typeof stateLists => {
  if (state === 'undelivered') return 'receipts'
  return isFinal(state) ? 'outcomes' : 'queue'
}

/** A partial index is used only when its condition stands in the query. */
const stateLists = {
  queue: {
    list: 'q',
    own: [],
    tables: `queue q CROSS JOIN messages m ON m.seq = q.seq LEFT JOIN outcomes o ON o.seq = m.seq
      LEFT JOIN receipts r ON r.seq = m.seq`,
  },
  outcomes: {
    list: 'o',
    own: ["o.state <> 'sent'"],
    tables: `outcomes o CROSS JOIN messages m ON m.seq = o.seq LEFT JOIN queue q ON q.seq = m.seq
      LEFT JOIN receipts r ON r.seq = m.seq`,
  },
  receipts: {
    list: 'r',
    own: ["r.state <> 'delivered'"],
    tables: `receipts r CROSS JOIN messages m ON m.seq = r.seq LEFT JOIN queue q ON q.seq = m.seq
      LEFT JOIN outcomes o ON o.seq = m.seq`,
  },
} as const

/** Walks down in steps, so that a filter that matches little cannot hold the reader for longer than its budget. */
const scan = (
  db: DatabaseSync,
  { where, values }: Filter,
  { low, high }: Range,
  limit: number,
): FoundRows => {
  const statement = prepare(db, recordTables, [...where, 'm.seq > ?', 'm.seq < ?'])
  const deadline = performance.now() + scanBudgetMs
  const rows: SeqRow[] = []
  for (let top = high; top > low + 1; top -= scanRows) {
    const bottom = Math.max(low, top - scanRows - 1)
    rows.push(...(statement.all(...values, bottom, top, limit + 1 - rows.length) as unknown as SeqRow[]))
    if (rows.length > limit) break
    if (performance.now() > deadline && bottom > low) return page(rows, limit, bottom + 1)
  }
  return page(rows, limit, null)
}

const page = (rows: readonly SeqRow[], limit: number, scannedTo: number | null): FoundRows => {
  const shown = rows.slice(0, limit)
  return {
    rows: shown.map(([, ...row]) => row),
    nextSeq: rows.length > limit ? shown.at(-1)![0] : scannedTo,
  }
}
