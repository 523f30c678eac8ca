/**
 * Searches, newest first: see `Place`. As the partitions are days of that same millisecond, a page is read from the newest of them and the older ones are not touched.
 */
import { type Kysely, sql } from 'kysely'
import type { Clock } from '../../clock.ts'
import { facadeMsgid, facadeMsgidTime } from '../../facade-msgid.ts'
import { cursorOf, type LedgerQuery, type Place, placeIn } from '../../ledger.ts'
import {
  callerKey,
  facadeKeyStart,
  type MessageId,
  momentOf,
  parseMessageId,
  type State,
} from '../../message.ts'
import { storable } from './connection.ts'
import { tagText } from './events.ts'
import { dayMs } from './partitions.ts'
import { placesIn, type RecordRow, recordsOf, type Walked } from './rows.ts'
import type { Tables } from './schema.ts'

export interface FoundRows {
  readonly rows: readonly RecordRow[]
  readonly nextCursor?: string
}

/** The moment in an id and `acceptedAt` are read from the clock one after the other, and agree within this. */
const disorderMs = 5000

/** How far back each stretch of a search goes, in days; the last one to the beginning. */
const stretchDays = [2, 14, 60]

/** A search that has taken this long answers with what it has and where to go on. */
const budgetMs = 2000

export interface SearchParts {
  readonly db: Kysely<Tables>
  readonly clock: Clock
}

export const searchMessages = async (parts: SearchParts, query: LedgerQuery): Promise<FoundRows> => {
  const { places, nextCursor } = await findPlaces(parts, query)
  const rows = await recordsOf(parts.db, places)
  return nextCursor === undefined ? { rows } : { rows, nextCursor }
}

/** First where the records stand, then the records: those of a page lie on few days, and these are known by then. */
const findPlaces = async (parts: SearchParts, query: LedgerQuery): Promise<FoundPlaces> => {
  const { db } = parts
  const { cursor, q, limit, tenant } = query
  const before = cursor === undefined ? undefined : placeIn(cursor)
  if (cursor !== undefined && before === undefined) return { places: [] }
  if (q === undefined) return walk(parts, query, before)
  const [byOpenid, ids] = await Promise.all([
    filteredBy(db, query, { before })
      .where('m.touser', '=', storable(q))
      .limit(limit + 1)
      .execute(),
    idsNamed(db, tenant, q),
  ])
  if (ids.length === 0) return page(byOpenid, limit)
  const moments = ids.map(momentOf)
  const named = await filteredBy(db, query, { before, low: Math.min(...moments), high: Math.max(...moments) })
    .where('m.moment', 'in', moments)
    .where('m.id', 'in', ids)
    .limit(limit + 1)
    .execute()
  return page(merged(byOpenid, named), limit)
}

/**
 * Goes back in stretches, each longer than the last: PostgreSQL plans for every day that a query may touch,
 * and mostly the newest few have all that is asked for. It also bounds what a filter that matches little takes.
 */
const walk = async (
  { db, clock }: SearchParts,
  query: LedgerQuery,
  before: Place | undefined,
): Promise<FoundPlaces> => {
  const { from = 0, to, limit } = query
  const start = clock.now()
  const newest = Math.min(before?.moment ?? Number.MAX_SAFE_INTEGER, to ?? Number.MAX_SAFE_INTEGER, start)
  const places: PlaceRow[] = []
  let place = before
  // The messages of one openid are few, and found in its own index wherever they are.
  for (const days of query.touser === undefined ? [...stretchDays, undefined] : [undefined]) {
    const low = days === undefined ? undefined : newest - days * dayMs
    const stretch = filteredBy(db, query, { before: place, low })
    places.push(...(await stretch.limit(limit + 1 - places.length).execute()))
    if (places.length > limit || low === undefined || low < from - disorderMs) break
    // Everything from `low` on has been looked at.
    place = { moment: low, order: 0, id: '' }
    if (clock.now() - start > budgetMs) return { places, nextCursor: cursorOf(place) }
  }
  return page(places, limit)
}

/** States that most messages end in. */
const common: ReadonlySet<State> = new Set(['sent', 'delivered'])

/** A list of its own that is short is walked through: that of an openid, of a state, of an account. */
const walkedBy = ({ q, touser, state, account, templateId, tag }: LedgerQuery): Walked => {
  if (state === undefined) return 'messages'
  if (q !== undefined || touser !== undefined) return 'messages and progress'
  const isAlone = [account, templateId, tag].every((filter) => filter === undefined)
  return isAlone || !common.has(state) ? 'progress and messages' : 'messages and progress'
}

/** Where to look: below a place, and no further back than a moment. `high`: where it is known to end. */
interface Stretch {
  readonly before: Place | undefined
  readonly low?: number | undefined
  readonly high?: number | undefined
}

