import { channelTraits } from '../../channels.ts'
import type { Reservation } from '../../grants.ts'
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
import type { GrantEffect } from '../../settlement.ts'

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
  /** Whether a call of this message must be noted before it is made. */
  careful: 0 | 1,
  /** Which grant it needs: the kind, and the name of a certain one behind a blank; null: none. */
  grantKey: string | null,
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
  channelTraits[message.channel].repeatInDoubt === 'never' ? 1 : 0,
  grantKeyOf(message),
]

const grantKeyOf = ({ channel, grantName }: Message): string | null => {
  const { grant } = channelTraits[channel]
  if (grant === undefined) return null
  return grantName === undefined ? grant : `${grant} ${grantName}`
}

/** What few messages have lies in one column, as JSON. `key` is there so that retention can find the idempotency row. */
type Extra = { clientMsgId?: string; tags?: readonly string[]; grantName?: string; key?: string }

const extraOf = ({ clientMsgId, tags, grantName, idempotency }: Message): string | null =>
  clientMsgId === undefined && tags === undefined && grantName === undefined && idempotency === undefined
    ? null
    : JSON.stringify({ clientMsgId, tags, grantName, key: idempotency?.key })

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
  number: number,
  tries: number,
  leasedAt: number,
  leaseUntil: number,
  doubtSince: number | null,
  /** Null: it needs none. */
  grant: GrantRow | null,
]

/** What a delivery holds of the books; handle null: there is nothing to be had. */
export type GrantRow = readonly [handle: string | null, name: string | null]

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
  const [doubtSince, grant] = [row[15], row[16]]
  if (doubtSince === null && grant === null) return delivery
  return {
    ...delivery,
    ...(doubtSince !== null && { doubtSince }),
    ...(grant !== null && { grant: reservationOf(grant) }),
  }
}

const reservationOf = ([handle, name]: GrantRow): Reservation =>
  handle === null ? { kind: 'none' } : { kind: 'reserved', handle, ...(name !== null && { name }) }

/** What a settlement writes. */
export type SettleRow = readonly [
  seq: number,
  /** The fence: the number of the delivery. */
  number: number,
  state: string,
  reason: string | null,
  /** When it goes on; null when this is the end. */
  until: number | null,
  /** What it adds to the tries. */
  spent: 0 | 1,
  doubtSince: number | null,
  msgid: string | null,
  at: number,
  /** A `Step` as JSON; null leaves no trace (a delivery handed back). */
  step: string | null,
  /** What it is parked for, if for something that can be released. */
  condition: string | null,
  grant: GrantEffect | null,
]

/** Where a message stands: what its receipt says, else how it ended, else where it is in the queue. */
export const recordState = 'coalesce(r.state, o.state, q.state)'

/** The columns of a record: of a message, and of where it stands in the queue or how it ended. */
export const recordColumns = `
  m.id, m.tenant, m.account, m.channel, m.lane, m.touser, m.template_id, m.body, m.accepted_at, m.send_at,
  m.expires_at, m.extra, ${recordState}, coalesce(r.reason, o.reason, q.reason), q.ready_at,
  coalesce(o.deliveries, q.deliveries), coalesce(o.doubt_since, q.doubt_since), o.msgid,
  coalesce(r.at, o.at, q.updated_at),
  (SELECT group_concat(step) FROM (SELECT step FROM steps WHERE seq = m.seq ORDER BY delivery)), o.step, r.step`

/** Where record columns come from. */
export const recordTables = `messages m LEFT JOIN queue q ON q.seq = m.seq LEFT JOIN outcomes o ON o.seq = m.seq
  LEFT JOIN receipts r ON r.seq = m.seq`

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
  steps: string | null,
  outcome: string | null,
  receipt: string | null,
]

export const recordOf = (row: RecordRow): MessageRecord => {
  const { clientMsgId, tags, grantName }: Extra = row[11] === null ? {} : JSON.parse(row[11])
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
    ...(grantName !== undefined && { grantName }),
    state: row[12] as State,
    ...(row[13] !== null && { reason: row[13] }),
    ...(row[14] !== null && { readyAt: row[14] }),
    deliveries: row[15],
    ...(row[16] !== null && { doubtSince: row[16] }),
    ...(row[17] !== null && { msgid: row[17] }),
    updatedAt: row[18],
    steps: JSON.parse(`[${[row[19], row[20], row[21]].filter((text) => text !== null).join()}]`) as Step[],
  }
}

/** Of a message that has one. */
export const idempotencyKeyOf = (row: RecordRow): string | undefined =>
  row[11] === null ? undefined : (JSON.parse(row[11]) as Extra).key
