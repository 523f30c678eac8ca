import type { GrantKind } from '../grants.ts'

/**
 * Whose account it is: an official account (公众号), a mini program (小程序), a webhook of the tenant's own, or a
 * third-party platform (第三方平台), which sends nothing itself and gives tokens to the accounts it looks after.
 */
export const accountKinds = ['official', 'miniprogram', 'webhook', 'component'] as const
export type AccountKind = (typeof accountKinds)[number]

/** One way of sending, as data. Each stands in a file of its own, with the facts of WeChat that it rests on. */
export interface ChannelTraits {
  /** Path of the API that sends: quotas and pauses of WeChat are per account and path. Empty: not an API of WeChat. */
  readonly path: string
  /** Which kinds of account may use it. */
  readonly accountKinds: readonly AccountKind[]
  /**
   * What may be done when the message may have been taken without our knowing.
   * `within-window`: a repeat is recognised by its key for about ten minutes, so repeat, but stop well before.
   * `never`: there is no such key; wait for a receipt if there are any, then say `unknown`.
   */
  readonly repeatInDoubt: 'within-window' | 'never'
  /** What the body of a success carries: always a msgid, one that is not documented but seen, or nothing. */
  readonly success: 'msgid' | 'perhaps-msgid' | 'nothing'
  /** The event that tells later what became of it; nothing: there are none. */
  readonly receipt?: 'TEMPLATESENDJOBFINISH' | 'subscribe_msg_sent_event'
  /** Which permission of the recipient a message uses up; nothing: it needs none that can be counted. */
  readonly grant?: GrantKind
  /** Whether WeChat refuses a second call to one openid while the first is under way (43108). */
  readonly oneCallPerRecipient: boolean
  /** Fields of a message that only some channels know, and this one does. */
  readonly fields: readonly ContentField[]
  /** Whether a message has a template and its data. */
  readonly hasTemplate: boolean
  /** What is wrong with a message of this channel that no schema can tell; nothing when all is well. */
  fault?(content: Content): ContentFault | undefined
  /** What is sent, as a value for JSON. Field names are the receiver's. */
  body(content: Content, identity: Identity): object
}

/** Where, in a message as its caller wrote it, and what. */
export interface ContentFault {
  /** JSON pointer. */
  readonly pointer: string
  readonly message: string
}

/** The kinds of customer message; what one says stands in a field of the same name. */
export const customerMessageTypes = [
  'text',
  'image',
  'voice',
  'video',
  'music',
  'news',
  'mpnews',
  'mpnewsarticle',
  'msgmenu',
  'wxcard',
  'miniprogrampage',
  'link',
] as const
export type CustomerMessageType = (typeof customerMessageTypes)[number]

type CustomerPayloads = { readonly [type in CustomerMessageType]?: Readonly<Record<string, unknown>> }

/** What a message says, as its caller wrote it, checked for its shape. Field names are WeChat's. */
export interface Content extends CustomerPayloads {
  readonly touser: string
  readonly url?: string
  readonly miniprogram?: { readonly appid: string; readonly pagepath?: string }
  readonly page?: string
  readonly miniprogram_state?: 'developer' | 'trial' | 'formal'
  readonly lang?: 'zh_CN' | 'en_US' | 'zh_HK' | 'zh_TW'
  readonly scene?: number
  readonly title?: string
  readonly form_id?: string
  readonly emphasis_keyword?: string
  readonly msgtype?: CustomerMessageType
  readonly customservice?: { readonly kf_account: string }
}

export type ContentField = Exclude<keyof Content, 'touser'>

/** What the message is called, and the data of its template. */
export interface Identity {
  readonly templateId: string
  readonly data: Readonly<Record<string, { readonly value: string }>>
  /** The key by which a repeat is recognised where that is possible. */
  readonly clientMsgId: string
}
