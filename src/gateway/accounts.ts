import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import type { Account } from '../directory.ts'
import { mergeDeclared } from '../template-sync.ts'
import { audit } from './audit.ts'
import { type RouteParts, rawBody, requires } from './gateway.ts'
import { parseStrictJson } from './json.ts'
import { Problem } from './problems.ts'
import { checkRoom } from './room.ts'
import { AccountInput, AccountView, problemAnswers, security } from './schemas.ts'
import { trust, validator } from './validate.ts'

const validate = validator(AccountInput)
const tags = ['accounts']

export const accountRoutes = (app: FastifyInstance, parts: RouteParts): void => {
  const { directory, inTurn } = parts

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
      preValidation: requires(parts, 'admin'),
      validatorCompiler: trust,
      schema: {
        tags,
        security,
        summary: 'Add an account, or change the one with this appid',
        body: AccountInput,
        response: { 200: AccountView, 201: AccountView, ...problemAnswers },
      },
    },
    async (request, reply) => {
      const input = validate(parseStrictJson(rawBody(request)))
      const account = accountOf(input, request.caller.tenant)
      return inTurn(async () => {
        const present = directory.account(account.appid)
        if (present && present.tenant !== account.tenant) throw new Problem('forbidden')
        const namesake = directory.accountOf(account.tenant, account.name)
        if (namesake && namesake.appid !== account.appid)
          throw new Problem('already-exists', { detail: `Another account is named ${account.name}` })
        if (!present) checkRoom(directory, account.tenant, 'accounts')
        if (present === undefined) await directory.putAccount(account)
        const kept = await directory.changeAccount(account.appid, ({ templates }) => ({
          ...account,
          templates: input.templates ? mergeDeclared(templates, account.templates) : templates,
        }))
        audit(parts, request, present ? 'account.update' : 'account.create', `account/${account.appid}`)
        return reply.code(present ? 200 : 201).send(accountView(kept ?? account))
      })
    },
  )
}

const accountOf = (input: AccountInput, tenant: string): Account => ({
  appid: input.appid,
  tenant,
  name: input.name,
  kind: input.kind,
  secret: input.secret,
  tokenApi: input.token_api ?? 'stable',
  templates: (input.templates ?? []).map(({ template_id, alias, title }) => ({
    templateId: template_id,
    ...(alias !== undefined && { alias }),
    ...(title !== undefined && { title }),
  })),
})

const accountView = ({ name, appid, kind, tokenApi, secret, templates }: Account) => ({
  name,
  appid,
  kind,
  token_api: tokenApi,
  secret_ends_with: secret.slice(-4),
  templates: templates.map(({ templateId, alias = null, title = null }) => ({
    template_id: templateId,
    alias,
    title,
  })),
})
