/** Writes and seals a push in the six forms there are: plain, compat and safe mode, as XML and as JSON. */
import { callbackSignature, encryptMessage, messageKeyOf } from '../message-crypto.ts'
import type { PushFields, PushValue } from './push-fields.ts'
import type { CallbackTarget } from './push-target.ts'
import type { Random } from './random.ts'

export interface PushRequest {
  readonly url: string
  readonly contentType: string
  readonly body: string
}

export interface Sealing {
  readonly target: CallbackTarget
  /** Whose push it is. */
  readonly appid: string
  /** Real seconds since 1970: when a push is made is no matter of the simulated clock, as its network is not. */
  readonly timestamp: number
  readonly random: Random
}

export const pushRequest = (fields: PushFields, sealing: Sealing): PushRequest => {
  const { target } = sealing
  const { token, mode, format } = target
  const { query, timestamp, nonce } = signedQuery(sealing)
  if (typeof fields.FromUserName === 'string') query.set('openid', fields.FromUserName)
  const contentType = format === 'xml' ? 'text/xml' : 'application/json'
  const request = (body: PushFields) => ({
    url: withQuery(target.url, query),
    contentType,
    body: written(body, target),
  })
  if (mode === 'plain') return request(fields)
  const Encrypt = sealed(written(fields, target), sealing)
  query.set('encrypt_type', 'aes')
  query.set('msg_signature', callbackSignature(token, timestamp, nonce, Encrypt))
  return request({ ...(mode === 'compat' ? fields : addressee(fields)), Encrypt })
}

/** Of the GET by which WeChat checks an address, for an answer that repeats `echostr`. */
export const verificationUrl = (sealing: Sealing, echostr: string): string => {
  const { query } = signedQuery(sealing)
  query.set('echostr', echostr)
  return withQuery(sealing.target.url, query)
}

const signedQuery = ({ target, timestamp: seconds, random }: Sealing) => {
  const timestamp = String(seconds)
  const nonce = String(Math.floor(random.next() * 4_294_967_296))
  const signature = callbackSignature(target.token, timestamp, nonce)
  return { query: new URLSearchParams({ signature, timestamp, nonce }), timestamp, nonce }
}

const withQuery = (url: string, query: URLSearchParams): string =>
  `${url}${url.includes('?') ? '&' : '?'}${query}`

/** All that stands beside the ciphertext in safe mode. */
const addressee = ({ ToUserName, AppId }: PushFields): PushFields =>
  ToUserName === undefined ? { AppId: AppId ?? '' } : { ToUserName }

const sealed = (message: string, { target, appid, random }: Sealing): string => {
  const key = messageKeyOf(target.aesKey ?? '')
  if (key === undefined) throw new Error('no key to encrypt a push with')
  const salt = Uint8Array.from({ length: 16 }, () => Math.floor(random.next() * 256))
  return encryptMessage(key, { message, appid: target.componentAppid ?? appid }, salt)
}

const written = (fields: PushFields, { format, singleList }: CallbackTarget): string =>
  format === 'xml' ? `<xml>${xml(fields)}</xml>` : json(fields, singleList ?? 'object')

const xml = (fields: PushFields): string =>
  Object.entries(fields)
    .flatMap(([name, value]) =>
      (isList(value) ? value : [value]).map((each) => `<${name}>${xmlValue(each)}</${name}>`),
    )
    .join('\n')

const xmlValue = (value: Exclude<PushValue, readonly PushFields[]>): string => {
  if (typeof value === 'bigint') return String(value)
  return typeof value === 'string' ? `<![CDATA[${value.replaceAll(']]>', ']]]]><![CDATA[>')}]]>` : xml(value)
}

/** By hand, because a number may be larger than JavaScript's. */
const json = (value: PushValue, single: 'object' | 'array'): string => {
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'string') return JSON.stringify(value)
  if (isList(value)) {
    const entries = value.map((entry) => json(entry, single))
    return entries.length === 1 && single === 'object' ? entries[0]! : `[${entries.join()}]`
  }
  return `{${Object.entries(value)
    .map(([name, each]) => `${JSON.stringify(name)}:${json(each, single)}`)
    .join()}}`
}

const isList = (value: PushValue): value is readonly PushFields[] => Array.isArray(value)
