import { type Kysely, sql } from 'kysely'
import {
  type Channel,
  lanes,
  type MessageId,
  type MessageRecord,
  type State,
  type Step,
} from '../../message.ts'
import type { Extra } from './events.ts'
import type { Tables } from './schema.ts'

/**
 * The days that a question is about. PostgreSQL plans for every partition that may matter, and for very many days that
 * takes far longer than the answer: each table is told its days, also where they follow from those of another.
 */
export interface Span {
  readonly low?: number | undefined
  readonly high?: number | undefined
}

const during = ({ low = 0, high = Number.MAX_SAFE_INTEGER }: Span) =>
  sql<boolean>`x.moment BETWEEN ${low} AND ${high}`

/** What a search walks through. The other table of a pair is looked up row by row. */
export type Walked = 'messages' | 'messages and progress' | 'progress and messages'

/** Where records stand, as `m` and `p`: what every search begins with. */
export const placesIn = (db: Kysely<Tables>, walked: Walked, span: Span) => {
  // `OFFSET 0` leaves the planner no choice: left to itself it joins whole days before it picks the newest few.
  const both = db
    .selectFrom('messages as m')
    .crossJoinLateral(
      sql<
        Tables['progress']
      >`(SELECT * FROM progress x WHERE x.moment = m.moment AND x.id = m.id AND ${during(span)} OFFSET 0)`.as(
        'p',
      ),
    )
  // All have the same columns under the same names, as far as they are asked for; only the compiler tells them apart.
  type Found = typeof both
  const found = {
    messages: () => db.selectFrom('messages as m') as unknown as Found,
    'messages and progress': () => both,
    'progress and messages': () =>
      db
        .selectFrom('progress as p')
        .crossJoinLateral(
          sql<
            Tables['messages']
          >`(SELECT * FROM messages x WHERE x.moment = p.moment AND x.id = p.id AND ${during(span)} OFFSET 0)`.as(
            'm',
          ),
        ) as unknown as Found,
  }[walked]()
  return found.select(['m.moment', 'm.seq', 'm.id'])
}

/** Names a record. */
export interface Key {
  readonly moment: number
  readonly id: string
}

export interface RecordRow extends Omit<Tables['messages'] & Tables['progress'], 'tags' | 'key' | 'version'> {
  readonly steps: string | null
}

/** The records that these keys name, newest first. */
export const recordsOf = async (db: Kysely<Tables>, keys: readonly Key[]): Promise<readonly RecordRow[]> => {
  if (keys.length === 0) return []
  const moments = keys.map(({ moment }) => moment)
  const ids = keys.map(({ id }) => id)
  const days = during({ low: Math.min(...moments), high: Math.max(...moments) })
  const named = sql`x.moment = k.moment AND x.id = k.id COLLATE "C" AND ${days}`
  const { rows } = await sql<RecordRow>`
    SELECT m.moment, m.seq, m.id, m.tenant, m.account, m.channel, m.lane, m.touser, m.template_id, m.body,
      m.accepted_at, m.send_at, m.expires_at, m.extra,
      p.state, p.reason, p.ready_at, p.deliveries, p.doubt_since, p.msgid, p.at,
      (SELECT string_agg(x.step, ',' ORDER BY x.version) FROM steps x WHERE ${named}) AS steps
    FROM unnest(${moments}::bigint[], ${ids}::text[]) AS k (moment, id)
    CROSS JOIN LATERAL (SELECT * FROM messages x WHERE ${named} OFFSET 0) m
    CROSS JOIN LATERAL (SELECT * FROM progress x WHERE ${named} OFFSET 0) p
    ORDER BY m.moment DESC, m.seq DESC, m.id DESC`.execute(db)
  return rows
}

export const recordOf = (row: RecordRow): MessageRecord => {
  const { clientMsgId, tags, grantName }: Extra = row.extra === null ? {} : JSON.parse(row.extra)
  return {
    id: row.id as MessageId,
    tenant: row.tenant,
    account: row.account,
    channel: row.channel as Channel,
    lane: lanes[row.lane]!,
    touser: row.touser,
    templateId: row.template_id,
    body: row.body,
    acceptedAt: row.accepted_at,
    sendAt: row.send_at,
    expiresAt: row.expires_at,
    ...(clientMsgId !== undefined && { clientMsgId }),
    ...(tags !== undefined && { tags }),
    ...(grantName !== undefined && { grantName }),
    state: row.state as State,
    ...(row.reason !== null && { reason: row.reason }),
    ...(row.ready_at !== null && { readyAt: row.ready_at }),
    deliveries: row.deliveries,
    ...(row.doubt_since !== null && { doubtSince: row.doubt_since }),
    ...(row.msgid !== null && { msgid: row.msgid }),
    updatedAt: row.at,
    steps: JSON.parse(`[${row.steps ?? ''}]`) as Step[],
  }
}
