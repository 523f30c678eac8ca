/** The shapes of the public API. Types, validation and the OpenAPI document all come from these. */
import Type, { type Static } from 'typebox'
import { customerMessageTypes } from '../channels/channel.ts'
import { channels, lanes, states } from '../message.ts'
import { Warnings } from './template-schemas.ts'

export const closed = { additionalProperties: false } as const

export const oneOf = <const Values extends readonly string[]>(values: Values, options: object = {}) =>
  Type.Unsafe<Values[number]>({ type: 'string', enum: values, ...options })

export const Time = (description: string) =>
  Type.String({
    description: `${description} RFC 3339 with offset.`,
    examples: ['2026-12-01T09:00:00+08:00'],
  })

const TemplateValue = Type.Union([
  Type.String({ minLength: 1, maxLength: 2000 }),
  Type.Number(),
  Type.Object(
    {
      value: Type.Union([Type.String({ minLength: 1, maxLength: 2000 }), Type.Number()]),
      color: Type.Optional(Type.String({ maxLength: 16 })),
    },
    closed,
  ),
])

const customerPayload = Type.Optional(Type.Record(Type.String(), Type.Unknown()))

/** The fields of a customer message, one for each msgtype; what they hold is checked by their channel. */
const customerPayloads = Object.fromEntries(
  customerMessageTypes.map((type) => [type, customerPayload]),
) as Record<(typeof customerMessageTypes)[number], typeof customerPayload>

/** One message as callers write it: WeChat's own field names, ours beside them. */
export const MessageInput = Type.Object(
  {
    account: Type.String({
      minLength: 1,
      maxLength: 64,
      description: 'Name or appid of the account that sends.',
    }),
    channel: Type.Optional(oneOf(channels, { description: 'By default the one of the account’s kind.' })),
    touser: Type.String({
      description:
        'The openid of the recipient, in this account: 1 to 64 letters, digits, underscores and hyphens.',
    }),
    template_id: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        description:
          'Template id, or the alias it has in the account. Every channel but `customer` needs it.',
      }),
    ),
    data: Type.Optional(
      Type.Record(Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_]{0,31}$' }), TemplateValue, {
        ...closed,
        maxProperties: 32,
        description: 'The template’s keys, or your names of them: `"text"` or `{"value": "text"}`.',
      }),
    ),
    shorten: Type.Optional(
      Type.Boolean({
        description:
          'Cut free text that is too long for its field, with an ellipsis. By default what the template says, else no.',
      }),
    ),
    url: Type.Optional(
      Type.String({ maxLength: 2048, description: 'Channel `template`: where a tap leads.' }),
    ),
    miniprogram: Type.Optional(
      Type.Object(
        { appid: Type.String({ maxLength: 64 }), pagepath: Type.Optional(Type.String({ maxLength: 1024 })) },
        closed,
      ),
    ),
    page: Type.Optional(
      Type.String({
        maxLength: 1024,
        description: 'Channel `subscribe`: a page of the mini program; `oa_subscribe`: an address.',
      }),
    ),
    miniprogram_state: Type.Optional(oneOf(['developer', 'trial', 'formal'])),
    lang: Type.Optional(oneOf(['zh_CN', 'en_US', 'zh_HK', 'zh_TW'])),
    scene: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 10_000,
        description: 'Channel `oa_once`: the scene that the recipient has agreed to.',
      }),
    ),
    title: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'Channel `oa_once`.' })),
    form_id: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 128,
        description: 'Channel `form`; without it one that the books hold is used.',
      }),
    ),
    emphasis_keyword: Type.Optional(Type.String({ maxLength: 64, description: 'Channel `form`.' })),
    msgtype: Type.Optional(
      oneOf(customerMessageTypes, {
        description:
          'Channel `customer`: the message itself stands in the field of this name, as in WeChat’s body.',
      }),
    ),
    ...customerPayloads,
    customservice: Type.Optional(
      Type.Object({ kf_account: Type.String({ minLength: 1, maxLength: 64 }) }, closed),
    ),
    client_msg_id: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 128,
        pattern: '^[\\x21-\\x7e]+$',
        description: 'Your own key: the same key and content is the same message, however often it is sent.',
      }),
    ),
    lane: Type.Optional(oneOf(lanes, { description: 'How urgent; `normal` by default.' })),
    send_at: Type.Optional(Time('Not before this moment.')),
    expires_at: Type.Optional(Time('Never after this moment.')),
    tags: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { maxItems: 10 })),
  },
  { ...closed, title: 'MessageInput' },
)
export type MessageInput = Static<typeof MessageInput>

const Explanation = Type.Object({
  zh: Type.String(),
  en: Type.String(),
  next_step: Type.Object({ zh: Type.String(), en: Type.String() }),
})

