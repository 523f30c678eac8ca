/** What users and platforms do in the simulated WeChat, beyond what a call to its API answers. */

/** Each becomes an event, or a message, that is pushed to whoever has asked for it. */
export type Happening =
  | (UserHappening & { readonly appid: string; readonly touser: string })
  | (PlatformHappening & { readonly appid: string })

export type UserHappening =
  /** `scene`: the QR code was scanned that leads here. */
  | { readonly kind: 'follow'; readonly scene?: string }
  | { readonly kind: 'unfollow' }
  /** The popup that asks for permissions was answered. */
  | { readonly kind: 'popup'; readonly decisions: readonly Decision[] }
  /** Permissions were withdrawn in the settings; that some were given again is not told (D). */
  | { readonly kind: 'change'; readonly refused: readonly string[] }
  | { readonly kind: 'message'; readonly text: string }
  | { readonly kind: 'click' | 'view' | 'scan'; readonly key: string }
  /** Went into the customer session of a mini program. */
  | { readonly kind: 'session' }

export interface Decision {
  readonly templateId: string
  readonly accepted: boolean
}

/** Of a third-party platform, whose appid it bears; `authoriser` is the account that did something. */
export type PlatformHappening =
  | { readonly kind: 'ticket'; readonly ticket: string }
  | { readonly kind: 'authorized' | 'updateauthorized'; readonly authoriser: string; readonly code: string }
  | { readonly kind: 'unauthorized'; readonly authoriser: string }

/** What becomes of an accepted message in the end. */
export type Receipt =
  | { readonly kind: 'job-finished'; readonly msgid: string; readonly status: string }
  | {
      readonly kind: 'sent'
      readonly templateId: string
      readonly msgid: string
      readonly errorCode: number
      readonly errorStatus: string
    }
