import type { DatabaseSync } from 'node:sqlite'
import type { LedgerQuery } from '../../ledger.ts'
import { firstIdAt, type State, states } from '../../message.ts'
import { type RecordRow, recordColumns } from './rows.ts'

/** How many rows one step of a scan looks at, and how long a search may go on before it answers with what it has. */
const scanRows = 20_000
const scanBudgetMs = 2000

/** The index `messages_troubled` serves these; it is only used when the query repeats its condition literally. */
const troubledStates: readonly State[] = ['scheduled', 'retry', 'parked', 'unknown', 'dead', 'expired', 'cancelled']
const troubledCondition = `state IN (${troubledStates.map((state) => `'${state}'`).join(', ')})`

/** Clocks of acceptance and order of insertion agree within this. */
const disorderMs = 5000

type Value = string | number

/** The conditions of a query, and their values in the same order. */
interface Filter {
  readonly where: readonly string[]
  readonly values: readonly Value[]
  /** Whether an index leads straight to the rows; otherwise they have to be looked for. */
  readonly indexed: boolean
}

export interface FoundRows {
  readonly rows: readonly RecordRow[]
  /** Where to go on, or null at the end. */
  readonly nextSeq: number | null
}

/** Newest first: from `beforeSeq` downwards, at most `limit` rows. */
export const searchMessages = (db: DatabaseSync, query: LedgerQuery & { readonly beforeSeq?: number }): FoundRows => {
  const newest = (db.prepare('SELECT max(seq) AS seq FROM messages').get() as { seq: number | null }).seq ?? 0
  const range = { low: seqAt(db, query.from), high: Math.min(query.beforeSeq ?? Infinity, newest + 1) }
  const filter = filterOf(db, query)
  return filter.indexed ? readIndexed(db, filter, range, query.limit) : scan(db, filter, range, query.limit)
}

export const countStates = (db: DatabaseSync, tenant: string): Readonly<Record<State, number>> => {
  const rows = db.prepare('SELECT state, count(*) AS n FROM messages WHERE tenant = ? GROUP BY state').all(tenant)
  const counted = new Map(rows.map((row) => [row.state, row.n as number]))
  return Object.fromEntries(states.map((state) => [state, counted.get(state) ?? 0])) as Record<State, number>
}

const filterOf = (db: DatabaseSync, query: LedgerQuery): Filter => {
  const where = ['tenant = ?']
  const values: Value[] = [query.tenant]
  const add = (condition: string, ...value: Value[]) => {
    where.push(condition)
    values.push(...value)
  }
  if (query.touser !== undefined) add('touser = ?', query.touser)
  if (query.account !== undefined) add('account = ?', query.account)
  if (query.channel !== undefined) add('channel = ?', query.channel)
  if (query.templateId !== undefined) add('template_id = ?', query.templateId)
  if (query.from !== undefined) add('accepted_at >= ?', query.from)
  if (query.to !== undefined) add('accepted_at < ?', query.to)
  if (query.tag !== undefined) add("EXISTS (SELECT 1 FROM json_each(extra, '$.tags') WHERE value = ?)", query.tag)
  if (query.state !== undefined) add(`state = '${query.state}'`)
  const troubled = query.state !== undefined && troubledStates.includes(query.state)
  if (troubled) add(troubledCondition)
  if (query.q !== undefined) add(...keyCondition(db, query.tenant, query.q))
  return { where, values, indexed: troubled || query.touser !== undefined || query.q !== undefined }
}

/** `q` is exactly a message id, a caller's key, or an openid. */
const keyCondition = (db: DatabaseSync, tenant: string, q: string): [string, ...Value[]] => {
  const byKey = db.prepare("SELECT id FROM idempotency WHERE tenant = ? AND key = 'c:' || ?").get(tenant, q)
  if (byKey) return ['id = ?', byKey.id as string]
  if (q.startsWith('msg_')) return ['id = ?', q]
  return ['touser = ?', q]
}

const seqAt = (db: DatabaseSync, from: number | undefined): number => {
  if (from === undefined) return 0
  const first = db.prepare('SELECT seq FROM messages WHERE id >= ? ORDER BY id LIMIT 1').get(firstIdAt(from - disorderMs))
  return first ? (first.seq as number) - 1 : Number.MAX_SAFE_INTEGER
}

type Range = { readonly low: number; readonly high: number }

const select = (db: DatabaseSync, { where }: Filter) => {
  const statement = db.prepare(
    `SELECT seq, ${recordColumns} FROM messages
     WHERE ${[...where, 'seq > ?', 'seq < ?'].join(' AND ')} ORDER BY seq DESC LIMIT ?`,
  )
  statement.setReturnArrays(true)
  return statement
}

const readIndexed = (db: DatabaseSync, filter: Filter, { low, high }: Range, limit: number): FoundRows => {
  const rows = select(db, filter).all(...filter.values, low, high, limit + 1) as unknown as SeqRow[]
  return page(rows, limit, null)
}

/** Walks down in steps, so that a filter that matches little cannot hold the reader for longer than its budget. */
const scan = (db: DatabaseSync, filter: Filter, { low, high }: Range, limit: number): FoundRows => {
  const statement = select(db, filter)
  const deadline = performance.now() + scanBudgetMs
  const rows: SeqRow[] = []
  for (let top = high; top > low + 1; top -= scanRows) {
    const bottom = Math.max(low, top - scanRows - 1)
    rows.push(...(statement.all(...filter.values, bottom, top, limit + 1 - rows.length) as unknown as SeqRow[]))
    if (rows.length > limit) break
    if (performance.now() > deadline && bottom > low) return page(rows, limit, bottom + 1)
  }
  return page(rows, limit, null)
}

type SeqRow = readonly [seq: number, ...row: RecordRow]

const page = (rows: readonly SeqRow[], limit: number, scannedTo: number | null): FoundRows => {
  const shown = rows.slice(0, limit)
  return {
    rows: shown.map(([, ...row]) => row),
    nextSeq: rows.length > limit ? shown.at(-1)![0] : scannedTo,
  }
}
