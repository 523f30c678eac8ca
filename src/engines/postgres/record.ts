import pg from 'pg'
import { EventRefused, type History, type HistoryEvent } from '../../history.ts'
import { momentOf } from '../../message.ts'
import { storable } from './connection.ts'
import { type AcceptedEvent, columnsOf, messageColumns, type Progress, progressesOf } from './events.ts'
import { dayOf, finalList, type Partitions } from './partitions.ts'

/** A larger batch is recorded in parts. */
const mostAtOnce = 1000

const newer = 'excluded.version > p.version'
const bothFinal = `p.state IN (${finalList}) AND excluded.state IN (${finalList})`

/**
 * Everything of a batch in one statement, so that it is recorded as a whole or not at all.
 * $1 to $16: messages; $17 to $20: steps; $21 to $31: progress.
 */
const recordEvents = `
WITH told AS (
  INSERT INTO messages (moment, id, tenant, account, channel, lane, touser, template_id, body, accepted_at, send_at,
    expires_at, tags, key, extra, seq)
  SELECT moment, id, tenant, account, channel, lane, touser, template_id, body, accepted_at, send_at, expires_at,
    CASE WHEN tags IS NOT NULL THEN ARRAY(SELECT json_array_elements_text(tags::json)) END, key, extra,
    coalesce(seq, nextval('recorded'))
  FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::smallint[], $7::text[], $8::text[],
    $9::text[], $10::bigint[], $11::bigint[], $12::bigint[], $13::text[], $14::text[], $15::text[], $16::bigint[])
    WITH ORDINALITY AS m (moment, id, tenant, account, channel, lane, touser, template_id, body, accepted_at, send_at,
      expires_at, tags, key, extra, seq, place)
  ORDER BY place
  ON CONFLICT DO NOTHING
), stepped AS (
  INSERT INTO steps (moment, id, version, step)
  SELECT * FROM unnest($17::bigint[], $18::text[], $19::integer[], $20::text[])
  ON CONFLICT DO NOTHING
)
INSERT INTO progress AS p (moment, id, tenant, version, state, reason, ready_at, deliveries, doubt_since, msgid, at)
SELECT * FROM unnest($21::bigint[], $22::text[], $23::text[], $24::integer[], $25::text[], $26::text[], $27::bigint[],
  $28::integer[], $29::bigint[], $30::text[], $31::bigint[])
ON CONFLICT (moment, id) DO UPDATE SET
  version = greatest(p.version, excluded.version),
  state = CASE WHEN ${newer} THEN excluded.state ELSE p.state END,
  reason = CASE
    WHEN ${newer} THEN coalesce(excluded.reason, CASE WHEN ${bothFinal} THEN p.reason END)
    ELSE coalesce(p.reason, CASE WHEN ${bothFinal} THEN excluded.reason END) END,
  ready_at = CASE
    WHEN ${newer} THEN CASE WHEN excluded.state NOT IN (${finalList}) THEN coalesce(excluded.ready_at, p.ready_at) END
    WHEN p.state NOT IN (${finalList}) THEN coalesce(p.ready_at, excluded.ready_at) END,
  deliveries = CASE WHEN ${newer} THEN excluded.deliveries ELSE p.deliveries END,
  doubt_since = CASE WHEN ${newer} THEN coalesce(excluded.doubt_since, p.doubt_since)
    ELSE coalesce(p.doubt_since, excluded.doubt_since) END,
  msgid = CASE WHEN ${newer} THEN coalesce(excluded.msgid, p.msgid) ELSE coalesce(p.msgid, excluded.msgid) END,
  at = CASE WHEN ${newer} THEN excluded.at ELSE p.at END
-- A repeat must not cost a new row; what comes late, also merged with a repeat, may still fill a gap.
WHERE ${newer}
  OR (p.reason IS NULL AND excluded.reason IS NOT NULL AND ${bothFinal})
  OR (p.ready_at IS NULL AND excluded.ready_at IS NOT NULL AND p.state NOT IN (${finalList}))
  OR (p.doubt_since IS NULL AND excluded.doubt_since IS NOT NULL)
  OR (p.msgid IS NULL AND excluded.msgid IS NOT NULL)`

