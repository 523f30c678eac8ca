import type { ReceiptResult } from './callback-event.ts'
import type { Grant, GrantChange, GrantHolder } from './grants.ts'
import type { MessageId, State } from './message.ts'

/**
 * What is known of the people that messages go to: their permissions, whether they can be reached, and what they got.
 * It comes from WeChat's events, from reports of the tenant's own pages, and by hand.
 */
export interface Recipients {
  /**
   * Takes note. Resolves once all of it is on stable storage, in one step: either all of it happened or nothing.
   * After a rejection it is in doubt: take the same note again, its keys keep it from counting twice.
   */
  note(note: Note): Promise<Noted>

  /** The permissions that the books hold, those used up included; of one template, or of all. */
  grants(
    holder: Omit<GrantHolder, 'templateId'> & { readonly templateId?: string },
  ): Promise<readonly Grant[]>

  contact(who: Pick<GrantHolder, 'account' | 'touser'>): Promise<Contact | undefined>
}

export interface Note {
  readonly account: string
  /**
   * What makes it this note and no other: when any of the keys has been seen in this account within the hour, nothing
   * happens. Empty where taking it twice does no harm.
   */
  readonly keys: readonly string[]
  readonly grants: readonly GrantChange[]
  readonly contact?: ContactChange
  readonly receipt?: Receipt
}

export type Noted =
  | { readonly kind: 'repeated' }
  | {
      readonly kind: 'taken'
      /** The message that a receipt sharpened, and what it is now. */
      readonly sharpened?: { readonly id: MessageId; readonly state: State }
      /** Messages that had been parked for want of one of these grants, and are ready now. */
      readonly released: number
    }

/** News of one person. What is older than what is known changes nothing. */
export interface ContactChange {
  readonly touser: string
  /** Milliseconds since 1970 UTC. */
  readonly at: number
  readonly following?: boolean
  readonly interacted?: true
}

/** What is known of one person. Times are milliseconds since 1970 UTC. */
export interface Contact {
  readonly account: string
  readonly touser: string
  /** Nothing: not known. */
  readonly following?: boolean
  readonly followingSince?: number
  readonly interactedAt?: number
}

/**
 * What WeChat says became of a message it had accepted. It sharpens `sent` and `unknown`, once, and changes no other
 * final state. Its message is found by `msgid`; without one, as the earliest of that person (and template, where
 * it is named) that is sent and waits for a receipt. One whose message cannot be found is kept for a day: it may have
 * come before the answer to the call.
 */
export interface Receipt {
  readonly touser: string
  readonly channel: 'template' | 'subscribe'
  readonly msgid?: string
  readonly templateId?: string
  /** When WeChat says it happened: whole seconds, as milliseconds since 1970 UTC. */
  readonly at: number
  readonly result: ReceiptResult
  /**
   * Whether WeChat has signed all of it. Then a receipt with a msgid we do not know also settles the one message in
   * doubt that it can belong to.
   */
  readonly authentic: boolean
}

/** How long a receipt without a message is kept. */
export const strayReceiptMs = 24 * 3_600_000

/** How long the keys of a note are remembered. */
export const noteKeyMs = 3_600_000

/** How much earlier than its message's own times a receipt may claim to be: WeChat cuts to seconds, clocks differ. */
export const receiptSlackMs = 5000

/** A receipt without a msgid comes within this time of its message. */
export const receiptReachMs = 10 * 60_000