export const Accepted = Type.Object(
  {
    id: Type.String(),
    state: oneOf(states),
    duplicate: Type.Boolean({ description: 'True when this very message had been accepted before.' }),
    warnings: Type.Optional(Warnings),
  },
  { title: 'Accepted', additionalProperties: true },
)

const Attempt = Type.Object({
  n: Type.Integer(),
  started_at: Type.String(),
  duration_ms: Type.Integer(),
  outcome: oneOf(['answered', 'in-doubt', 'not-sent']),
  errcode: Type.Optional(Type.Integer()),
  errmsg: Type.Optional(Type.String()),
  rid: Type.Optional(Type.String()),
  error: Type.Optional(Type.String()),
})

const TimelineEntry = Type.Object({
  at: Type.String(),
  event: Type.String(),
  reason: Type.Optional(Type.String()),
  until: Type.Optional(Type.String()),
  errcode: Type.Optional(Type.Integer()),
  duration_ms: Type.Optional(Type.Integer()),
})

const summary = {
  id: Type.String(),
  state: oneOf(states),
  reason: Type.Union([Type.String(), Type.Null()]),
  explanation: Explanation,
  account: Type.String(),
  appid: Type.String(),
  channel: oneOf(channels),
  lane: oneOf(lanes),
  touser: Type.String(),
  template_id: Type.Union([Type.String(), Type.Null()]),
  client_msg_id: Type.Union([Type.String(), Type.Null()]),
  tags: Type.Array(Type.String()),
  accepted_at: Type.String(),
  send_at: Type.String(),
  expires_at: Type.String(),
  updated_at: Type.String(),
  next_attempt_at: Type.Union([Type.String(), Type.Null()]),
  wechat_msgid: Type.Union([Type.String(), Type.Null()], { description: 'A 64-bit integer, as text.' }),
  wechat_client_msg_id: Type.String(),
}

export const MessageSummary = Type.Object(summary, { title: 'MessageSummary' })

export const MessageView = Type.Object(
  {
    ...summary,
    data: Type.Record(Type.String(), Type.Object({ value: Type.String() }, { additionalProperties: true })),
    request: Type.Object({}, { additionalProperties: true, description: 'The body that WeChat is sent.' }),
    attempts: Type.Array(Attempt, { description: 'Every call to WeChat, oldest first.' }),
    timeline: Type.Array(TimelineEntry),
  },
  { title: 'Message' },
)
export type MessageView = Static<typeof MessageView>

export const MessagePage = Type.Object(
  {
    data: Type.Array(MessageSummary),
    next_cursor: Type.Union([Type.String(), Type.Null()]),
    has_more: Type.Boolean(),
  },
  { title: 'MessagePage' },
)

export const ProblemView = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'Stable; made for programs.' }),
    detail: Type.Optional(Type.String()),
    request_id: Type.String(),
    errors: Type.Optional(
      Type.Array(Type.Object({ pointer: Type.String(), code: Type.String(), message: Type.String() })),
    ),
  },
  { title: 'Problem', additionalProperties: true },
)

const refused = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: ProblemView } },
})

/** What every route that asks who is calling may answer instead. */
export const problemAnswers = {
  '4XX': refused('Refused; `code` says why.'),
  '5XX': refused('Failed on our side; `code` says whether to repeat it.'),
}

export const BulkAccepted = Type.Object(
  {
    accepted: Type.Integer(),
    rejected: Type.Integer(),
    results: Type.Array(Type.Union([Accepted, ProblemView]), { description: 'In the order of the request.' }),
  },
  { title: 'BulkAccepted' },
)

export const MessageListQuery = Type.Object(
  {
    touser: Type.Optional(Type.String({ maxLength: 64 })),
    state: Type.Optional(oneOf(states)),
    channel: Type.Optional(oneOf(channels)),
    template_id: Type.Optional(
      Type.String({ maxLength: 64, description: 'Id, or with `account` also an alias.' }),
    ),
    account: Type.Optional(Type.String({ maxLength: 64 })),
    batch: Type.Optional(Type.String({ maxLength: 64 })),
    tag: Type.Optional(Type.String({ maxLength: 64 })),
    q: Type.Optional(
      Type.String({
        maxLength: 128,
        description: 'A message id, an openid, a client_msg_id or a msgid that the facade has answered.',
      }),
    ),
    from: Type.Optional(Time('Accepted at or after.')),
    to: Type.Optional(Time('Accepted before.')),
    cursor: Type.Optional(Type.String({ maxLength: 128 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
  },
  { ...closed, title: 'MessageListQuery' },
)
export type MessageListQuery = Static<typeof MessageListQuery>

/** The ways to sign, for the document: any one of them. */
export const security = [{ signature: [] }, { params: [] }, { bearer: [] }]
