/** The shapes of keys and tenants in the API. */
import Type, { type Static } from 'typebox'
import { scopes } from '../directory.ts'
import { closed, oneOf, Time } from './schemas.ts'

export const KeyInput = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 64 }),
    scopes: Type.Array(oneOf(scopes), {
      minItems: 1,
      maxItems: scopes.length,
      uniqueItems: true,
      description: '`operator` can only be given by a key that has it.',
    }),
    expires_at: Type.Optional(Time('From when on the key is refused; without it, never.')),
  },
  { ...closed, title: 'KeyInput' },
)
export type KeyInput = Static<typeof KeyInput>

const key = {
  id: Type.String(),
  name: Type.String(),
  scopes: Type.Array(Type.String()),
  created_at: Type.String(),
  expires_at: Type.Union([Type.String(), Type.Null()]),
  last_used: Type.Union([Type.String(), Type.Null()], {
    description: 'To the minute, since the gateway started.',
  }),
  old_secret_until: Type.Union([Type.String(), Type.Null()], {
    description: 'While the key is being rotated: until when the secret before this one is taken as well.',
  }),
}

export const KeyView = Type.Object(key, { title: 'Key' })

export const NewKeyView = Type.Object(
  {
    ...key,
    secret: Type.String({ description: 'Shown this once.' }),
    bearer: Type.String({
      description: 'For `Authorization: Bearer`, in inner networks only. Shown this once.',
    }),
  },
  { title: 'NewKey' },
)

const days = 86_400

export const RotateInput = Type.Object(
  {
    overlap_seconds: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 30 * days,
        default: days,
        description: 'How long the secret before this one is taken as well.',
      }),
    ),
  },
  { ...closed, title: 'RotateInput' },
)

const mostMessages = 1_000_000
const mostThings = 100_000

const limits = {
  messages_per_second: Type.Integer({
    minimum: 1,
    maximum: mostMessages,
    description: 'Messages taken a second, on average; beyond it 429 `rate-limited`.',
  }),
  burst: Type.Integer({
    minimum: 1,
    maximum: mostMessages,
    description: 'Messages taken at once after a quiet time; by default as many as in one second.',
  }),
  accounts: Type.Integer({ minimum: 0, maximum: mostThings, description: 'Beyond it 409 `limit-reached`.' }),
  keys: Type.Integer({ minimum: 0, maximum: mostThings, description: 'Beyond it 409 `limit-reached`.' }),
}

const orNull = <Schema extends (typeof limits)[keyof typeof limits]>(schema: Schema) =>
  Type.Unsafe<number | null>({ ...schema, type: ['integer', 'null'] })

const TenantLimitsInput = Type.Object(
  {
    messages_per_second: Type.Optional(orNull(limits.messages_per_second)),
    burst: Type.Optional(orNull(limits.burst)),
    accounts: Type.Optional(orNull(limits.accounts)),
    keys: Type.Optional(orNull(limits.keys)),
  },
  { ...closed, description: 'A number sets a limit, null lifts it, what is not named stays as it is.' },
)
export type TenantLimitsInput = Static<typeof TenantLimitsInput>

const name = Type.String({ minLength: 1, maxLength: 64 })

export const TenantInput = Type.Object(
  {
    id: Type.String({
      pattern: '^[a-z0-9][a-z0-9-]{0,39}$',
      description: 'Lower-case letters, digits and hyphens; it never changes.',
    }),
    name: Type.Optional(name),
    limits: Type.Optional(TenantLimitsInput),
  },
  { ...closed, title: 'TenantInput' },
)

export const TenantChange = Type.Object(
  {
    name: Type.Optional(name),
    disabled: Type.Optional(
      Type.Boolean({
        description: 'Its keys are refused with 401. What it has queued stays, and is still sent.',
      }),
    ),
    limits: Type.Optional(TenantLimitsInput),
  },
  { ...closed, title: 'TenantChange', minProperties: 1 },
)

const limit = Type.Union([Type.Integer(), Type.Null()])

export const TenantView = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    created_at: Type.String(),
    disabled: Type.Boolean(),
    limits: Type.Object(
      { messages_per_second: limit, burst: limit, accounts: limit, keys: limit },
      { description: 'Null where there is none.' },
    ),
    accounts: Type.Integer({ description: 'How many it has.' }),
    keys: Type.Integer({ description: 'How many it has.' }),
  },
  { title: 'Tenant' },
)
