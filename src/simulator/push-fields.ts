/** What a push says, name by name, before it is written as XML or JSON. */
import type { Decision, Happening, PlatformHappening, Receipt, UserHappening } from './happening.ts'
import type { CallbackTarget } from './push-target.ts'

/** A text, a number that is written as one, further fields, or a list of such. */
export type PushValue = string | bigint | PushFields | readonly PushFields[]

export interface PushFields {
  readonly [name: string]: PushValue
}

export type PushFormat = Pick<CallbackTarget, 'format' | 'jsonWrapper'>

export interface UserEvent {
  readonly appid: string
  readonly touser: string
  /** Milliseconds, simulated. */
  readonly at: number
  readonly what: UserHappening | Receipt
  /** For what needs an id of its own. */
  readonly newMsgid: () => string
}

/** Of an event or a message of a user's. */
export const userFields = (event: UserEvent, format: PushFormat): PushFields => {
  const { appid, touser, at, what } = event
  const seconds = BigInt(Math.floor(at / 1000))
  const isList = what.kind === 'popup' || what.kind === 'change' || what.kind === 'sent'
  return {
    ToUserName: originalId(appid),
    FromUserName: touser,
    // In the JSON of the subscription events every value is a text (D).
    CreateTime: isList && format.format === 'json' ? String(seconds) : seconds,
    ...(what.kind === 'message'
      ? { MsgType: 'text', Content: what.text, MsgId: BigInt(event.newMsgid()) }
      : { MsgType: 'event', ...eventFields(what, format) }),
  }
}

/** `gh_…`, which nothing but pushes ever show. */
export const originalId = (appid: string): string => `gh_${appid.slice(-12)}`

type Event = Exclude<UserHappening, { kind: 'message' }> | Receipt

const eventFields = (what: Event, format: PushFormat): PushFields => {
  switch (what.kind) {
    case 'job-finished':
      return { Event: 'TEMPLATESENDJOBFINISH', MsgID: BigInt(what.msgid), Status: what.status }
    case 'sent':
      return {
        Event: 'subscribe_msg_sent_event',
        ...listed('SubscribeMsgSentEvent', [sentEntry(what)], format),
      }
    case 'popup': {
      const entries = what.decisions.map(popupEntry)
      return { Event: 'subscribe_msg_popup_event', ...listed('SubscribeMsgPopupEvent', entries, format) }
    }
    case 'change': {
      const entries = what.refused.map((templateId) => answerEntry({ templateId, accepted: false }))
      return { Event: 'subscribe_msg_change_event', ...listed('SubscribeMsgChangeEvent', entries, format) }
    }
    case 'follow':
      return what.scene === undefined
        ? { Event: 'subscribe', EventKey: '' }
        : { Event: 'subscribe', EventKey: `qrscene_${what.scene}`, Ticket: `ticket-of-${what.scene}` }
    case 'unfollow':
      return { Event: 'unsubscribe', EventKey: '' }
    case 'click':
      return { Event: 'CLICK', EventKey: what.key }
    case 'view':
      return { Event: 'VIEW', EventKey: what.key }
    case 'scan':
      return { Event: 'SCAN', EventKey: what.key, Ticket: `ticket-of-${what.key}` }
    case 'session':
      return { Event: 'user_enter_tempsession', SessionFrom: 'wxapp' }
  }
}

const answerEntry = ({ templateId, accepted }: Decision): PushFields => ({
  TemplateId: templateId,
  SubscribeStatusString: accepted ? 'accept' : 'reject',
})

const popupEntry = (decision: Decision): PushFields => ({ ...answerEntry(decision), PopupScene: 0n })

const sentEntry = (sent: Extract<Receipt, { kind: 'sent' }>): PushFields => ({
  TemplateId: sent.templateId,
  MsgID: BigInt(sent.msgid),
  ErrorCode: BigInt(sent.errorCode),
  ErrorStatus: sent.errorStatus,
})

/** XML wraps the list, JSON has it at the top (D), or wrapped too (C). */
const listed = (wrapper: string, entries: readonly PushFields[], format: PushFormat): PushFields => {
  if (format.format === 'xml') return { [wrapper]: { List: entries } }
  const List = entries.map(asTexts)
  return format.jsonWrapper ? { [wrapper]: { List } } : { List }
}

const asTexts = (entry: PushFields): PushFields =>
  Object.fromEntries(Object.entries(entry).map(([name, value]) => [name, String(value)]))

/** Of an event of a third-party platform. */
export const platformFields = (what: Extract<Happening, PlatformHappening>, at: number): PushFields => ({
  AppId: what.appid,
  CreateTime: BigInt(Math.floor(at / 1000)),
  InfoType: what.kind === 'ticket' ? 'component_verify_ticket' : what.kind,
  ...(what.kind === 'ticket'
    ? { ComponentVerifyTicket: what.ticket }
    : { AuthorizerAppid: what.authoriser, ...(what.kind !== 'unauthorized' && codeFields(what.code, at)) }),
})

const codeLifeMs = 3_600_000

const codeFields = (code: string, at: number): PushFields => ({
  AuthorizationCode: code,
  AuthorizationCodeExpiredTime: BigInt(Math.floor((at + codeLifeMs) / 1000)),
  PreAuthCode: `preauth-${code}`,
})
