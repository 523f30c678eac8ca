import {
  type Channel,
  lanes,
  type Message,
  type MessageId,
  type MessageRecord,
  type State,
  type Step,
} from '../../message.ts'
import type { Delivery } from '../../queue.ts'

/**
 * How messages cross the thread and lie in the table: arrays in the order of the columns, because they
 * are copied for every message and an object per row would cost more than the rest of the work.
 */
export type MessageRow = readonly [
  id: string,
  tenant: string,
  account: string,
  channel: string,
  lane: number,
  touser: string,
  templateId: string,
  body: string,
  acceptedAt: number,
  sendAt: number,
  expiresAt: number,
  extra: string | null,
  idempotencyKey: string | null,
  fingerprint: string | null,
]

export const rowOf = (message: Message): MessageRow => [
  message.id,
  message.tenant,
  message.account,
  message.channel,
  lanes.indexOf(message.lane),
  message.touser,
  message.templateId,
  message.body,
  message.acceptedAt,
  message.sendAt,
  message.expiresAt,
  extraOf(message),
  message.idempotency?.key ?? null,
  message.idempotency?.fingerprint ?? null,
]

/** What few messages have lies in one column, as JSON. `key` is there so that retention can find the idempotency row. */
type Extra = { clientMsgId?: string; tags?: readonly string[]; key?: string }

const extraOf = ({ clientMsgId, tags, idempotency }: Message): string | null =>
  clientMsgId === undefined && tags === undefined && idempotency === undefined
    ? null
    : JSON.stringify({ clientMsgId, tags, key: idempotency?.key })

/** The columns of a delivery, as `claim` returns them. */
export const deliveryColumns =
  'seq, id, tenant, account, channel, lane, touser, template_id, body, accepted_at, expires_at, deliveries, tries, leased_at, ready_at, doubt_since'

export type DeliveryRow = readonly [
  seq: number,
  id: string,
  tenant: string,
  account: string,
  channel: string,
  lane: number,
  touser: string,
  templateId: string,
  body: string,
  acceptedAt: number,
  expiresAt: number,
  deliveries: number,
  tries: number,
  leasedAt: number,
  leaseUntil: number,
  doubtSince: number | null,
]

export const deliveryOf = (row: DeliveryRow): Delivery => {
  const delivery = {
    message: {
      id: row[1] as MessageId,
      tenant: row[2],
      account: row[3],
      channel: row[4] as Channel,
      lane: lanes[row[5]]!,
      touser: row[6],
      templateId: row[7],
      body: row[8],
      acceptedAt: row[9],
      expiresAt: row[10],
    },
    number: row[11],
    tries: row[12],
    leasedAt: row[13],
    leaseUntil: row[14],
    handle: row[0],
  }
  return row[15] === null ? delivery : { ...delivery, doubtSince: row[15] }
}

/** The columns of a record, as reading returns them. */
export const recordColumns =
  'id, tenant, account, channel, lane, touser, template_id, body, accepted_at, send_at, expires_at, extra, state, reason, ready_at, deliveries, doubt_since, msgid, updated_at, steps'

export type RecordRow = readonly [
  id: string,
  tenant: string,
  account: string,
  channel: string,
  lane: number,
  touser: string,
  templateId: string,
  body: string,
  acceptedAt: number,
  sendAt: number,
  expiresAt: number,
  extra: string | null,
  state: string,
  reason: string | null,
  readyAt: number | null,
  deliveries: number,
  doubtSince: number | null,
  msgid: string | null,
  updatedAt: number,
  steps: string,
]

export const recordOf = (row: RecordRow): MessageRecord => {
  const { clientMsgId, tags }: Extra = row[11] === null ? {} : JSON.parse(row[11])
  return {
    id: row[0] as MessageId,
    tenant: row[1],
    account: row[2],
    channel: row[3] as Channel,
    lane: lanes[row[4]]!,
    touser: row[5],
    templateId: row[6],
    body: row[7],
    acceptedAt: row[8],
    sendAt: row[9],
    expiresAt: row[10],
    ...(clientMsgId !== undefined && { clientMsgId }),
    ...(tags !== undefined && { tags }),
    state: row[12] as State,
    ...(row[13] !== null && { reason: row[13] }),
    ...(row[14] !== null && { readyAt: row[14] }),
    deliveries: row[15],
    ...(row[16] !== null && { doubtSince: row[16] }),
    ...(row[17] !== null && { msgid: row[17] }),
    updatedAt: row[18],
    steps: stepsOf(row[19]),
  }
}

/** Steps lie as one line of JSON each, so that a step is appended without reading the others. */
export const stepLine = (step: Step): string => JSON.stringify(step) + '\n'

const stepsOf = (text: string): readonly Step[] => (text === '' ? [] : JSON.parse(`[${text.trimEnd().replaceAll('\n', ',')}]`))
