/**
 * The shapes of WeChat's events, and what each means to us. XML and JSON, wrapper or none, list or single entry:
 * all that was documented or seen comes to the same event.
 */
import { hash } from 'node:crypto'
import type { CallbackContent, CallbackEvent, Interaction } from '../callback-event.ts'
import { below, entriesOf, type Fields, textOf } from './callback-fields.ts'
import { subscribeReceipt, templateIdOf, templateReceipt } from './callback-receipt.ts'

/** The events of one push: one, except for a list of several receipts. None: what every push has is missing here. */
export const readEvents = (fields: Fields): readonly CallbackEvent[] => {
  const at = timeOf(fields)
  if (at === undefined) return []
  if (textOf(fields, 'InfoType') !== undefined) return platformEvents(fields, at)
  return textOf(fields, 'MsgType') === undefined ? [] : userEvents(fields, at)
}

const userEvents = (fields: Fields, at: number): readonly CallbackEvent[] => {
  const toUser = nameOf(fields, 'ToUserName')
  const openid = nameOf(fields, 'FromUserName')
  const contents = contentsOf(fields)
  // Only what we do nothing with may come from nobody.
  if (openid === '' && contents.some(({ kind }) => kind !== 'other')) return []
  return contents.map((content) => {
    const key = keyOf(openid, at, fields, content)
    return { toUser, openid, at, key, ...content }
  })
}

/** What a third-party platform is told. Each has an InfoType and no sender. */
const platformEvents = (fields: Fields, at: number): readonly CallbackEvent[] => {
  const content = platformContent(fields)
  const key = digest('platform', String(at), JSON.stringify(content))
  return [{ toUser: nameOf(fields, 'AppId'), openid: '', at, key, ...content }]
}

const platformContent = (fields: Fields): CallbackContent => {
  const infoType = textOf(fields, 'InfoType')!
  const ticket = textOf(fields, 'ComponentVerifyTicket')
  const appid = nameOf(fields, 'AuthorizerAppid')
  const code = textOf(fields, 'AuthorizationCode')
  if (infoType === 'component_verify_ticket' && ticket !== undefined)
    return { kind: 'component-ticket', ticket }
  if (appid !== '' && infoType === 'unauthorized') return { kind: 'unauthorized', appid }
  if (appid !== '' && code !== undefined && (infoType === 'authorized' || infoType === 'updateauthorized'))
    return { kind: 'authorized', appid, code, updated: infoType === 'updateauthorized' }
  return other(infoType)
}

const contentsOf = (fields: Fields): readonly CallbackContent[] => {
  const msgType = textOf(fields, 'MsgType')!
  if (msgType !== 'event')
    return [messageTypes.has(msgType) ? { kind: 'interaction', what: 'message' } : other(msgType)]
  const event = textOf(fields, 'Event')
  return event === undefined ? [other('event')] : contentsOfEvent(fields, event)
}

const contentsOfEvent = (fields: Fields, event: string): readonly CallbackContent[] => {
  switch (event) {
    case 'TEMPLATESENDJOBFINISH':
      return [templateReceipt(fields) ?? other(event)]
    case 'subscribe_msg_sent_event': {
      const receipts = listOf(fields, 'SubscribeMsgSentEvent').flatMap(
        (entry) => subscribeReceipt(entry) ?? [],
      )
      return receipts.length > 0 ? receipts : [other(event)]
    }
    case 'subscribe_msg_popup_event':
      return [decisionsOf(fields, 'popup') ?? other(event)]
    case 'subscribe_msg_change_event':
      return [decisionsOf(fields, 'settings') ?? other(event)]
    case 'subscribe':
      return [{ kind: 'follow' }]
    case 'unsubscribe':
      return [{ kind: 'unfollow' }]
    default: {
      const what = interactions.get(event)
      return [what === undefined ? other(event) : { kind: 'interaction', what }]
    }
  }
}

/** What users send (documented); each is a message that may be answered. */
const messageTypes: ReadonlySet<string> = new Set([
  'text',
  'image',
  'voice',
  'video',
  'shortvideo',
  'location',
  'link',
  'miniprogrampage',
])

const interactions: ReadonlyMap<string, Interaction> = new Map([
  ['CLICK', 'menu'],
  ['VIEW', 'menu'],
  ['view_miniprogram', 'menu'],
  ['SCAN', 'scan'],
  ['user_enter_tempsession', 'session'],
])

const longestName = 100

const other = (event: string): CallbackContent => ({
  kind: 'other',
  event: event.slice(0, longestName).toWellFormed(),
})

/**
 * The list of a subscription event. In XML it has a wrapper, in JSON none, or the wrapper of XML (seen in the
 * field); and an old sample of the documentation shows the popup's wrapper around changes.
 */
const listOf = (fields: Fields, wrapper: string): readonly Fields[] => {
  const at = below(fields, wrapper) ?? below(fields, 'SubscribeMsgPopupEvent') ?? fields
  return entriesOf(at, 'List')
}

const wrappers = { popup: 'SubscribeMsgPopupEvent', settings: 'SubscribeMsgChangeEvent' } as const

const decisionsOf = (fields: Fields, origin: keyof typeof wrappers): CallbackContent | undefined => {
  const decisions = listOf(fields, wrappers[origin]).flatMap((entry) => {
    const templateId = templateIdOf(entry)
    const status = textOf(entry, 'SubscribeStatusString')
    if (templateId === undefined || (status !== 'accept' && status !== 'reject')) return []
    const accepted = status === 'accept'
    // The settings tell refusals only (documented): what gives a permission there is not to be believed.
    return accepted && origin === 'settings' ? [] : [{ templateId, accepted }]
  })
  return decisions.length > 0 ? { kind: 'grants', origin, decisions } : undefined
}

/** An openid, an appid or an original id; empty for what cannot be one. */
const nameOf = (fields: Fields, name: string): string => {
  const text = textOf(fields, name)
  return text !== undefined && /^[\w-]{1,64}$/.test(text) ? text : ''
}

const timeOf = (fields: Fields): number | undefined => {
  const seconds = textOf(fields, 'CreateTime')
  return seconds !== undefined && /^[1-9]\d{0,10}$/.test(seconds) ? Number(seconds) * 1000 : undefined
}

/**
 * WeChat pushes up to three times. A message is recognised by its MsgId, an event by sender and time (documented),
 * and because one user may get two results in a second, by what it says as well (our inference).
 */
const keyOf = (openid: string, at: number, fields: Fields, content: CallbackContent): string => {
  const msgid = textOf(fields, 'MsgId', 'MsgID')
  if (textOf(fields, 'MsgType') !== 'event' && msgid !== undefined) return digest('message', msgid)
  const marks = ['Event', 'EventKey'].map((name) => textOf(fields, name) ?? '')
  return digest('event', openid, String(at), ...marks, JSON.stringify(content))
}

/** Of one length, however long the parts are. */
const digest = (...parts: readonly string[]): string => hash('sha256', JSON.stringify(parts), 'base64url')
