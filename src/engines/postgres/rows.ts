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

/** The table that a search walks through; the other is looked up row by row. */
export type Walked = 'm' | 'p'

// `OFFSET 0` leaves the planner no choice: left to itself it joins whole days before it picks the newest few.
const overMessages = (db: Kysely<Tables>) =>
  db
    .selectFrom('messages as m')
    .crossJoinLateral(
      sql<
        Tables['progress']
      >`(SELECT * FROM progress x WHERE x.moment = m.moment AND x.id = m.id OFFSET 0)`.as('p'),
    )

const overProgress = (db: Kysely<Tables>) =>
  db
    .selectFrom('progress as p')
    .crossJoinLateral(
      sql<
        Tables['messages']
      >`(SELECT * FROM messages x WHERE x.moment = p.moment AND x.id = p.id OFFSET 0)`.as('m'),
    )

/** Messages with where they stand, as rows of records: what every search begins with. */
export const recordsIn = (db: Kysely<Tables>, walked: Walked = 'm') =>
  // Both have the same columns under the same names; only the compiler tells them apart.
  (walked === 'm'
    ? overMessages(db)
    : (overProgress(db) as unknown as ReturnType<typeof overMessages>)
  ).select([
    'm.moment',
    'm.seq',
    'm.id',
    'm.tenant',
    'm.account',
    'm.channel',
    'm.lane',
    'm.touser',
    'm.template_id',
    'm.body',
    'm.accepted_at',
    'm.send_at',
    'm.expires_at',
    'm.extra',
    'p.state',
    'p.reason',
    'p.ready_at',
    'p.deliveries',
    'p.doubt_since',
    'p.msgid',
    'p.at',
    sql<string | null>`(SELECT string_agg(s.step, ',' ORDER BY s.version) FROM steps s
      WHERE s.moment = m.moment AND s.id = m.id)`.as('steps'),
  ])

export type RecordRow = Awaited<ReturnType<ReturnType<typeof recordsIn>['executeTakeFirstOrThrow']>>

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
