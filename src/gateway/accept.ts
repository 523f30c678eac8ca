/** From what a caller wrote to a message that can be queued: everything that can be known at the door is checked here. */
import { hash, randomUUIDv7 } from 'node:crypto'
import { contentFault } from '../channels/oa-once.ts'
import { type ChannelTraits, channelTraits, defaultChannel } from '../channels.ts'
import { type Account, type Directory, type KnownTemplate, knownTemplate } from '../directory.ts'
import {
  type Channel,
  callerKey,
  channels,
  type Idempotency,
  type Message,
  messageIdOf,
  wechatClientMsgId,
} from '../message.ts'
import { type PreviewLine, previewOf } from '../template.ts'
import { type DataWarning, type TemplateData, templateOf } from '../template-check.ts'
import { finding, Problem } from './problems.ts'
import { MessageInput } from './schemas.ts'
import { templateData } from './template-data.ts'
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

/** A message that can be queued, and what its caller should know all the same. */
export interface Acceptance {
  readonly message: Message
  readonly warnings: readonly DataWarning[]
  /** What the user would see, worked out when it is asked for; nothing when the template's text is not known. */
  preview(): readonly PreviewLine[] | undefined
}

/** Throws a `Problem` that names the field. */
export const acceptMessage = (value: unknown, options: AcceptOptions): Message =>
  acceptWithWarnings(value, options).message

/** The same, with what WeChat would show otherwise than its caller may think. */
export const acceptWithWarnings = (value: unknown, options: AcceptOptions): Acceptance => {
  const input = validate(value)
  const { directory, tenant, now } = options
  const account = accountFor(directory, tenant, input.account)
  const channel = channelFor(input, account)
  const traits = channelTraits[channel]
  checkOpenid(input.touser)
  checkUrl(input.url)
  const fault = traits.fault?.(input)
  if (fault) throw finding('value-invalid', fault.pointer, fault.message)
  const filled = traits.hasTemplate ? fill(input, account, channel) : noTemplate
  const { sendAt, expiresAt } = timesOf(input, now, options.defaultLifeMs)
  const id = messageIdOf(randomUUIDv7())
  const idempotency = idempotencyOf(input, options.idempotencyKey)
  const grantName = grantNameOf(input, traits)
  const { templateId, data } = filled
  const message: Message = {
    id,
    tenant,
    account: account.appid,
    channel,
    lane: input.lane ?? 'normal',
    touser: input.touser,
    templateId,
    body: JSON.stringify(traits.body(input, { templateId, data, clientMsgId: wechatClientMsgId(id) })),
    acceptedAt: now,
    sendAt,
    expiresAt,
    ...(input.client_msg_id !== undefined && { clientMsgId: input.client_msg_id }),
    ...(input.tags !== undefined && { tags: input.tags }),
    ...(grantName !== undefined && { grantName }),
    ...(idempotency && { idempotency }),
  }
  return { message, warnings: filled.warnings, preview: () => previewFor(filled, channel) }
}

/** A template with a message's data in it. */
interface Filled {
  readonly templateId: string
  readonly known?: KnownTemplate | undefined
  readonly data: TemplateData
  readonly warnings: readonly DataWarning[]
}

const noTemplate: Filled = { templateId: '', data: {}, warnings: [] }

const previewFor = ({ known, data }: Filled, channel: Channel): readonly PreviewLine[] | undefined => {
  const template = known && templateOf(known)
  return template && previewOf(template, data, channel === 'template')
}

const fill = (input: MessageInput, account: Account, channel: Channel): Filled => {
  if (input.template_id === undefined)
    throw finding('missing-field', '/template_id', 'This field is required')
  if (input.data === undefined) throw finding('missing-field', '/data', 'This field is required')
  const known = knownTemplate(account, input.template_id)
  const { data, warnings } = templateData(input.data, { known, channel, shorten: input.shorten })
  const fault = channel === 'oa_once' ? contentFault(data) : undefined
  if (fault) throw finding('template-field', '/data', fault)
  return { templateId: known?.templateId ?? input.template_id, known, data, warnings }
}

