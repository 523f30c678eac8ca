/**
 * A body as WeChat takes it, turned into a message as we take it. What WeChat minds is refused with its errcode. What
 * its clients send without meaning anything by it is dropped: nulls, empty texts, fields that nobody knows, colours.
 */
import { customerMessageTypes } from '../channels/channel.ts'
import { payloadFields } from '../channels/customer.ts'
import { type ContentField, channelTraits } from '../channels.ts'
import type { Account } from '../directory.ts'
import { fieldType } from '../fields.ts'
import type { Channel } from '../message.ts'
import { dataRefusal } from './facade-errcodes.ts'
import { Refusal } from './facade-reply.ts'

type Body = Readonly<Record<string, unknown>>

export interface FacadeInput {
  /** For `acceptMessage`, which looks at everything that is not WeChat's alone. */
  readonly input: Body
  /** The caller's key, of any characters but control characters. */
  readonly clientMsgId: string | undefined
}

const longestClientMsgId = 128

/** Throws a `Refusal`. */
export const facadeInput = (value: unknown, account: Account, channel: Channel): FacadeInput => {
  if (!isObject(value)) throw new Refusal(47001)
  const { hasTemplate, fields } = channelTraits[channel]
  if (isBlank(value.touser)) throw new Refusal(41009)
  const input: Record<string, unknown> = { account: account.appid, channel, touser: value.touser }
  if (hasTemplate) {
    if (isBlank(value.template_id)) throw new Refusal(40037)
    input.template_id = value.template_id
    input.data = dataOf(value.data)
  }
  for (const field of fields) {
    const given = contentOf(field, value)
    if (!isBlank(given)) input[field] = given
  }
  return { input, clientMsgId: clientMsgIdOf(value.client_msg_id) }
}

const isObject = (value: unknown): value is Body =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** As good as not there. */
const isBlank = (value: unknown): boolean => value === undefined || value === null || value === ''

/**
 * The data of a template. Only texts and numbers under `value` count. An empty value of a typed key is refused; of a
 * key of a historical template it means an empty line, which is what the template shows for a key that is not there.
 */
const dataOf = (data: unknown): Body => {
  if (!isObject(data)) throw dataRefusal(undefined, 'invalid')
  const result: Record<string, unknown> = Object.create(null)
  for (const [key, item] of Object.entries(data)) {
    const value = isObject(item) ? item.value : undefined
    if (!isBlank(value)) result[key] = { value: typeof value === 'boolean' ? String(value) : value }
    else if (needsValue(key)) throw dataRefusal(key, 'is empty')
  }
  return result
}

const needsValue = (key: string): boolean => ![undefined, 'const'].includes(fieldType(key))

const contentOf = (field: ContentField, body: Body): unknown => {
  switch (field) {
    case 'miniprogram':
      return miniprogramOf(body.miniprogram)
    case 'scene':
      return sceneOf(body.scene)
    case 'customservice':
      return customserviceOf(body.customservice)
    default:
      return isPayload(field) ? payloadOf(field, body) : body[field]
  }
}

/** Some clients always send one, empty when there is none, and the elder of them name the path `path`. */
const miniprogramOf = (given: unknown): unknown => {
  if (!isObject(given)) return given
  const { appid, pagepath = given.path } = given
  if (isBlank(appid) && isBlank(pagepath)) return undefined
  if (typeof appid !== 'string' || appid === '') throw new Refusal(40166)
  return isBlank(pagepath) ? { appid } : { appid, pagepath }
}

/** A number, or one written as a text (documented: both). */
const sceneOf = (given: unknown): unknown =>
  typeof given === 'string' && /^\d{1,5}$/.test(given) ? Number(given) : given

const customserviceOf = (given: unknown): unknown => {
  if (!isObject(given) || isBlank(given.kf_account)) return undefined
  return { kf_account: given.kf_account }
}

const isPayload = (field: ContentField): field is (typeof customerMessageTypes)[number] =>
  (customerMessageTypes as readonly string[]).includes(field)

/** What stands under the msgtype; what stands under others is not looked at. */
const payloadOf = (type: (typeof customerMessageTypes)[number], body: Body): unknown => {
  const payload = body[type]
  if (body.msgtype !== type || !isObject(payload)) return undefined
  const known = payloadFields(type).filter((name) => payload[name] !== undefined && payload[name] !== null)
  return Object.fromEntries(known.map((name) => [name, payload[name]]))
}

const clientMsgIdOf = (given: unknown): string | undefined => {
  if (isBlank(given)) return undefined
  const text = typeof given === 'number' ? String(given) : given
  if (typeof text !== 'string' || /\p{Cc}/u.test(text)) throw new Refusal(40097)
  if (text.length > longestClientMsgId) throw new Refusal(45067)
  return text
}
