/** What WeChat tells us by itself, as we understand it. */

/** An event or a message of a user's. Times are milliseconds since 1970 UTC. */
export type CallbackEvent = {
  /** Whose it is in WeChat's words (`gh_…`), if it says so. */
  readonly toUser: string
  /** The openid of the user it is about; empty for an event of the platform itself. */
  readonly openid: string
  /** When it happened, as WeChat says; whole seconds. */
  readonly at: number
  /** The same for every repeat of one event, and for no other event of the account. */
  readonly key: string
} & CallbackContent

export type CallbackContent =
  /** What became of a message; `msgid` is missing where WeChat wrote 0. */
  | {
      readonly kind: 'receipt'
      readonly channel: 'template' | 'subscribe'
      readonly msgid?: string
      /** Only a subscribe message's receipt names it. */
      readonly templateId?: string
      readonly result: ReceiptResult
    }
  /** A user gave or refused permissions: in a popup, or later in the settings, where only refusals are told. */
  | {
      readonly kind: 'grants'
      readonly origin: 'popup' | 'settings'
      readonly decisions: readonly { readonly templateId: string; readonly accepted: boolean }[]
    }
  | { readonly kind: 'follow' }
  | { readonly kind: 'unfollow' }
  /** The user did something that opens a window for customer messages. */
  | { readonly kind: 'interaction'; readonly what: Interaction }
  /** For third-party platforms. */
  | { readonly kind: 'component-ticket'; readonly ticket: string }
  | { readonly kind: 'authorized'; readonly appid: string; readonly code: string; readonly updated: boolean }
  | { readonly kind: 'unauthorized'; readonly appid: string }
  /** Anything else; named for the records. */
  | { readonly kind: 'other'; readonly event: string }

export type Interaction = 'message' | 'menu' | 'scan' | 'session'

/** `reason` is WeChat's: `user block`, `system failed`, `errcode-43101`. */
export type ReceiptResult =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'undelivered'; readonly reason: string }
