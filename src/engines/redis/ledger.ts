import { facadeMsgid } from '../../facade-msgid.ts'
import {
  cursorOf,
  type EndedAmong,
  type Ledger,
  type LedgerPage,
  type LedgerQuery,
  type Place,
  placeIn,
} from '../../ledger.ts'
import {
  callerKey,
  facadeKeyStart,
  type MessageId,
  type MessageRecord,
  type State,
  states,
} from '../../message.ts'
import { scriptOf } from './client.ts'
import { placesPerMs } from './intake.ts'
import { extraIn, recordOf } from './rows.ts'
import { countsScript, endedScript, findScript, pageScript } from './scripts/reads.ts'
import type { Shards } from './shards.ts'

const find = scriptOf('find a record', findScript)
const findEnded = scriptOf('find what has ended', endedScript)
const readPage = scriptOf('read records', pageScript)
const countStates = scriptOf('count states', countsScript)

/** How many records of a shard are read at a time, and how long a search may go on before it answers with what it has. */
const pageRows = 200
const scanBudgetMs = 2000
/** The moment in an id and `acceptedAt` are read from the clock one after the other, and agree within this. */
const disorderMs = 5000

/**
 * Records while they are in Redis. A search walks through all records of its tenant, newest first: right, and soon
 * enough for what a queue holds. Searching in what is long past is the affair of a history kept elsewhere.
 */
export const createRedisLedger = (shards: Shards): Ledger => ({
  async find({ tenant, id }) {
    const rows = await shards.runAll(find, [tenant, id])
    const row = rows.find((each) => each !== null)
    return row == null ? undefined : recordOf(row)
  },

  async search(query): Promise<LedgerPage> {
    const records: Found[] = []
    const deadline = performance.now() + scanBudgetMs
    let last: Found | undefined
    for await (const found of newestFirst(shards, query.tenant, startOf(query.cursor))) {
      if (found.moment < (query.from ?? 0) - disorderMs) break
      if (records.length === query.limit && matches(found, query)) return pageOf(records, records.at(-1))
      if (matches(found, query)) records.push(found)
      last = found
      if (performance.now() > deadline) return pageOf(records, last)
    }
    return pageOf(records, undefined)
  },

  async counts(tenant) {
    const counts = Object.fromEntries(states.map((state) => [state, 0])) as Record<State, number>
    for (const row of (await shards.runAll(countStates, [tenant])) as readonly (readonly string[])[])
      for (let at = 0; at < row.length; at += 2) counts[row[at] as State] += Number(row[at + 1])
    return counts
  },
})

/** An id does not tell its shard, so every shard is asked. */
export const createEndedAmong =
  (shards: Shards): EndedAmong =>
  async (ids) =>
    (await shards.runAll(findEnded, ids)).flat() as readonly MessageId[]

interface Found extends Place {
  readonly record: MessageRecord
  /** The idempotency key of the message. */
  readonly key: string | undefined
}

const pageOf = (found: readonly Found[], next: Place | undefined): LedgerPage => {
  const records = found.map(({ record }) => record)
  return next === undefined ? { records } : { records, nextCursor: cursorOf(next) }
}

/** Where a walk begins: below the place of its cursor. A text that is no cursor is as good as the beginning of time. */
const startOf = (cursor: string | undefined): Place =>
  cursor === undefined
    ? { moment: Number.MAX_SAFE_INTEGER / placesPerMs, order: 0, id: '' }
    : (placeIn(cursor) ?? { moment: 0, order: 0, id: '' })

/** Places in Redis are single numbers. */
const scoreOf = ({ moment, order }: Place): number =>
  Math.min(Number.MAX_SAFE_INTEGER, moment * placesPerMs + Math.min(order, placesPerMs - 1))

const isBefore = (a: Place, b: Place): boolean =>
  a.moment !== b.moment ? a.moment < b.moment : a.order !== b.order ? a.order < b.order : a.id < b.id

/** What each shard has, merged. */
const newestFirst = async function* (shards: Shards, tenant: string, start: Place): AsyncGenerator<Found> {
  const walks = Array.from({ length: shards.count }, () => ({
    rows: [] as Found[],
    from: start,
    over: false,
  }))
  for (;;) {
    await Promise.all(
      walks.map(async (walk, shard) => {
        if (walk.rows.length > 0 || walk.over) return
        const { id } = walk.from
        const answer = await shards.run(shard, readPage, [tenant, scoreOf(walk.from), id, pageRows])
        walk.rows = (answer as readonly (readonly [string, readonly (string | null)[]])[]).map(foundOf)
        walk.over = walk.rows.length < pageRows
        walk.from = walk.rows.at(-1) ?? walk.from
      }),
    )
    const filled = walks.filter(({ rows }) => rows.length > 0)
    const [first, ...others] = filled
    if (first === undefined) return
    const newest = others.reduce(
      (best, walk) => (isBefore(best.rows[0]!, walk.rows[0]!) ? walk : best),
      first,
    )
    yield newest.rows.shift()!
  }
}

const foundOf = ([place, row]: readonly [string, readonly (string | null)[]]): Found => {
  const record = recordOf(row)
  const moment = Math.floor(Number(place) / placesPerMs)
  const order = Number(place) % placesPerMs
  return { moment, order, id: record.id, record, key: extraIn(row[10]!).key }
}

const matches = ({ record, key }: Found, query: LedgerQuery): boolean =>
  (query.touser === undefined || record.touser === query.touser) &&
  (query.state === undefined || record.state === query.state) &&
  (query.channel === undefined || record.channel === query.channel) &&
  (query.account === undefined || record.account === query.account) &&
  (query.templateId === undefined || record.templateId === query.templateId) &&
  (query.tag === undefined || (record.tags ?? []).includes(query.tag)) &&
  (query.from === undefined || record.acceptedAt >= query.from) &&
  (query.to === undefined || record.acceptedAt < query.to) &&
  (query.q === undefined || isNamed(record, key, query.q))

const isNamed = (record: MessageRecord, key: string | undefined, q: string): boolean =>
  record.id === q ||
  record.touser === q ||
  key === callerKey(q) ||
  (key?.startsWith(facadeKeyStart(q)) ?? false) ||
  facadeMsgid(record.id) === q
