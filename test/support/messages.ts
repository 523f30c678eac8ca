import { randomUUIDv7 } from 'node:crypto'
import { type Message, type MessageId, messageIdOf } from '../../src/message.ts'
import type { Delivery } from '../../src/queue.ts'
import { testStart } from './clock.ts'

const hourMs = 3_600_000

/** A fresh id of a message accepted at `at`: a UUIDv7 whose time is that of the test, not that of the machine. */
export const anIdAt = (at: number): MessageId => {
  const random = randomUUIDv7().replaceAll('-', '').slice(12)
  return messageIdOf(at.toString(16).padStart(12, '0') + random)
}

/** A message like any other, with an id of its own. A test names only the fields that it is about. */
export const aMessage = (overrides: Partial<Message> = {}): Message => {
  const acceptedAt = overrides.acceptedAt ?? testStart
  return {
    id: anIdAt(acceptedAt),
    tenant: 'acme',
    account: 'wx0123456789abcdef',
    channel: 'template',
    lane: 'normal',
    touser: 'oABCDEFGHIJKLMNOPQRSTUVWXYZ0',
    templateId: 'tpl-shipped',
    body: '{"touser":"oABCDEFGHIJKLMNOPQRSTUVWXYZ0"}',
    acceptedAt,
    sendAt: acceptedAt,
    expiresAt: acceptedAt + 24 * hourMs,
    ...overrides,
  }
}

/** A message under a caller's key. */
export const aKeyedMessage = (
  key: string,
  overrides: Partial<Message> & { fingerprint?: string } = {},
): Message => {
  const { fingerprint = 'print-1', ...rest } = overrides
  return aMessage({ ...rest, idempotency: { key, fingerprint } })
}

/** A first delivery, leased at the beginning of time for a minute. */
export const aDelivery = (
  overrides: Partial<Omit<Delivery, 'message'>> & { message?: Partial<Message> } = {},
): Delivery => {
  const { message, ...rest } = overrides
  const leasedAt = rest.leasedAt ?? testStart
  return {
    message: aMessage(message),
    number: 1,
    tries: 0,
    leasedAt,
    leaseUntil: leasedAt + 60_000,
    handle: 1,
    ...rest,
  }
}
