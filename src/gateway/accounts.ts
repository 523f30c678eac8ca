import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import type { Account } from '../directory.ts'
import {
  AccountChange,
  AccountCheckView,
  AccountInput,
  AccountView,
  NewAccountView,
} from './account-schemas.ts'
import { accountOf, changedAccount } from './account-settings.ts'
import { accountView } from './account-view.ts'
import { audit } from './audit.ts'
import { type RouteParts, rawBody, requires } from './gateway.ts'
import { parseStrictJson } from './json.ts'
import { Problem } from './problems.ts'
import { checkRoom } from './room.ts'
import { problemAnswers, security } from './schemas.ts'
import { validator } from './validate.ts'

const validate = validator(AccountInput)
const validateChange = validator(AccountChange)
const tags = ['accounts']

export const accountRoutes = (app: FastifyInstance, parts: RouteParts): void => {
  const { directory } = parts
  const admin = { preValidation: requires(parts, 'admin') }

  /** Throws unless the name is free, or the account's own. */
  const holdName = (tenant: string, name: string, appid: string | undefined): void => {
    const namesake = directory.accountOf(tenant, name)
    if (namesake && namesake.appid !== appid)
      throw new Problem('already-exists', { detail: `Another account is named ${name}` })
  }
  const surroundings = (tenant: string) => ({
    tenant,
    platformOf: (nameOrAppid: string) => directory.accountOf(tenant, nameOrAppid),
    webhookFault: parts.webhookFault,
  })

  app.get(
    '/v1/accounts',
    {
      preValidation: requires(parts, 'read'),
      schema: {
        tags,
        security,
        summary: 'The accounts',
        response: { 200: Type.Object({ data: Type.Array(AccountView) }), ...problemAnswers },
      },
    },
    async ({ caller }) => ({ data: directory.accounts(caller.tenant).map(accountView) }),
  )

  app.post(
    '/v1/accounts',
    {
      ...admin,
      schema: {
        tags,
        security,
        summary: 'Add an account, or describe anew the one with this appid',
        description:
          'What is left out of `callback`, `grants_from`, `limits` and `templates` stays as it is. A webhook is known by its name as well.',
        body: AccountInput,
        response: { 200: NewAccountView, 201: NewAccountView, ...problemAnswers },
      },
    },
    async (request, reply) => {
      const input = validate(parseStrictJson(rawBody(request)))
      const { tenant } = request.caller
      let isNew = true
      const account = await directory.putAccount(() => {
        const present = presentOf(input, tenant)
        isNew = present === undefined
        if (present && present.tenant !== tenant) throw new Problem('forbidden')
        holdName(tenant, input.name, present?.appid ?? input.appid)
        if (isNew) checkRoom(directory, tenant, 'accounts')
        return accountOf(input, present, surroundings(tenant))
      })
      audit(parts, request, isNew ? 'account.create' : 'account.update', `account/${account.appid}`)
      const made = account.kind === 'webhook' && isNew && input.secret === undefined
      return reply
        .code(isNew ? 201 : 200)
        .send({ ...accountView(account), ...(made && { secret: account.secret }) })
    },
  )

  app.patch(
    '/v1/accounts/:name',
    {
      ...admin,
      schema: {
        tags,
        security,
        summary: 'Change single settings of an account',
        body: AccountChange,
        response: { 200: AccountView, ...problemAnswers },
      },
    },
    async (request) => {
      const change = validateChange(parseStrictJson(rawBody(request)))
      const { tenant } = request.caller
      const account = await directory.putAccount(() => {
        const present = known(tenant, request.params)
        if (change.name !== undefined) holdName(tenant, change.name, present.appid)
        return changedAccount(present, change, surroundings(tenant))
      })
      audit(parts, request, 'account.update', `account/${account.appid}`)
      return accountView(account)
    },
  )

  app.post(
    '/v1/accounts/:name/check',
    {
      ...admin,
      schema: {
        tags,
        security,
        summary: 'Ask WeChat whether an account is able to send',
        response: { 200: AccountCheckView, ...problemAnswers },
      },
    },
    async ({ caller, params }) => {
      const { appid, name } = known(caller.tenant, params)
      if (parts.checkAccount === undefined) throw new Problem('try-later')
      const findings = await parts.checkAccount(appid)
      return { account: name, appid, ok: findings.every(({ level }) => level !== 'fault'), findings }
    },
  )

  const known = (tenant: string, params: unknown): Account => {
    const account = directory.accountOf(tenant, (params as { name: string }).name)
    if (account === undefined) throw new Problem('not-found')
    return account
  }

  const presentOf = ({ kind, appid, name }: AccountInput, tenant: string): Account | undefined => {
    if (appid !== undefined) {
      const present = directory.account(appid)
      if (appid.startsWith('wh_') && present === undefined) throw new Problem('not-found')
      return present
    }
    const namesake = kind === 'webhook' ? directory.accountOf(tenant, name) : undefined
    return namesake?.kind === 'webhook' ? namesake : undefined
  }
}
