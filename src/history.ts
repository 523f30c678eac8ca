import type { Message, MessageId, State, Step } from './message.ts'

/**
 * What an engine tells of messages for the records, where these are kept apart from its queue. The events of one
 * message come in order; the same event may come again after a crash, and then changes nothing.
 */
export type HistoryEvent =
  | {
      readonly kind: 'accepted'
      readonly message: Message
      /** Its place among those of its millisecond, where the engine knows it; without it, the order of recording. */
      readonly order?: number
    }
  | {
      /** Where a message stands now. What is not given has not changed since the last event of this message. */
      readonly kind: 'state'
      readonly tenant: string
      readonly id: MessageId
      /** Counts the events of this message from 1: an event that is not newer than what is known changes nothing. */
      readonly version: number
      readonly state: State
      /** That of this state; a state without one has none. Only what sharpens an end may go without and keeps it. */
      readonly reason?: string
      /** When it may next be worked on; absent once the state is final. */
      readonly readyAt?: number
      readonly deliveries: number
      readonly doubtSince?: number
      readonly msgid?: string
      readonly at: number
      /** Appended to its timeline. */
      readonly step?: Step
    }

/** Where events are recorded. Resolves once all of them are on stable storage; after a rejection, tell them again. */
export interface History {
  record(events: readonly HistoryEvent[]): Promise<void>
}

/** The records will never take one of these events: it does not fit them. Told alone, the others are taken. */
export class EventRefused extends Error {
  constructor(cause: Error) {
    super(`The records refuse an event: ${cause.message}`, { cause })
    this.name = 'EventRefused'
  }
}

/** What is past cannot be read at this moment. It is not lost, and what comes is accepted and sent. */
export class HistoryAway extends Error {
  constructor(cause: unknown) {
    super(`The records of what is past cannot be read: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    })
    this.name = 'HistoryAway'
  }
}
