/** What WeChat tells us by itself, as we understand it. */
import type { CallbackSettings } from './directory.ts'

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

/** Understands what WeChat pushes. Pure: it never throws and keeps nothing. */
export interface CallbackReader {
  /** Of the GET by which WeChat checks an address: what to echo as plain text. */
  checkUrl(check: {
    readonly settings: CallbackSettings
    readonly query: Readonly<Record<string, unknown>>
  }): { readonly kind: 'echo'; readonly echostr: string } | CallbackRefused
  readCallback(request: {
    readonly account: CallbackAccount
    readonly query: Readonly<Record<string, unknown>>
    readonly body: Uint8Array
    readonly now: number
  }): CallbackReading
}

export interface CallbackAccount {
  readonly appid: string
  readonly callback: CallbackSettings
  /** Of an account that has authorised a third-party platform: its events are encrypted for the platform. */
  readonly componentAppid?: string
}

export type CallbackReading =
  | {
      readonly kind: 'event'
      readonly event: CallbackEvent
      /** Further receipts of the same push; nearly always none. */
      readonly more: readonly CallbackEvent[]
      /** Whether WeChat signed what it says. If not, in plain mode, whoever saw one address can have written it. */
      readonly authentic: boolean
    }
  /** To be answered with 200 and `success`, and to have no effect. */
  | { readonly kind: 'ignored'; readonly why: 'stale' }
  | CallbackRefused

export interface CallbackRefused {
  readonly kind: 'refused'
  readonly status: 400 | 403 | 413
  readonly code: string
  /** What the operator should know at once; for us, never for the caller. */
  readonly alarm?: string
}
