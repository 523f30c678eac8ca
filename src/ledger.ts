import type { Channel, MessageId, MessageRecord, State } from './message.ts'

/**
 * The records of all messages: what was accepted, what became of it, and why.
 *
 * A record can be read as soon as `publish` has answered for it. Nothing of one tenant is ever shown to another.
 */
export interface Ledger {
  find(target: { readonly tenant: string; readonly id: MessageId }): Promise<MessageRecord | undefined>

  /** Newest first. */
  search(query: LedgerQuery): Promise<LedgerPage>

  /** How many messages of a tenant are in each state. May take a while on a large store. */
  counts(tenant: string): Promise<Readonly<Record<State, number>>>
}

/**
 * Which of these messages have come to their end: one cheap read for many. An engine whose messages may be ended by other
 * processes offers it.
 */
export type EndedAmong = (ids: readonly MessageId[]) => Promise<readonly MessageId[]>

export interface LedgerQuery {
  readonly tenant: string
  readonly touser?: string
  readonly state?: State
  readonly channel?: Channel
  readonly account?: string
  readonly templateId?: string
  readonly tag?: string
  /**
   * Exactly a message id, an openid, a caller's `client_msg_id` (that of the facade's callers included) or a msgid that
   * the facade has answered; what is several of them finds all.
   */
  readonly q?: string
  /** Accepted at or after, milliseconds since 1970 UTC. */
  readonly from?: number
  /** Accepted before. */
  readonly to?: number
  /** From an earlier page. */
  readonly cursor?: string
  readonly limit: number
}

export interface LedgerPage {
  readonly records: readonly MessageRecord[]
  /** Present when there is more. */
  readonly nextCursor?: string
}

/**
 * Where a record stands among all others, newest first: by the millisecond in its id, then in the order of acceptance
 * within it, then by its id. Engines whose records become one ledger share it, so that a walk begun on one goes on on
 * the other.
 */
export interface Place {
  readonly moment: number
  /** In the order of acceptance within the millisecond. */
  readonly order: number
  readonly id: string
}

/** A cursor is opaque to callers. */
export const cursorOf = ({ moment, order, id }: Place): string =>
  Buffer.from(`m${moment}.${order}.${id}`).toString('base64url')

/** Nothing for a text that is none. */
export const placeIn = (cursor: string): Place | undefined => {
  const match = /^m(\d{1,15})\.(\d{1,15})\.((?:msg_[0-9a-f]{32})?)$/.exec(
    Buffer.from(cursor, 'base64url').toString(),
  )
  return match ? { moment: Number(match[1]), order: Number(match[2]), id: match[3]! } : undefined
}
