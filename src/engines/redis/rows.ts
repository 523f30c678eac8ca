import { channelTraits } from '../../channels.ts'
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
import type { Settlement } from '../../settlement.ts'
import { comesBack, doubtAfter, stepOf } from '../../step.ts'

/** What the scripts read and write: see above each script for the order. All of it is text. */
export type Value = string | number
type Text = string | null

/** Why a message cannot be stored; nothing is sent of a batch that has one. */
const assertTimes = (...times: readonly number[]): void => {
  for (const time of times) if (!Number.isFinite(time)) throw new TypeError(`${time} is no time`)
}

/** The arguments of one message for the script that takes it in, but the last. `place`: in the order of acceptance. */
export const acceptRow = (message: Message, id: string, place: number): readonly Value[] => {
  const { acceptedAt, sendAt, expiresAt } = message
  return [
    ...[id, message.tenant, message.account, message.channel, lanes.indexOf(message.lane)],
    ...[message.touser, message.templateId, message.body, acceptedAt, sendAt, expiresAt, extraOf(message)],
    ...[channelTraits[message.channel].repeatInDoubt === 'never' ? 1 : 0, grantKeyOf(message), place],
  ]
}

export const assertStorable = ({ acceptedAt, sendAt, expiresAt }: Message): void =>
  assertTimes(acceptedAt, sendAt, expiresAt)

/** Which grant it needs: the kind, and the name of a certain one behind a blank. */
const grantKeyOf = ({ channel, grantName }: Message): string => {
  const { grant } = channelTraits[channel]
  if (grant === undefined) return ''
  return grantName === undefined ? grant : `${grant} ${grantName}`
}

/** What few messages have lies in one field, as JSON. `key` is there so that retention can find the idempotency key. */
type Extra = { clientMsgId?: string; tags?: readonly string[]; grantName?: string; key?: string }

const extraOf = ({ clientMsgId, tags, grantName, idempotency }: Message): string =>
  clientMsgId === undefined && tags === undefined && grantName === undefined && idempotency === undefined
    ? ''
    : JSON.stringify({ clientMsgId, tags, grantName, key: idempotency?.key })

export const extraIn = (text: Text): Extra => (text === null ? {} : JSON.parse(text))

/** A delivery as the lease script gives it. */
export const deliveryOf = (row: unknown, shard: number, leasedAt: number, leaseUntil: number): Delivery => {
  const f = row as readonly Text[]
  const doubtSince = f[12] ?? null
  return {
    message: {
      id: f[0] as MessageId,
      tenant: f[1]!,
      account: f[2]!,
      channel: f[3] as Channel,
      lane: lanes[Number(f[4])]!,
      touser: f[5]!,
      templateId: f[6]!,
      body: f[7]!,
      acceptedAt: Number(f[8]),
      expiresAt: Number(f[9]),
    },
    number: Number(f[10]),
    tries: Number(f[11]),
    leasedAt,
    leaseUntil,
    handle: shard,
    ...(doubtSince !== null && { doubtSince: Number(doubtSince) }),
    ...(Number(f[13]) === 1 && { grant: reservationOf(f[14] ?? null, f[15] ?? null) }),
  }
}

const reservationOf = (handle: Text, name: Text): NonNullable<Delivery['grant']> =>
  handle === null ? { kind: 'none' } : { kind: 'reserved', handle, ...(name !== null && { name }) }

/** The arguments of one settlement by a consumer. Throws when it names a time that is none. */
export const settleRow = (
  delivery: Delivery,
  settlement: Settlement,
  { at, consumer }: { readonly at: number; readonly consumer: string },
): readonly Value[] => {
  const { number, doubtSince, message } = delivery
  const start = [message.id, number, settlement.kind === 'returned' ? 'queued' : settlement.kind]
  const end = [settlement.grant ?? '', channelTraits[message.channel].oneCallPerRecipient ? consumer : '']
  if (settlement.kind === 'returned') {
    const { until = message.acceptedAt } = settlement
    assertTimes(until)
    return [...start, '', until, 0, doubtSince ?? '', '', '', '', ...end]
  }
  const until = comesBack(settlement) ? settlement.until : undefined
  if (until !== undefined) assertTimes(until)
  return [
    ...start,
    settlement.reason ?? '',
    until ?? '',
    settlement.kind === 'retry' && settlement.spent ? 1 : 0,
    doubtAfter(delivery, settlement) ?? '',
    (settlement.kind === 'sent' && settlement.msgid) || '',
    JSON.stringify(stepOf(delivery, settlement, at)),
    (settlement.kind === 'parked' && settlement.condition) || '',
    ...end,
  ]
}

/** A record as the reading scripts give it. */
export const recordOf = (row: unknown): MessageRecord => {
  const f = row as readonly Text[]
  const { clientMsgId, tags, grantName } = extraIn(f[10]!)
  const [reason, readyAt, doubtSince, msgid] = [f[12]!, f[13]!, f[15]!, f[16]!]
  return {
    id: f[18] as MessageId,
    tenant: f[0]!,
    account: f[1]!,
    channel: f[2] as Channel,
    lane: lanes[Number(f[3])]!,
    touser: f[4]!,
    templateId: f[5]!,
    body: f[6]!,
    acceptedAt: Number(f[7]),
    sendAt: Number(f[8]),
    expiresAt: Number(f[9]),
    ...(clientMsgId !== undefined && { clientMsgId }),
    ...(tags !== undefined && { tags }),
    ...(grantName !== undefined && { grantName }),
    state: f[11] as State,
    ...(reason !== null && { reason }),
    ...(readyAt !== null && { readyAt: Number(readyAt) }),
    deliveries: Number(f[14]),
    ...(doubtSince !== null && { doubtSince: Number(doubtSince) }),
    ...(msgid !== null && { msgid }),
    updatedAt: Number(f[17]),
    steps: JSON.parse(`[${f[19]!}]`) as Step[],
  }
}
