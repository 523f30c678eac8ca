/** From what a caller wrote to a message that can be queued: everything that can be known at the door is checked here. */
import { hash, randomUUIDv7 } from 'node:crypto'
import { channelTraits, defaultChannel } from '../channels.ts'
import { type Account, type Directory, templateIdOf } from '../directory.ts'
import { checkField, type FieldReason, fieldRules, fieldType } from '../fields.ts'
import {
  type Channel,
  callerKey,
  type Idempotency,
  type Message,
  messageIdOf,
  wechatClientMsgId,
} from '../message.ts'
import { Problem, type ProblemCode } from './problems.ts'
import { MessageInput } from './schemas.ts'
import { validator } from './validate.ts'

export interface AcceptOptions {
  readonly directory: Directory
  readonly tenant: string
  /** Milliseconds since 1970 UTC. */
  readonly now: number
  /** How long a message is worth sending when its caller does not say. */
  readonly defaultLifeMs: number
  /** From the `Idempotency-Key` header; a message's own `client_msg_id` goes before it. */
  readonly idempotencyKey?: string | undefined
}

const yearMs = 366 * 24 * 3_600_000
const validate = validator(MessageInput)

/** Throws a `Problem` that names the field. */
export const acceptMessage = (value: unknown, options: AcceptOptions): Message => {
  const input = validate(value)
  const { directory, tenant, now } = options
  const account = accountFor(directory, tenant, input.account)
  const channel = channelFor(input, account)
  checkOpenid(input.touser)
  checkUrl(input.url)
  const data = templateData(input.data)
  const { sendAt, expiresAt } = timesOf(input, now, options.defaultLifeMs)
  const id = messageIdOf(randomUUIDv7())
  const templateId = templateIdOf(account, input.template_id)
  const idempotency = idempotencyOf(input, options.idempotencyKey)
  return {
    id,
    tenant,
    account: account.appid,
    channel,
    lane: input.lane ?? 'normal',
    touser: input.touser,
    templateId,
    body: wechatBody(input, { channel, templateId, data, clientMsgId: wechatClientMsgId(id) }),
    acceptedAt: now,
    sendAt,
    expiresAt,
    ...(input.client_msg_id !== undefined && { clientMsgId: input.client_msg_id }),
    ...(input.tags !== undefined && { tags: input.tags }),
    ...(idempotency && { idempotency }),
  }
}

const accountFor = (directory: Directory, tenant: string, name: string): Account => {
  const account = directory.accountOf(tenant, name)
  if (account) return account
  if (directory.account(name))
    throw new Problem('forbidden', { detail: 'This account belongs to somebody else' })
  throw at('account-unknown', '/account', 'There is no account with this name or appid')
}

const channelFor = (input: MessageInput, account: Account): Channel => {
  const channel = input.channel ?? defaultChannel(account.kind)
  if (channelTraits[channel].accountKind !== account.kind)
    throw at(
      'channel-mismatch',
      '/channel',
      `An account of kind ${account.kind} cannot use the channel ${channel}`,
    )
  const foreign = Object.keys(input).find((field) => fieldsOfOtherChannels[channel].has(field))
  if (foreign) throw at('unknown-field', `/${foreign}`, `The channel ${channel} has no such field`)
  return channel
}

const fieldsOfOtherChannels: Readonly<Record<Channel, ReadonlySet<string>>> = {
  template: new Set(['page', 'miniprogram_state', 'lang']),
  subscribe: new Set(['url', 'miniprogram']),
}

const openidShape = /^[A-Za-z0-9_-]{1,64}$/

const checkOpenid = (touser: string): void => {
  if (!openidShape.test(touser))
    throw at('openid-invalid', '/touser', 'An openid has only letters, digits, _ and -, at most 64')
}

/** We never fetch it; WeChat opens it on the user's phone. */
const checkUrl = (url: string | undefined): void => {
  if (url === undefined) return
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url))
    throw at('url-not-allowed', '/url', 'Must be an http or https address')
}

/** WeChat's form of the data, every value a text, typed keys checked by their type's rule. */
const templateData = (data: MessageInput['data']): Record<string, { value: string }> => {
  const result: Record<string, { value: string }> = {}
  for (const [key, given] of Object.entries(data)) {
    const value = textOf(typeof given === 'object' ? given.value : given, key)
    const fault = checkField(key, value)
    if (fault) throw at('template-field', `/data/${key}`, fieldFault(key, fault.reason))
    result[key] = { value }
  }
  return result
}

/** A number past 2^53 has lost digits before we see it, and the user would be shown another one. */
const textOf = (value: string | number, key: string): string => {
  if (typeof value === 'number' && !(Math.abs(value) <= Number.MAX_SAFE_INTEGER))
    throw at('type', `/data/${key}`, 'A number this large must be written as a text')
  return String(value)
}

const fieldFault = (key: string, reason: FieldReason): string => {
  const type = fieldType(key)
  return `${key} is ${reason}: a field of type ${type} is ${fieldRules.get(type!)?.rule}`
}

const timesOf = (
  input: MessageInput,
  now: number,
  defaultLifeMs: number,
): { sendAt: number; expiresAt: number } => {
  const sendAt = Math.max(now, parseTime(input.send_at, '/send_at') ?? now)
  if (sendAt > now + yearMs) throw at('send-at-range', '/send_at', 'At most a year from now')
  const expiresAt = parseTime(input.expires_at, '/expires_at') ?? sendAt + defaultLifeMs
  if (expiresAt <= sendAt || expiresAt > sendAt + yearMs)
    throw at('expires-range', '/expires_at', 'After now and send_at, and at most a year later')
  return { sendAt, expiresAt }
}

const timeShape = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?([Zz]|[+-]\d{2}:\d{2})$/

/** An RFC 3339 time as milliseconds since 1970 UTC. */
export const parseTime = (text: string | undefined, pointer: string): number | undefined => {
  if (text === undefined) return undefined
  const time = timeShape.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(time))
    throw at('value-invalid', pointer, 'Must be a time such as 2026-12-01T09:00:00+08:00')
  return time
}

const idempotencyOf = (input: MessageInput, headerKey: string | undefined): Idempotency | undefined => {
  const key =
    input.client_msg_id !== undefined ? callerKey(input.client_msg_id) : headerKey && `h:${headerKey}`
  return key ? { key, fingerprint: hash('sha256', JSON.stringify(input), 'base64url') } : undefined
}

/** The body for WeChat, without the token. Field names are WeChat's; only `template` knows `client_msg_id`. */
const wechatBody = (
  input: MessageInput,
  parts: {
    channel: Channel
    templateId: string
    data: Record<string, { value: string }>
    clientMsgId: string
  },
): string => {
  const { touser, url, miniprogram, page, miniprogram_state, lang } = input
  const { channel, templateId: template_id, data, clientMsgId: client_msg_id } = parts
  // JSON.stringify leaves out what is undefined.
  return JSON.stringify(
    channel === 'template'
      ? { touser, template_id, url, miniprogram, client_msg_id, data }
      : { touser, template_id, page, miniprogram_state, lang, data },
  )
}

const at = (code: ProblemCode, pointer: string, message: string): Problem =>
  new Problem(code, { detail: `${pointer}: ${message}`, errors: [{ pointer, code, message }] })
