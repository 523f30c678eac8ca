import type { Effect } from './effects.ts'
import { BadInput } from './input.ts'
import { type Selection, selectionKeys, selectsAll } from './selection.ts'

export interface Asked {
  readonly selection: Selection
  readonly limit: number
  /** How many of the oldest to leave out; nothing: the newest `limit` are wanted. */
  readonly offset: number | undefined
}

interface Ledger<Row> {
  select(selection: Selection): readonly Row[]
  total(): number
}

const usualLimit = 100
const longestList = 100_000

/**
 * One page of a ledger, newest last. `total` is what matches among the rows still kept, or all there
 * ever were when nothing is filtered.
 */
export const listing = <Row>(
  name: string,
  { ledger, toJson }: { readonly ledger: Ledger<Row>; readonly toJson: (row: Row) => unknown },
  { selection, limit, offset }: Asked,
): unknown => {
  const all = selectsAll(selection)
  if (limit === 0 && all) return { total: ledger.total(), [name]: [] }
  const rows = ledger.select(selection)
  const from = offset ?? Math.max(0, rows.length - limit)
  return { total: all ? ledger.total() : rows.length, [name]: rows.slice(from, from + limit).map(toJson) }
}

/** What `design.md` promises of an effect, and what a receipt would say or the caller tagged, where there is such a thing. */
export const effectJson = ({ path: _path, ...effect }: Effect) => rowJson(effect)

export const rowJson = <T extends { readonly at: number }>(row: T) => ({
  ...row,
  at: new Date(row.at).toISOString(),
})

export const parseSelection = (query: URLSearchParams): Asked => {
  for (const name of query.keys())
    if (!([...selectionKeys, 'limit', 'offset'] as readonly string[]).includes(name))
      throw new BadInput(`${name} is not known here; known are ${selectionKeys.join(', ')}, limit, offset`)
  return {
    selection: selectionOf((key) => query.get(key) || undefined),
    limit: Math.min(longestList, wholeNumber(query, 'limit') ?? usualLimit),
    offset: wholeNumber(query, 'offset'),
  }
}

/** Only what is given stands in a selection. */
export const selectionOf = (
  given: (key: (typeof selectionKeys)[number]) => string | undefined,
): Selection => {
  const selection: { -readonly [key in (typeof selectionKeys)[number]]?: string } = {}
  for (const key of selectionKeys) {
    const value = given(key)
    if (value !== undefined) selection[key] = value
  }
  return selection
}

const wholeNumber = (query: URLSearchParams, name: string): number | undefined => {
  const text = query.get(name)
  if (text === null || text === '') return undefined
  if (!/^\d{1,15}$/.test(text)) throw new BadInput(`${name} must be a whole number`)
  return Number(text)
}
