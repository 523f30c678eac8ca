/**
 * Reads what WeChat pushes: the check of the address, and events. Pure: the time and the account are arguments.
 *
 * The order of checks is the point. Size and the signature in the address come first and need no parser; then the
 * envelope is parsed, its ciphertext verified and opened; then the message is parsed. Whatever fails among
 * signatures, ciphertext and appid gets one and the same answer, so that nobody can learn from it which it was.
 *
 * In plain mode WeChat signs the address only, not the body (documented): such an event is a hint and no more.
 */
import type { CallbackAccount, CallbackReading, CallbackRefused } from '../callback-event.ts'
import type { CallbackSettings } from '../directory.ts'
import { callbackSignature, decryptMessage, messageKeyOf, sameSignature } from '../message-crypto.ts'
import { readEvents } from './callback-content.ts'
import { type Fields, type FieldsFault, textOf } from './callback-fields.ts'
import { readBytes, readFields } from './callback-text.ts'

/** As the server parsed it. A parameter that stands there twice is none. */
type Query = Readonly<Record<string, unknown>>

export interface CallbackRequest {
  readonly account: CallbackAccount
  readonly query: Query
  /** As it came. More than `longestCallback` bytes need not be read. */
  readonly body: Uint8Array
  /** Milliseconds since 1970 UTC. */
  readonly now: number
}

export interface Refused extends CallbackRefused {
  readonly code: 'callback-refused' | 'callback-too-large' | FieldsFault | 'fields-missing'
  readonly alarm?: CallbackAlarm
}

/**
 * `downgraded` an account whose console says compat or safe got an unencrypted push · `encrypted` an account in
 * plain mode got an encrypted one · `not-ours` the token fits, but no key opens the message, or its appid is another
 */
export type CallbackAlarm = 'downgraded' | 'encrypted' | 'not-ours'

/** In bytes. */
export const longestCallback = 65_536

/** How far the time in an address may be from ours. */
const windowMs = 300_000

/** Of the GET by which WeChat checks an address: answer the echo as `text/plain` and nothing else. */
export const checkUrl = ({ settings, query }: UrlCheck): { kind: 'echo'; echostr: string } | Refused => {
  const echostr = parameter(query, 'echostr')
  // WeCom, another product, encrypts its echo; WeChat never does.
  if (echostr === undefined || query.msg_signature !== undefined) return refused
  return isSigned(settings, query) ? { kind: 'echo', echostr } : refused
}

export interface UrlCheck {
  readonly settings: CallbackSettings
  readonly query: Query
}

/** Of the POST. It never throws. */
export const readCallback = (request: CallbackRequest): CallbackReading => {
  const { account, query, body } = request
  if (body.length > longestCallback) return tooLarge
  if (!isSigned(account.callback, query)) return refused
  const envelope = readBytes(body)
  if ('fault' in envelope) return unreadable(envelope.fault)
  return account.callback.mode === 'plain'
    ? readPlain(request, envelope.fields)
    : readSealed(request, envelope.fields)
}

const refused: Refused = { kind: 'refused', status: 403, code: 'callback-refused' }
const tooLarge: Refused = { kind: 'refused', status: 413, code: 'callback-too-large' }
const unreadable = (code: FieldsFault | 'fields-missing'): Refused => ({ kind: 'refused', status: 400, code })

/** In compat mode the fields are there in clear as well: that is what it is for. */
const readPlain = (request: CallbackRequest, fields: Fields): CallbackReading => {
  const isClear = textOf(fields, 'MsgType', 'InfoType') !== undefined
  if (!isClear && textOf(fields, 'Encrypt') !== undefined) return { ...refused, alarm: 'encrypted' }
  return eventOf(request, fields, false)
}

/** Only what was encrypted counts, whatever stands beside it in clear. */
const readSealed = (request: CallbackRequest, envelope: Fields): CallbackReading => {
  const { account, query } = request
  const ciphertext = textOf(envelope, 'Encrypt')
  if (ciphertext === undefined || query.encrypt_type !== 'aes') return { ...refused, alarm: 'downgraded' }
  if (!isSigned(account.callback, query, ciphertext)) return refused
  const message = openedMessage(account, ciphertext)
  if (message === undefined) return { ...refused, alarm: 'not-ours' }
  if (isStale(request)) return stale
  const reading = readFields(message)
  return 'fault' in reading ? unreadable(reading.fault) : eventOf(request, reading.fields, true)
}

const stale: CallbackReading = { kind: 'ignored', why: 'stale' }

const eventOf = (request: CallbackRequest, fields: Fields, authentic: boolean): CallbackReading => {
  if (isStale(request)) return stale
  const [event, ...more] = readEvents(fields)
  return event === undefined ? unreadable('fields-missing') : { kind: 'event', event, more, authentic }
}

/** Every key is tried, so that time does not tell which of them fits. */
const openedMessage = (
  { appid, callback, componentAppid }: CallbackAccount,
  ciphertext: string,
): string | undefined => {
  const opened = callback.aesKeys.map((text) => {
    const key = messageKeyOf(text)
    return key && decryptMessage(key, ciphertext)
  })
  return opened.find((plain) => plain?.appid === (componentAppid ?? appid))?.message
}

/** Whether the address bears the signature of its parameters, or, with a ciphertext, of that as well. */
const isSigned = ({ token }: CallbackSettings, query: Query, ciphertext?: string): boolean => {
  const timestamp = parameter(query, 'timestamp')
  const nonce = parameter(query, 'nonce')
  const given = parameter(query, ciphertext === undefined ? 'signature' : 'msg_signature')
  if (timestamp === undefined || nonce === undefined || given === undefined) return false
  // With an empty token everybody could sign.
  if (token === '') return false
  const parts = [token, timestamp, nonce, ...(ciphertext === undefined ? [] : [ciphertext])]
  return sameSignature(callbackSignature(...parts), given)
}

/** Too old to be one of WeChat's three attempts, or from a future that its clock cannot know. */
const isStale = ({ query, now }: CallbackRequest): boolean => {
  const seconds = parameter(query, 'timestamp') ?? ''
  return !/^\d{1,11}$/.test(seconds) || Math.abs(now - Number(seconds) * 1000) > windowMs
}

const longestParameter = 1024

const parameter = (query: Query, name: string): string | undefined => {
  const value = query[name]
  return typeof value === 'string' && value !== '' && value.length <= longestParameter ? value : undefined
}
