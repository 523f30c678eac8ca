/** The shapes of accounts in the public API. */
import Type, { type Static } from 'typebox'
import { accountKinds } from '../channels/channel.ts'

const closed = { additionalProperties: false } as const

const oneOf = <const Values extends readonly string[]>(values: Values, options: object = {}) =>
  Type.Unsafe<Values[number]>({ type: 'string', enum: values, ...options })

const text = (maxLength: number, options: object = {}) => Type.String({ minLength: 1, maxLength, ...options })

const name = text(64, { pattern: '^[A-Za-z0-9_.-]+$' })
const secret = text(128, {
  description:
    'The AppSecret. Not needed with `foreign` and `component`. Of a webhook: `whsec_` and base64, made and shown once when it is left out.',
})
const tokenApi = oneOf(['stable', 'plain', 'foreign', 'component'], {
  description:
    'Where its tokens come from: WeChat’s stable_token (the default), /cgi-bin/token, an endpoint of your own, or the third-party platform that it has authorised.',
})
const component = text(64, { description: 'Name or appid of the platform, for `component`.' })
const refreshToken = text(512, {
  description:
    'The authorizer_refresh_token, for `component`. Left out, it comes with the event `authorized`.',
})
const url = text(2048, { description: 'Of a webhook: where it posts to; http or https.' })
const grantsFrom = oneOf(['events', 'reports'], {
  description:
    'Which of two reports of the same popup counts: WeChat’s events, or POST /v1/grants. By default events when there are callbacks.',
})
const endpoint = {
  url: text(2048, { description: 'GET answers `{"access_token", "expires_in"}`.' }),
  authorization: text(1024, { description: 'The header of that name.' }),
}
const callback = {
  token: text(32, { pattern: '^[A-Za-z0-9]{3,32}$' }),
  aes_keys: Type.Array(Type.String({ pattern: '^[A-Za-z0-9]{43}$' }), {
    maxItems: 2,
    description: 'EncodingAESKeys, newest first.',
  }),
  mode: oneOf(['plain', 'compat', 'safe']),
}
const limits = {
  daily: Type.Integer({ minimum: 1, maximum: 1_000_000_000, description: 'Calls a day and API.' }),
  per_minute: Type.Integer({ minimum: 1, maximum: 100_000_000, description: 'Calls a minute and API.' }),
  urgent_share: Type.Number({
    minimum: 0,
    maximum: 1,
    description: 'The share of the day’s calls that only urgent messages may use.',
  }),
}
const templates = Type.Array(
  Type.Object(
    {
      template_id: text(64),
      alias: Type.Optional(text(64)),
      title: Type.Optional(Type.String({ maxLength: 64 })),
    },
    closed,
  ),
  { maxItems: 200, description: 'Left out, those that the account has stay.' },
)

const Limits = Type.Partial(Type.Object(limits, closed))
const Templates = Type.Optional(templates)

export const AccountInput = Type.Object(
  {
    name,
    appid: Type.Optional(
      Type.String({
        pattern: '^(wx[0-9a-z]{16}|wh_[0-9a-f]{16})$',
        description: 'WeChat’s. A webhook gets one of ours.',
      }),
    ),
    secret: Type.Optional(secret),
    kind: oneOf(accountKinds),
    token_api: Type.Optional(tokenApi),
    token_endpoint: Type.Optional(
      Type.Object({ url: endpoint.url, authorization: Type.Optional(endpoint.authorization) }, closed),
    ),
    component: Type.Optional(component),
    refresh_token: Type.Optional(refreshToken),
    url: Type.Optional(url),
    callback: Type.Optional(Type.Object({ ...callback, aes_keys: Type.Optional(callback.aes_keys) }, closed)),
    grants_from: Type.Optional(grantsFrom),
    limits: Type.Optional(Limits),
    templates: Templates,
  },
  { ...closed, title: 'AccountInput' },
)
export type AccountInput = Static<typeof AccountInput>

/** What may be changed later, each by itself. */
export const AccountChange = Type.Partial(
  Type.Object({
    name,
    secret,
    token_api: tokenApi,
    token_endpoint: Type.Partial(Type.Object(endpoint, closed)),
    component,
    refresh_token: refreshToken,
    url,
    callback: Type.Partial(Type.Object(callback, closed)),
    grants_from: grantsFrom,
    limits: Limits,
    templates,
  }),
  { ...closed, minProperties: 1, title: 'AccountChange' },
)
export type AccountChange = Static<typeof AccountChange>

const nullable = <Schema extends Type.TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])
const End = Type.String({ description: 'The last four characters; the rest is never shown.' })

const view = {
  name: Type.String(),
  appid: Type.String(),
  kind: Type.String(),
  token_api: Type.String(),
  secret_ends_with: End,
  token_endpoint: nullable(
    Type.Object({
      url: Type.String({ description: 'Without its query.' }),
      authorization_ends_with: nullable(End),
    }),
  ),
  component: nullable(Type.String({ description: 'The appid of the platform.' })),
  refresh_token_ends_with: nullable(End),
  ticket_at: nullable(
    Type.String({ description: 'Of a platform: when its latest ticket was pushed. RFC 3339.' }),
  ),
  url: nullable(Type.String({ description: 'Without its query.' })),
  callback: nullable(
    Type.Object({ mode: Type.String(), token_ends_with: End, aes_keys_end_with: Type.Array(End) }),
  ),
  grants_from: nullable(Type.String()),
  limits: nullable(
    Type.Object({
      daily: nullable(Type.Integer()),
      per_minute: nullable(Type.Integer()),
      urgent_share: nullable(Type.Number()),
    }),
  ),
  templates: Type.Array(
    Type.Object({
      template_id: Type.String(),
      alias: nullable(Type.String()),
      title: nullable(Type.String()),
    }),
  ),
}

export const AccountView = Type.Object(view, { title: 'Account' })

export const NewAccountView = Type.Object(
  {
    ...view,
    secret: Type.Optional(
      Type.String({ description: 'Of a webhook, when we have made it. Shown this once.' }),
    ),
  },
  { title: 'NewAccount' },
)

const Bilingual = Type.Object({ zh: Type.String(), en: Type.String() })

export const AccountCheckView = Type.Object(
  {
    account: Type.String(),
    appid: Type.String(),
    ok: Type.Boolean({ description: 'Whether nothing is at fault.' }),
    findings: Type.Array(
      Type.Object({
        check: Type.String({ description: 'account, token, quota, callback or rival' }),
        level: oneOf(['ok', 'warning', 'fault', 'skipped']),
        errcode: Type.Optional(Type.Integer()),
        about: Bilingual,
        next: Type.Optional(Bilingual),
      }),
    ),
  },
  { title: 'AccountCheck' },
)
