import { BadInput } from './input.ts'
import { type Selection, selectionKeys, selectsAll } from './selection.ts'

export interface Asked {
  readonly selection: Selection
  readonly limit: number
  /** How many of the oldest to leave out; nothing: the newest `limit` are wanted. */
  readonly offset: number | undefined
}

interface Ledger {
  select(selection: Selection): readonly { readonly at: number }[]
  total(): number
}

const usualLimit = 100
const longestList = 100_000

/**
 * One page of a ledger, newest last. `total` is what matches among the rows still kept, or all there
 * ever were when nothing is filtered.
 */
export const listing = (name: string, ledger: Ledger, { selection, limit, offset }: Asked): unknown => {
  const all = selectsAll(selection)
  if (limit === 0 && all) return { total: ledger.total(), [name]: [] }
  const rows = ledger.select(selection)
  const from = offset ?? Math.max(0, rows.length - limit)
  return { total: all ? ledger.total() : rows.length, [name]: rows.slice(from, from + limit).map(rowJson) }
}

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
export const selectionOf = (given: (key: keyof Selection) => string | undefined): Selection => {
  const selection: { -readonly [key in keyof Selection]: Selection[key] } = {}
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
