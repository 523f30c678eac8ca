/**
 * A message and the words around it.
 *
 * *Message*: one wish to tell one person one thing. *Account*: one WeChat appid. *Tenant*: who calls
 * us; owns keys and accounts. *Channel*: which of WeChat's ways of sending. *Lane*: how urgent.
 * *Delivery*: a message on lease to a worker. *Attempt*: one call to WeChat. *Verdict*: what WeChat's
 * reply means. *Settlement*: what we do about it.
 */

/** `msg_` and the 32 hex digits of a UUIDv7: unguessable, and sorted by the time of acceptance. */
export type MessageId = string & { readonly brand: 'MessageId' }

const messageIdShape = /^msg_[0-9a-f]{32}$/

export const parseMessageId = (text: string): MessageId | undefined =>
  messageIdShape.test(text) ? (text as MessageId) : undefined

/** The id of a message accepted now, from a UUIDv7 in its usual form with dashes. */
export const messageIdOf = (uuidV7: string): MessageId => `msg_${uuidV7.replaceAll('-', '')}` as MessageId

/** The millisecond in an id, at which its message was accepted. */
export const momentOf = (id: string): number =>
  Number.parseInt(id.slice('msg_'.length, 'msg_'.length + 12), 16)

/** The smallest id that a message accepted at `at` (milliseconds) can have. Ids compare as texts. */
export const firstIdAt = (at: number): string =>
  `msg_${Math.max(0, Math.floor(at)).toString(16).padStart(12, '0')}${'0'.repeat(20)}`

/**
 * The anti-duplicate key that WeChat sees: derived from our id, so every attempt carries the same one.
 * 32 ASCII characters; the API's own limit is not documented, 64 is the limit of its mass-send sibling.
 */
export const wechatClientMsgId = (id: MessageId): string => id.slice('msg_'.length)

/** The key under which a message of the facade is the same one: WeChat's own, which is per account and openid. */
export const facadeKey = (
  clientMsgId: string,
  { account, touser }: { readonly account: string; readonly touser: string },
): string => `${facadeKeyStart(clientMsgId)}${account}\n${touser}`

/** What every such key of one `client_msg_id` begins with, and no key of another. No line feed is in one. */
export const facadeKeyStart = (clientMsgId: string): string => `w:${clientMsgId}\n`

export const channels = [
  'template',
  'subscribe',
  'oa_subscribe',
  'oa_once',
  'customer',
  'form',
  'webhook',
] as const
export type Channel = (typeof channels)[number]

/** In the order in which workers serve them. */
export const lanes = ['urgent', 'normal', 'bulk'] as const
export type Lane = (typeof lanes)[number]

export const states = [
  'scheduled',
  'queued',
  'leased',
  'retry',
  'parked',
  'sent',
  'delivered',
  'undelivered',
  'unknown',
  'dead',
  'expired',
  'cancelled',
] as const

/**
 * Where a message is. `scheduled`, `queued`, `leased`, `retry` (waits for its next attempt) and `parked`
 * (waits for a condition) are on the way. `sent`: WeChat said so; a receipt sharpens it to `delivered` or
 * `undelivered`. `unknown`: WeChat may have taken it and a repeat is not safe; a receipt sharpens it likewise. `dead`,
 * `expired`, `cancelled`: it was certainly not sent.
 */
export type State = (typeof states)[number]

const finalStates: ReadonlySet<State> = new Set([
  'sent',
  'delivered',
  'undelivered',
  'unknown',
  'dead',
  'expired',
  'cancelled',
])

export const isFinal = (state: State): boolean => finalStates.has(state)

/** The idempotency key of a caller's own message id; other kinds of keys begin with another letter. */
export const callerKey = (clientMsgId: string): string => `c:${clientMsgId}`

/** A message as it was accepted. Times are milliseconds since 1970 UTC. */
export interface Message {
  readonly id: MessageId
  readonly tenant: string
  /** The appid of the WeChat account that sends. */
  readonly account: string
  readonly channel: Channel
  readonly lane: Lane
  readonly touser: string
  /** Empty where the channel has no templates. */
  readonly templateId: string
  /** What WeChat will be sent, as JSON text: made once, when the message is accepted. */
  readonly body: string
  readonly acceptedAt: number
  /** Not before this moment; equal to `acceptedAt` when it is not scheduled. */
  readonly sendAt: number
  /** Never after this moment. */
  readonly expiresAt: number
  /** The caller's own key for this message. */
  readonly clientMsgId?: string
  readonly tags?: readonly string[]
  /** Of a message that uses up a permission with a name of its own: the scene, or the caller's own form id. */
  readonly grantName?: string
  /** Present when the caller gave a key: the same key with the same fingerprint is the same message. */
  readonly idempotency?: Idempotency
}

export interface Idempotency {
  /** Unique per tenant. For a message with a `clientMsgId` it is `callerKey(clientMsgId)`. */
  readonly key: string
  /** A digest of what the caller sent. */
  readonly fingerprint: string
}

/** One call to WeChat, as it went. */
export interface Attempt {
  readonly startedAt: number
  readonly endedAt: number
  /** `not-sent`: no byte left us. `in-doubt`: some may have. `answered`: WeChat replied with an errcode. */
  readonly outcome: 'answered' | 'in-doubt' | 'not-sent'
  readonly errcode?: number
  readonly errmsg?: string
  /** WeChat's request id; its support can look it up for seven days. */
  readonly rid?: string
  readonly error?: string
}

/** One change in the life of a message. The list of them is its timeline; each is appended once, never changed. */
export interface Step {
  readonly at: number
  readonly state: State | 'lease-lost'
  readonly reason?: string
  /** For `retry` and `parked`: when it goes on. */
  readonly until?: number
  readonly leasedAt?: number
  readonly attempts?: readonly Attempt[]
}

/** A message and what has become of it so far. */
export interface MessageRecord extends Message {
  readonly state: State
  readonly reason?: string
  /** When it may next be worked on; absent once the state is final. */
  readonly readyAt?: number
  /** How often it has been given to a worker. */
  readonly deliveries: number
  /** The earliest lease during which WeChat may have taken it without our knowing. */
  readonly doubtSince?: number
  /** WeChat's own number of the message: a 64-bit integer, kept as text. */
  readonly msgid?: string
  readonly updatedAt: number
  readonly steps: readonly Step[]
}
