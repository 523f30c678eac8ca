/** The books on permissions: what the tenant's own pages report, what is entered by hand, and what they hold. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { acceptedChange, countsEvents } from '../callback-note.ts'
import { type Account, templateIdOf } from '../directory.ts'
import { formGrants, type Grant, type GrantChange } from '../grants.ts'
import { accountFor, checkOpenid, parseTime } from './accept.ts'
import { problemOf } from './failures.ts'
import { type RouteParts, rawBody, requires } from './gateway.ts'
import { parseStrictJson } from './json.ts'
import { finding, languageOf, Problem, problemBody } from './problems.ts'
import { queryOf } from './query.ts'
import { closed, oneOf, problemAnswers, security, Time } from './schemas.ts'
import { refuseOverload } from './send.ts'
import { queryValidator, validator } from './validate.ts'
import { timeText } from './view.ts'

const maxItems = 1000
const tags = ['grants']

const TemplateId = Type.String({ minLength: 1, maxLength: 64, description: 'Id or alias.' })
const Openid = Type.String({ description: 'The openid of the recipient, in this account.' })
const AccountName = Type.String({ minLength: 1, maxLength: 64, description: 'Name or appid.' })
const Count = (minimum: number) => Type.Integer({ minimum, maximum: 1000 })

const GrantInput = Type.Object(
  {
    account: AccountName,
    touser: Openid,
    template_id: Type.Optional(TemplateId),
    result: Type.Optional(
      oneOf(['accept', 'reject', 'ban', 'filter', 'acceptWithAudio', 'acceptWithAlert'], {
        description:
          'What wx.requestSubscribeMessage answered for this template. An accept counts unless the account’s callbacks tell of it already.',
      }),
    ),
    add: Type.Optional(Count(1)),
    set: Type.Optional(Count(0)),
    lasting: Type.Optional(Type.Literal(true, { description: 'Any number: a long-term template.' })),
    withdraw: Type.Optional(Type.Literal(true)),
    scene: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 10_000,
        description: 'Agreed to a one-time subscription in this scene.',
      }),
    ),
    form_id: Type.Optional(Type.String({ minLength: 1, maxLength: 128, pattern: '^[\\x21-\\x7e]+$' })),
    prepay_id: Type.Optional(Type.String({ minLength: 1, maxLength: 128, pattern: '^[\\x21-\\x7e]+$' })),
    expires_at: Type.Optional(Time('Of a form id; seven days from now by default.')),
    report_id: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        pattern: '^[\\x21-\\x7e]+$',
        description: 'Your own key of this report: within an hour, the same one counts once.',
      }),
    ),
  },
  { ...closed, title: 'GrantInput' },
)
type GrantInput = Static<typeof GrantInput>

const GrantView = Type.Object(
  {
    account: Type.String(),
    touser: Type.String(),
    template_id: Type.Union([Type.String(), Type.Null()]),
    kind: oneOf(['subscribe', 'scene', 'window', 'form']),
    name: Type.Union([Type.String(), Type.Null()], {
      description: 'The scene, the form id, or the interaction.',
    }),
    left: Type.Union([Type.Integer(), Type.Null()], { description: 'Null: any number.' }),
    reserved: Type.Integer({ description: 'Held by messages whose outcome is open.' }),
    used: Type.Integer(),
    expires_at: Type.Union([Type.String(), Type.Null()]),
    updated_at: Type.String(),
  },
  { title: 'Grant' },
)

const GrantQuery = Type.Object(
  { account: AccountName, touser: Openid, template_id: Type.Optional(TemplateId) },
  { ...closed, title: 'GrantQuery' },
)

const GrantResult = Type.Object(
  {
    counted: Type.Boolean(),
    reason: Type.Optional(oneOf(['repeated', 'told-by-callbacks', 'nothing-granted'])),
    released: Type.Integer({ description: 'Messages that had been waiting for this, and go on now.' }),
  },
  { title: 'GrantResult', additionalProperties: true },
)

const validate = validator(GrantInput)
const query = queryValidator(GrantQuery)

/** How a grant is named in the body; exactly one of them. */
const ways = ['result', 'add', 'set', 'lasting', 'withdraw', 'scene', 'form_id', 'prepay_id'] as const

export const grantRoutes = (app: FastifyInstance, parts: RouteParts): void => {
  app.post(
    '/v1/grants',
    {
      preValidation: requires(parts, 'send'),
      schema: reportSchema,
    },
    async (request) => report(request, parts),
  )
  app.get('/v1/grants', { preValidation: requires(parts, 'read'), schema: listSchema }, async (request) => {
    const asked = query(queryOf(request))
    const account = accountFor(parts.directory, request.caller.tenant, asked.account)
    checkOpenid(asked.touser)
    const templateId = asked.template_id === undefined ? undefined : templateIdOf(account, asked.template_id)
    const grants = await parts.recipients.grants({
      account: account.appid,
      touser: asked.touser,
      ...(templateId !== undefined && { templateId }),
    })
    return { data: grants.map((grant) => grantView(grant, account)) }
  })
}