const grantNameOf = ({ scene, form_id }: MessageInput, { grant }: ChannelTraits): string | undefined => {
  if (grant === 'scene') return String(scene)
  return grant === 'form' ? form_id : undefined
}

/** The account that a caller names, among its tenant's own. Throws a `Problem` when there is none. */
export const accountFor = (directory: Directory, tenant: string, name: string): Account => {
  const account = directory.accountOf(tenant, name)
  if (account) return account
  if (directory.account(name))
    throw new Problem('forbidden', { detail: 'This account belongs to somebody else' })
  throw finding('account-unknown', '/account', 'There is no account with this name or appid')
}

/** The channel that is meant; a `Problem` when the account cannot use it, or a field belongs to another one. */
export const channelFor = (
  input: Pick<MessageInput, 'channel'> | { readonly channel: Channel | undefined },
  account: Account,
): Channel => {
  const channel = input.channel ?? defaultChannel(account.kind)
  if (channel === undefined || !channelTraits[channel].accountKinds.includes(account.kind))
    throw finding(
      'channel-mismatch',
      '/channel',
      channel === undefined
        ? `An account of kind ${account.kind} sends nothing itself`
        : `An account of kind ${account.kind} cannot use the channel ${channel}`,
    )
  const foreign = Object.keys(input).find((field) => fieldsOfOtherChannels[channel].has(field))
  if (foreign) throw finding('unknown-field', `/${foreign}`, `The channel ${channel} has no such field`)
  return channel
}

const fieldsOfOtherChannels = Object.fromEntries(
  channels.map((channel) => {
    const { fields, hasTemplate } = channelTraits[channel]
    const others = new Set<string>([
      ...Object.values(channelTraits).flatMap((other) => other.fields),
      ...(hasTemplate ? [] : ['template_id', 'data', 'shorten']),
    ])
    for (const field of fields) others.delete(field)
    return [channel, others]
  }),
) as unknown as Readonly<Record<Channel, ReadonlySet<string>>>

const openidShape = /^[A-Za-z0-9_-]{1,64}$/

export const checkOpenid = (touser: string): void => {
  if (!openidShape.test(touser))
    throw finding('openid-invalid', '/touser', 'An openid has only letters, digits, _ and -, at most 64')
}

/** We never fetch it; WeChat opens it on the user's phone. */
const checkUrl = (url: string | undefined): void => {
  if (url === undefined) return
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url))
    throw finding('url-not-allowed', '/url', 'Must be an http or https address')
}

const timesOf = (
  input: MessageInput,
  now: number,
  defaultLifeMs: number,
): { sendAt: number; expiresAt: number } => {
  const sendAt = Math.max(now, parseTime(input.send_at, '/send_at') ?? now)
  if (sendAt > now + yearMs) throw finding('send-at-range', '/send_at', 'At most a year from now')
  const expiresAt = parseTime(input.expires_at, '/expires_at') ?? sendAt + defaultLifeMs
  if (expiresAt <= sendAt || expiresAt > sendAt + yearMs)
    throw finding('expires-range', '/expires_at', 'After now and send_at, and at most a year later')
  return { sendAt, expiresAt }
}

const timeShape = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?([Zz]|[+-]\d{2}:\d{2})$/

/** An RFC 3339 time as milliseconds since 1970 UTC. */
export const parseTime = (text: string | undefined, pointer: string): number | undefined => {
  if (text === undefined) return undefined
  const time = timeShape.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(time))
    throw finding('value-invalid', pointer, 'Must be a time such as 2026-12-01T09:00:00+08:00')
  return time
}

const idempotencyOf = (input: MessageInput, headerKey: string | undefined): Idempotency | undefined => {
  const key =
    input.client_msg_id !== undefined ? callerKey(input.client_msg_id) : headerKey && `h:${headerKey}`
  return key ? { key, fingerprint: hash('sha256', JSON.stringify(input), 'base64url') } : undefined
}
