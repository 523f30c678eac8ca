import type { Reservation } from './grants.ts'
import type { Lane, Message, MessageId, State } from './message.ts'
import type { Settlement } from './settlement.ts'

/**
 * Where messages wait between the gateway and the workers.
 *
 * Every engine makes the same promise: at least once, in no particular order within a lane. A delivery
 * whose lease runs out goes to another worker, so whatever sends a message must tolerate a repeat. Every
 * transition is one atomic step, and what is answered survives the loss of the process.
 */
export interface Queue {
  /**
   * Takes messages in. Resolves once each is on stable storage (as stable as the engine's label says) or
   * recognised as one that is there already. After a rejection each one is in doubt: publish the batch
   * again, with the same idempotency keys.
   */
  publish(messages: readonly Message[]): Promise<readonly Publication[]>

  /**
   * Up to `max` deliveries, more urgent lanes first; or none if `waitMs` passes or `signal` aborts before
   * there is one. The lease is on record before this resolves, so a call that a crash hides is known of. With the
   * lease of a message that needs a grant, one is reserved if the books hold any.
   */
  receive(options: ReceiveOptions): Promise<readonly Delivery[]>

  /**
   * Puts on record that the call is about to be made. Only messages of a channel that must not be repeated in
   * doubt need it: until then, losing their lease leaves no doubt, so a crash does not turn what was merely held
   * into `unknown`. `'expired'`: the lease is no longer the current one; do not call.
   */
  begin(delivery: Delivery): Promise<'begun' | 'expired'>

  /** Records what became of a delivery. `'expired'`: the lease is no longer the current one; nothing changed. */
  settle(delivery: Delivery, settlement: Settlement): Promise<'settled' | 'expired'>

  /**
   * Makes the messages that are parked for this condition ready at once; answers how many there were. For what it
   * takes to be parked for a condition see `Outcome`.
   */
  release(condition: string): Promise<number>

  /** Stops a message that is not on lease and not final. */
  cancel(target: { readonly tenant: string; readonly id: MessageId }): Promise<Cancellation>

  depth(): Promise<Depth>

  /** Finishes what was asked, then lets go. Deliveries still leased return to the queue by themselves. */
  close(): Promise<void>
}

export type Publication =
  | { readonly kind: 'accepted' }
  /** The tenant has sent this very message before, under the same key. */
  | { readonly kind: 'duplicate'; readonly id: MessageId; readonly state: State }
  /** The tenant has used this key for another message. */
  | { readonly kind: 'conflict'; readonly id: MessageId }

export interface ReceiveOptions {
  readonly max: number
  readonly waitMs: number
  readonly signal?: AbortSignal
}

/** A message on lease: its holder alone may send it, until `leaseUntil`. */
export interface Delivery {
  readonly message: DeliveredMessage
  /** Counts the leases of this message from 1. It is the fence: only the latest one can settle. */
  readonly number: number
  /** Attempts that count against the retry policy. Deliveries lost by our own crashes do not. */
  readonly tries: number
  readonly leasedAt: number
  readonly leaseUntil: number
  /** Start of the earliest earlier lease during which WeChat may have taken the message. */
  readonly doubtSince?: number
  /** Of a message that needs a grant: what was reserved for it with the lease. */
  readonly grant?: Reservation
  /** The engine's own handle of the message. */
  readonly handle: number | string
}

/** What sending needs of a message. */
export type DeliveredMessage = Pick<
  Message,
  | 'id'
  | 'tenant'
  | 'account'
  | 'channel'
  | 'lane'
  | 'touser'
  | 'templateId'
  | 'body'
  | 'acceptedAt'
  | 'expiresAt'
>

export type Cancellation =
  | { readonly kind: 'cancelled'; readonly state: 'cancelled' | 'unknown' }
  /** A worker has it in hand: what WeChat says will decide. */
  | { readonly kind: 'in-flight' }
  | { readonly kind: 'final'; readonly state: State }
  | { readonly kind: 'missing' }

/** How much is waiting. Ages come from `oldestReadyAt`, in milliseconds since 1970 UTC. */
export interface Depth {
  readonly lanes: Readonly<Record<Lane, { readonly ready: number; readonly oldestReadyAt?: number }>>
  /** Waiting for a later moment: scheduled, to be retried, parked. Includes what is on lease. */
  readonly later: number
}
