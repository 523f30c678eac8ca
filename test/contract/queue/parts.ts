import assert from 'node:assert/strict'
import type { Message, MessageRecord, State } from '../../../src/message.ts'
import type { DeliveredMessage, Delivery } from '../../../src/queue.ts'
import type { Settlement } from '../../../src/settlement.ts'
import { type Harness, receiveOne } from '../../support/harness.ts'
import { aMessage } from '../../support/messages.ts'

export const minuteMs = 60_000

export const aRetry = (until: number, { spent = true, inDoubt = false } = {}): Settlement => ({
  kind: 'retry',
  until,
  reason: 'errcode--1',
  spent,
  inDoubt,
})

export const aPark = (until: number, { inDoubt = false } = {}): Settlement => ({
  kind: 'parked',
  until,
  reason: 'errcode-45009',
  inDoubt,
})

export const everySettlement = (until: number): readonly Settlement[] => [
  { kind: 'sent', msgid: '1' },
  { kind: 'dead', reason: 'errcode-43004' },
  { kind: 'unknown', reason: 'no-receipt' },
  { kind: 'expired', reason: 'expired' },
  aRetry(until),
  aPark(until, { inDoubt: true }),
  { kind: 'returned' },
]

export const publishOne = async ({ queue }: Harness, overrides: Partial<Message> = {}): Promise<Message> => {
  const message = aMessage(overrides)
  assert.deepEqual(await queue.publish([message]), [{ kind: 'accepted' }])
  return message
}

export const recordOf = async (
  { ledger }: Harness,
  message: Pick<Message, 'tenant' | 'id'>,
): Promise<MessageRecord> => {
  const record = await ledger.find(message)
  assert.ok(record, `There is no record of ${message.id}`)
  return record
}

/** A record in each state there is, all of lane `normal`. */
export const oneOfEachState = async (harness: Harness): Promise<ReadonlyMap<State, MessageRecord>> => {
  const { queue, clock } = harness
  const until = clock.now() + 30 * minuteMs
  const ids = new Map<State, Message>()
  for (const settlement of everySettlement(until)) {
    if (settlement.kind === 'returned') continue
    ids.set(settlement.kind, await publishOne(harness))
    await queue.settle(await receiveOne(harness), settlement.kind === 'parked' ? aPark(until) : settlement)
  }
  ids.set('cancelled', await publishOne(harness))
  await queue.cancel(ids.get('cancelled')!)
  ids.set('leased', await publishOne(harness))
  await receiveOne(harness)
  ids.set('queued', await publishOne(harness))
  ids.set('scheduled', await publishOne(harness, { sendAt: until }))

  const records = new Map<State, MessageRecord>()
  for (const [state, message] of ids) {
    const record = await recordOf(harness, message)
    assert.equal(record.state, state)
    records.set(state, record)
  }
  return records
}

/** What a worker is given of a message. */
export const delivered = (message: Message): DeliveredMessage => {
  const { id, tenant, account, channel, lane, touser, templateId, body, acceptedAt, expiresAt } = message
  return { id, tenant, account, channel, lane, touser, templateId, body, acceptedAt, expiresAt }
}

export const byId = <T extends { readonly id: string }>(items: readonly T[]): readonly T[] =>
  items.toSorted((a, b) => (a.id < b.id ? -1 : 1))

export const idsOf = (deliveries: readonly Delivery[]): string[] =>
  deliveries.map(({ message }) => message.id).sort()