const stepColumns: readonly ((event: SteppedEvent) => string | number | null)[] = [
  ({ id }) => momentOf(id),
  ({ id }) => id,
  ({ version }) => version,
  ({ step }) => JSON.stringify(step),
]
type SteppedEvent = Extract<HistoryEvent, { kind: 'state' }>

const progressColumns: readonly ((progress: Progress) => string | number | null)[] = [
  ({ id }) => momentOf(id),
  ({ id }) => id,
  ({ tenant }) => storable(tenant),
  ({ version }) => version,
  ({ state }) => state,
  ({ reason }) => (reason === null ? null : storable(reason)),
  ({ readyAt }) => readyAt,
  ({ deliveries }) => deliveries,
  ({ doubtSince }) => doubtSince,
  ({ msgid }) => (msgid === null ? null : storable(msgid)),
  ({ at }) => at,
]

interface HistoryParts {
  readonly pool: pg.Pool
  readonly partitions: Partitions
}

export const createPostgresHistory = ({ pool, partitions }: HistoryParts): History => {
  const write = async (events: readonly HistoryEvent[]): Promise<void> => {
    const kept = await withinRetention(partitions, events)
    if (kept.length > 0) await pool.query(recordEvents, valuesOf(kept))
  }

  const record = async (events: readonly HistoryEvent[]): Promise<void> => {
    try {
      await write(events)
    } catch (error) {
      if (!partitionMissing(error)) throw error
      await partitions.refresh()
      await write(events)
    }
  }

  return {
    async record(events) {
      for (let from = 0; from < events.length; from += mostAtOnce)
        await record(events.slice(from, from + mostAtOnce)).catch((error: Error) => {
          throw doesNotFit(error) ? new EventRefused(error) : error
        })
    },
  }
}

const valuesOf = (events: readonly HistoryEvent[]): unknown[] => {
  const accepted: AcceptedEvent[] = []
  const stepped: SteppedEvent[] = []
  for (const event of events) {
    if (event.kind === 'accepted') accepted.push(event)
    else if (event.step !== undefined) stepped.push(event)
  }
  return [
    ...columnsOf(
      accepted.map(({ message }) => message),
      messageColumns,
    ),
    accepted.map(({ order }) => order ?? null),
    ...columnsOf(stepped, stepColumns),
    ...columnsOf(progressesOf(events), progressColumns),
  ]
}

/**
 * Makes the days that are needed, and leaves out what is told of messages that have been forgotten with their day:
 * it would make the day again. A message itself is recorded however late it comes.
 */
const withinRetention = async (
  partitions: Partitions,
  events: readonly HistoryEvent[],
): Promise<readonly HistoryEvent[]> => {
  const dayOfEvent = (event: HistoryEvent) =>
    dayOf(momentOf(event.kind === 'accepted' ? event.message.id : event.id))
  const days = new Set(events.map(dayOfEvent))
  const accepted = new Set(events.filter(({ kind }) => kind === 'accepted').map(dayOfEvent))
  const forgotten = await partitions.forgotten([...days])
  const gone = (day: number) => forgotten.has(day) && !accepted.has(day)
  await partitions.make([...days].filter((day) => !gone(day)))
  return forgotten.size === 0 ? events : events.filter((event) => !gone(dayOfEvent(event)))
}

const codeOf = (error: unknown): string =>
  error instanceof pg.DatabaseError && error.code !== undefined ? error.code : ''

/** Another node has dropped a partition that was known to be there: its row finds no place (check violation). */
const partitionMissing = (error: unknown): boolean => codeOf(error) === '23514'

/** Class 22: a value that the column's type cannot hold; class 23: one that a constraint refuses. */
const doesNotFit = (error: unknown): boolean => !partitionMissing(error) && /^2[23]/.test(codeOf(error))