const filteredBy = (db: Kysely<Tables>, query: LedgerQuery, { before, low, high }: Stretch) => {
  const { touser, state, channel, account, templateId, tag, from, to } = query
  const walked = walkedBy(query)
  const tenant = storable(query.tenant)
  // What is said of the table that is walked through decides which days are looked at.
  const moment = walked === 'progress and messages' ? 'p.moment' : 'm.moment'
  const earliest = Math.max(low ?? 0, (from ?? 0) - disorderMs)
  const latest = Math.min(before?.moment ?? open, high ?? open, (to ?? open) + disorderMs)
  return placesIn(db, walked, { low: earliest, high: latest })
    .where('m.tenant', '=', tenant)
    .where(moment, '>=', earliest)
    .where(moment, '<=', latest)
    .$if(state !== undefined, (found) => found.where('p.tenant', '=', tenant).where('p.state', '=', state!))
    .$if(touser !== undefined, (found) => found.where('m.touser', '=', storable(touser!)))
    .$if(channel !== undefined, (found) => found.where('m.channel', '=', channel!))
    .$if(account !== undefined, (found) => found.where('m.account', '=', storable(account!)))
    .$if(templateId !== undefined, (found) => found.where('m.template_id', '=', storable(templateId!)))
    .$if(tag !== undefined, (found) => found.where(sql<boolean>`m.tags @> ARRAY[${tagText(tag!)}::text]`))
    .$if(from !== undefined, (found) => found.where('m.accepted_at', '>=', from!))
    .$if(to !== undefined, (found) => found.where('m.accepted_at', '<', to!))
    .$if(before !== undefined, (found) =>
      found.where(
        sql<boolean>`(${sql.ref(moment)}, m.seq, m.id)
          < (${before!.moment}::bigint, ${before!.order}::bigint, ${before!.id}::text COLLATE "C")`,
      ),
    )
    .orderBy(moment, 'desc')
    .orderBy('m.seq', 'desc')
    .orderBy('m.id', 'desc')
}

/** Later than any moment. */
const open = 1e15

/** A key of the facade's callers names one message to each openid; more than these are not shown. */
const mostByKey = 200

/** The ids of the messages that `q` names: by their id, their caller's key or their number. */
const idsNamed = async (db: Kysely<Tables>, tenant: string, q: string): Promise<readonly MessageId[]> => {
  const id = parseMessageId(q)
  const ids = [...(await idsByKey(db, storable(tenant), storable(q))), ...(await idsByMsgid(db, tenant, q))]
  return id === undefined ? ids : [id, ...ids]
}

const idsByKey = async (db: Kysely<Tables>, tenant: string, q: string): Promise<readonly MessageId[]> => {
  const start = facadeKeyStart(q)
  const keyed = db.selectFrom('messages').select('id').where('tenant', '=', tenant).limit(mostByKey)
  const [byCaller, byFacade] = await Promise.all([
    keyed.where('key', '=', callerKey(q)).orderBy('moment', 'desc').execute(),
    keyed.where('key', '>', start).where('key', '<', `${start}\u{10ffff}`).execute(),
  ])
  return [...byCaller, ...byFacade].map(({ id }) => id as MessageId)
}

/** The number tells the millisecond, so few ids have to be looked at. */
const idsByMsgid = async (db: Kysely<Tables>, tenant: string, q: string): Promise<readonly MessageId[]> => {
  const at = facadeMsgidTime(q)
  if (at === undefined) return []
  const rows = await db
    .selectFrom('messages')
    .select('id')
    .where('tenant', '=', storable(tenant))
    .where('moment', '=', at)
    .execute()
  return rows.map(({ id }) => id as MessageId).filter((id) => facadeMsgid(id) === q)
}

/** Two pages as one, in order, what is in both once. */
const merged = (one: readonly PlaceRow[], other: readonly PlaceRow[]): readonly PlaceRow[] => {
  const rows = new Map([...one, ...other].map((row) => [row.id, row]))
  return [...rows.values()].sort((a, b) => b.moment - a.moment || b.seq - a.seq || (a.id < b.id ? 1 : -1))
}

const page = (places: readonly PlaceRow[], limit: number): FoundPlaces => {
  const shown = places.slice(0, limit)
  return places.length > limit
    ? { places: shown, nextCursor: cursorOf(placeOf(shown.at(-1)!)) }
    : { places: shown }
}

interface PlaceRow {
  readonly moment: number
  readonly seq: number
  readonly id: string
}

interface FoundPlaces {
  readonly places: readonly PlaceRow[]
  readonly nextCursor?: string
}

const placeOf = ({ moment, seq, id }: PlaceRow): Place => ({ moment, order: seq, id })
