import type { HistoryEvent } from '../../src/history.ts'
import type { Message, Step } from '../../src/message.ts'

export type StateEvent = Extract<HistoryEvent, { readonly kind: 'state' }>

export const accepted = (message: Message): HistoryEvent => ({ kind: 'accepted', message })

/** An event of a message like any other: its first lease. A test names only the fields that it is about. */
export const aStateEvent = (
  { tenant, id, acceptedAt }: Message,
  overrides: Partial<StateEvent> = {},
): StateEvent => ({
  kind: 'state',
  tenant,
  id,
  version: 1,
  state: 'leased',
  deliveries: 1,
  at: acceptedAt + 1,
  ...overrides,
})

/** What an engine tells of a message that was sent at the second call. */
export const eventsOfSending = (message: Message): readonly HistoryEvent[] => {
  const at = message.acceptedAt
  const retry: Step = { at: at + 2, state: 'retry', reason: 'errcode--1', until: at + 3 }
  const sent: Step = { at: at + 5, state: 'sent' }
  return [
    accepted(message),
    aStateEvent(message, { readyAt: at + 60_000 }),
    aStateEvent(message, {
      version: 2,
      state: 'retry',
      reason: 'errcode--1',
      readyAt: at + 3,
      at: at + 2,
      step: retry,
    }),
    aStateEvent(message, { version: 3, deliveries: 2, readyAt: at + 60_003, at: at + 4 }),
    aStateEvent(message, { version: 4, state: 'sent', deliveries: 2, msgid: '7', at: at + 5, step: sent }),
  ]
}

/** The record that these events come to. */
export const recordOfSending = (message: Message) => {
  const at = message.acceptedAt
  return {
    ...message,
    state: 'sent',
    deliveries: 2,
    msgid: '7',
    updatedAt: at + 5,
    steps: [
      { at: at + 2, state: 'retry', reason: 'errcode--1', until: at + 3 },
      { at: at + 5, state: 'sent' },
    ],
  }
}
