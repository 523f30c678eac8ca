import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import { defaultChannel } from '../channels.ts'
import type { Account } from '../directory.ts'
import { explain } from '../explain.ts'
import type { Gates, QuotaReport } from '../gates.ts'
import { type RouteParts, requires } from './gateway.ts'
import { Problem } from './problems.ts'
import { queryOf } from './query.ts'
import { problemAnswers, security } from './schemas.ts'
import { queryValidator } from './validate.ts'
import { timeText } from './view.ts'

const QuotaQuery = Type.Object(
  {
    account: Type.Optional(
      Type.String({
        maxLength: 64,
        description:
          'Name or appid. With it, WeChat is asked about the API of the account’s usual channel when nothing is known of it yet.',
      }),
    ),
  },
  { additionalProperties: false, title: 'QuotaQuery' },
)

const nullable = <Schema extends Type.TSchema>(schema: Schema, description: string) =>
  Type.Union([schema, Type.Null()], { description })

const QuotaEntry = Type.Object(
  {
    account: Type.String(),
    appid: Type.String(),
    api: Type.String({ description: 'Path of WeChat’s API.' }),
    daily_limit: nullable(Type.Integer(), 'Calls a day; null while nobody has told.'),
    used: Type.Integer({ description: 'Calls today, failed ones included.' }),
    remaining: nullable(Type.Integer(), 'Calls that are left today, the urgent reserve included.'),
    minute_limit: nullable(Type.Integer(), 'Calls a minute; null when there is none.'),
    source: Type.Unsafe<QuotaReport['source']>({
      type: 'string',
      enum: ['settings', 'wechat', 'unknown'],
      description: 'Who set the daily limit: the account’s settings, or quota/get.',
    }),
    resets_at: Type.String({ description: 'Midnight in Beijing.' }),
    held_until: nullable(Type.String(), 'Until when messages wait for quota at the latest.'),
    held: nullable(
      Type.Object({ reason: Type.String(), zh: Type.String(), en: Type.String() }),
      'Why they wait.',
    ),
    urgent_reserve: Type.Integer({ description: 'Calls of the day that only urgent messages may use.' }),
    pace: Type.Object({
      allowed: Type.Integer({ description: 'Calls that may be under way.' }),
      in_flight: Type.Integer({ description: 'Calls that are.' }),
      waiting: Type.Integer({ description: 'Messages in hand that wait for one.' }),
    }),
    forecast: Type.Object({
      exhausted_at: nullable(
        Type.String(),
        'When normal messages run out of quota at the recent rate; null when the day ends earlier.',
      ),
    }),
  },
  { title: 'Quota' },
)

const validate = queryValidator(QuotaQuery)

/** Of the APIs that the worker of this process has sent by; without a worker, of none. */
export const quotaRoutes = (app: FastifyInstance, parts: RouteParts): void => {
  const { directory, clock, quotas } = parts

  app.get(
    '/v1/quota',
    {
      preValidation: requires(parts, 'read'),
      schema: {
        tags: ['quota'],
        security,
        summary: 'What accounts may still send today, and how fast',
        querystring: QuotaQuery,
        response: { 200: Type.Object({ data: Type.Array(QuotaEntry) }), ...problemAnswers },
      },
    },
    async (request) => {
      const { account: name } = validate(queryOf(request))
      const { tenant } = request.caller
      if (name === undefined)
        return {
          data: directory.accounts(tenant).flatMap((account) => entriesOf(account, quotas, clock.now())),
        }
      const account = directory.accountOf(tenant, name)
      if (!account) throw new Problem('not-found')
      const channel = defaultChannel(account.kind)
      if (channel !== undefined) await quotas?.inquire(account.appid, channel)
      return { data: entriesOf(account, quotas, clock.now()) }
    },
  )
}

/** Not of webhooks, which are no APIs of WeChat. */
const entriesOf = (
  account: Account,
  quotas: Pick<Gates, 'reports'> | undefined,
  now: number,
): Static<typeof QuotaEntry>[] =>
  (quotas?.reports(account.appid, now) ?? [])
    .filter(({ path }) => path !== '')
    .map((report) => entryOf(account, report))

const entryOf = ({ name, appid }: Account, report: QuotaReport): Static<typeof QuotaEntry> => {
  const { path, daily = null, used, perMinute = null, source, resetsAt, hold, reserve, exhaustedAt } = report
  const { allowed, inFlight, waiting } = report
  return {
    account: name,
    appid,
    api: path,
    daily_limit: daily,
    used,
    remaining: daily === null ? null : Math.max(0, daily - used),
    minute_limit: perMinute,
    source,
    resets_at: timeText(resetsAt),
    held_until: hold ? timeText(hold.until) : null,
    held: hold ? heldText(hold.reason) : null,
    urgent_reserve: reserve,
    pace: { allowed, in_flight: inFlight, waiting },
    forecast: { exhausted_at: exhaustedAt === undefined ? null : timeText(exhaustedAt) },
  }
}

const heldText = (reason: string) => {
  const { zh, en } = explain({ state: 'parked', reason })
  return { reason, zh, en }
}