/** Each of many has its own result, as messages do. */
const report = async (request: FastifyRequest, parts: RouteParts): Promise<unknown> => {
  refuseOverload(parts)
  const value = parseStrictJson(rawBody(request))
  if (!Array.isArray(value)) return take(value, request, parts)
  if (value.length === 0) throw new Problem('batch-empty')
  if (value.length > maxItems) throw new Problem('batch-too-many', { detail: `There are ${value.length}` })
  const language = languageOf(request.headers['accept-language'])
  const results = await Promise.all(
    value.map((item) =>
      take(item, request, parts).catch((error: unknown) => {
        const problem = problemOf(error)
        parts.reportFault(problem, request)
        return problemBody(problem, request.id, language)
      }),
    ),
  )
  return { results }
}

interface Result {
  readonly counted: boolean
  readonly reason?: string
  readonly released: number
}

const take = async (value: unknown, request: FastifyRequest, parts: RouteParts): Promise<Result> => {
  const input = validate(value)
  const account = accountFor(parts.directory, request.caller.tenant, input.account)
  checkOpenid(input.touser)
  const change = changeOf(input, account, parts.clock.now())
  if (typeof change === 'string') return { counted: false, reason: change, released: 0 }
  const keys = input.report_id === undefined ? [] : [`report ${input.report_id}`]
  const noted = await parts.recipients.note({ account: account.appid, keys, grants: [change] })
  return noted.kind === 'repeated'
    ? { counted: false, reason: 'repeated', released: 0 }
    : { counted: true, released: noted.released }
}

/** What changes in the books, or why nothing does. */
const changeOf = (
  input: GrantInput,
  account: Account,
  now: number,
): GrantChange | 'told-by-callbacks' | 'nothing-granted' => {
  const [way, ...others] = ways.filter((name) => input[name] !== undefined)
  if (way === undefined || others.length > 0)
    throw finding('value-invalid', '', `A grant has exactly one of: ${ways.join(', ')}`)
  const { touser } = input
  if (way === 'form_id' || way === 'prepay_id') return issued(input, account, now)
  if (input.expires_at !== undefined)
    throw finding('unknown-field', '/expires_at', 'Only a form id or prepay id has an end')
  if (input.template_id === undefined)
    throw finding('missing-field', '/template_id', 'This field is required')
  const templateId = templateIdOf(account, input.template_id)
  const holder = { account: account.appid, touser, templateId, kind: 'subscribe' as const }
  switch (way) {
    case 'result':
      if (!/^accept/.test(input.result!)) return 'nothing-granted'
      return countsEvents(account) ? 'told-by-callbacks' : acceptedChange(account, touser, templateId)
    case 'add':
      return { ...holder, change: 'add', count: input.add! }
    case 'set':
      return { ...holder, change: 'set', count: input.set! }
    case 'lasting':
      return { ...holder, change: 'lasting' }
    case 'withdraw':
      return { ...holder, change: 'withdraw' }
    case 'scene':
      return { ...holder, kind: 'scene', name: String(input.scene), change: 'set', count: 1 }
  }
}

const issued = (input: GrantInput, account: Account, now: number): GrantChange => {
  const { count, lifeMs } = input.form_id === undefined ? formGrants.prepay : formGrants.form
  const expiresAt = parseTime(input.expires_at, '/expires_at') ?? now + lifeMs
  if (expiresAt <= now || expiresAt > now + lifeMs)
    throw finding('expires-range', '/expires_at', 'Within the next seven days')
  return {
    account: account.appid,
    touser: input.touser,
    templateId: '',
    kind: 'form',
    name: (input.form_id ?? input.prepay_id)!,
    change: 'set',
    count,
    expiresAt,
  }
}

const grantView = (grant: Grant, account: Account): Static<typeof GrantView> => ({
  account: account.name,
  touser: grant.touser,
  template_id: grant.templateId === '' ? null : grant.templateId,
  kind: grant.kind,
  name: grant.name ?? null,
  left: grant.left ?? null,
  reserved: grant.reserved,
  used: grant.used,
  expires_at: grant.expiresAt === undefined ? null : timeText(grant.expiresAt),
  updated_at: timeText(grant.updatedAt),
})

const reportSchema = {
  tags,
  security,
  summary: 'Report what recipients have allowed, one or up to 1,000',
  description:
    'Each has exactly one of `result`, `add`, `set`, `lasting`, `withdraw`, `scene`, `form_id`, `prepay_id`. Messages that had been parked for want of a grant go on at once.',
  body: Type.Union([GrantInput, Type.Array(GrantInput, { minItems: 1, maxItems })]),
  response: {
    200: Type.Union([GrantResult, Type.Object({ results: Type.Array(GrantResult) })]),
    ...problemAnswers,
  },
}

const listSchema = {
  tags,
  security,
  summary: 'What the books hold of one recipient',
  querystring: GrantQuery,
  response: { 200: Type.Object({ data: Type.Array(GrantView) }), ...problemAnswers },
}
