import type { HistoryEvent } from '../../history.ts'
import { isFinal, lanes, type Message, type MessageId, momentOf, type State } from '../../message.ts'
import { storable } from './connection.ts'

/** Where a message stands, as far as some of its events tell. Null: they do not. */
export interface Progress {
  readonly id: MessageId
  readonly tenant: string
  /** Of the newest of the events; 0 is the acceptance. */
  readonly version: number
  readonly state: State
  readonly reason: string | null
  readonly readyAt: number | null
  readonly deliveries: number
  readonly doubtSince: number | null
  readonly msgid: string | null
  readonly at: number
}

export const progressOf = (event: HistoryEvent): Progress => {
  if (event.kind === 'accepted') {
    const { id, tenant, sendAt, acceptedAt } = event.message
    const state = sendAt > acceptedAt ? 'scheduled' : 'queued'
    return { ...nothing, id, tenant, version: 0, state, readyAt: sendAt, deliveries: 0, at: acceptedAt }
  }
  const { id, tenant, version, state, reason, readyAt, deliveries, doubtSince, msgid, at } = event
  return {
    id,
    tenant,
    version,
    state,
    reason: reason ?? null,
    readyAt: isFinal(state) ? null : (readyAt ?? null),
    deliveries,
    doubtSince: doubtSince ?? null,
    msgid: msgid ?? null,
    at,
  }
}

const nothing = { reason: null, doubtSince: null, msgid: null }

/**
 * What two parts of a message's events come to together. The table merges in the same way what it has with what
 * comes (`record.ts`), so it does not matter in which batches events are told.
 */
export const merge = (one: Progress, other: Progress): Progress => {
  const [older, newer] = one.version <= other.version ? [one, other] : [other, one]
  return {
    ...newer,
    // A reason is that of its state; only what sharpens an end may go without and keeps it.
    reason: newer.reason ?? (isFinal(older.state) && isFinal(newer.state) ? older.reason : null),
    readyAt: isFinal(newer.state) ? null : (newer.readyAt ?? older.readyAt),
    doubtSince: newer.doubtSince ?? older.doubtSince,
    msgid: newer.msgid ?? older.msgid,
  }
}

/** One for each message, in the order of their ids, so that two who record the same never wait for each other in a ring. */
export const progressesOf = (events: readonly HistoryEvent[]): readonly Progress[] => {
  const merged = new Map<string, Progress>()
  for (const event of events) {
    const progress = progressOf(event)
    const known = merged.get(progress.id)
    merged.set(progress.id, known ? merge(known, progress) : progress)
  }
  return [...merged.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** A list of rows as a list of columns, which is how they cross the wire. */
export const columnsOf = <Row>(
  rows: readonly Row[],
  columns: readonly ((row: Row) => string | number | null)[],
): readonly (readonly (string | number | null)[])[] => columns.map((column) => rows.map(column))

export type AcceptedEvent = Extract<HistoryEvent, { kind: 'accepted' }>

export const messageColumns: readonly ((message: Message) => string | number | null)[] = [
  ({ id }) => momentOf(id),
  ({ id }) => id,
  ({ tenant }) => storable(tenant),
  ({ account }) => storable(account),
  ({ channel }) => channel,
  ({ lane }) => lanes.indexOf(lane),
  ({ touser }) => storable(touser),
  ({ templateId }) => storable(templateId),
  ({ body }) => storable(body),
  ({ acceptedAt }) => acceptedAt,
  ({ sendAt }) => sendAt,
  ({ expiresAt }) => expiresAt,
  ({ tags }) => (tags === undefined ? null : JSON.stringify(tags.map(tagText))),
  ({ idempotency }) => (idempotency === undefined ? null : storable(idempotency.key)),
  (message) => extraOf(message),
]

/** A tag as the table holds it: JSON can hold halves of characters and NULs. */
export const tagText = (tag: string): string => JSON.stringify(tag)

/** What few messages have, as JSON. */
export type Extra = Pick<Message, 'clientMsgId' | 'tags' | 'grantName'>

const extraOf = ({ clientMsgId, tags, grantName }: Message): string | null =>
  clientMsgId === undefined && tags === undefined && grantName === undefined
    ? null
    : JSON.stringify({ clientMsgId, tags, grantName })
