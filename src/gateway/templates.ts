/** `/v1/templates`: what is known of the templates, the tenant's settings of them, and what a message would look like. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { Account, Directory, KnownTemplate } from '../directory.ts'
import { previewOf } from '../template.ts'
import { templateOf } from '../template-check.ts'
import { contentUnknown } from '../template-lint.ts'
import { hasTemplates, type SyncOutcome } from '../template-watch.ts'
import { accountFor } from './accept.ts'
import { audit } from './audit.ts'
import { type RouteParts, rawBody, requires } from './gateway.ts'
import { parseStrictJson } from './json.ts'
import { finding, languageOf, Problem } from './problems.ts'
import { queryOf } from './query.ts'
import { problemAnswers, security } from './schemas.ts'
import { checkTemplateData, faultView, warningView } from './template-data.ts'
import {
  LintInput,
  LintView,
  PreviewInput,
  PreviewView,
  SyncInput,
  SyncView,
  TemplateList,
  TemplateListQuery,
  TemplateSettings,
  TemplateView,
} from './template-schemas.ts'
import { changeSettings, templateAt } from './template-settings.ts'
import {
  channelOf,
  lintViews,
  placeOf,
  syncView,
  templateNamed,
  templateView,
  usedView,
} from './template-view.ts'
import { queryValidator, validator } from './validate.ts'

const listQuery = queryValidator(TemplateListQuery)
const syncInput = validator(SyncInput)
const previewInput = validator(PreviewInput)
const lintInput = validator(LintInput)

export const templateRoutes = (app: FastifyInstance, parts: RouteParts): void => {
  const { directory } = parts

  app.get(
    '/v1/templates',
    { schema: listSchema, preValidation: requires(parts, 'read') },
    async (request) => {
      const { account: name } = listQuery(queryOf(request))
      const { tenant } = request.caller
      const accounts = accountsFor(directory, tenant, name)
      return {
        data: accounts.flatMap((account) =>
          account.templates.map((template) => templateView(account, template)),
        ),
        accounts: accounts.map(usedView),
      }
    },
  )

  app.get(
    '/v1/templates/:account/:id',
    { schema: getSchema, preValidation: requires(parts, 'read') },
    async (request) => {
      const { account, template } = templateAt(request, directory)
      return templateView(account, template)
    },
  )

  for (const method of ['PUT', 'PATCH'] as const)
    app.route({
      method,
      url: '/v1/templates/:account/:id',
      schema: changeSchema(method),
      preValidation: requires(parts, 'admin'),
      handler: (request) => changeSettings(request, parts, method),
    })

  app.post('/v1/templates/sync', { schema: syncSchema, preValidation: requires(parts, 'admin') }, (request) =>
    sync(request, parts),
  )

  app.post(
    '/v1/templates/preview',
    { schema: previewSchema, preValidation: requires(parts, 'read') },
    async (request) => preview(request, directory),
  )

  app.post(
    '/v1/templates/lint',
    { schema: lintSchema, preValidation: requires(parts, 'read') },
    async (request) => lint(request, parts),
  )
}

/** The one that is named, or all that have templates. */
const accountsFor = (directory: Directory, tenant: string, name: string | undefined): readonly Account[] =>
  name === undefined ? directory.accounts(tenant).filter(hasTemplates) : [accountFor(directory, tenant, name)]

const sync = async (request: FastifyRequest, parts: RouteParts) => {
  const { directory, syncTemplates } = parts
  const { account: name } = syncInput(parseStrictJson(rawBody(request)))
  const account = accountFor(directory, request.caller.tenant, name)
  if (!hasTemplates(account))
    throw finding('value-invalid', '/account', `An account of kind ${account.kind} has no templates`)
  const outcome: SyncOutcome = (await syncTemplates?.(account.appid)) ?? { kind: 'failed', failures: [] }
  switch (outcome.kind) {
    case 'synced':
      audit(parts, request, 'template.sync', `account/${account.appid}`)
      return syncView(directory.account(account.appid) ?? account, outcome)
    case 'not-applicable':
      throw new Problem('not-found')
    case 'failed':
      throw unsynced(outcome)
  }
}

const unsynced = ({ failures }: SyncOutcome & { kind: 'failed' }): Problem => {
  const refusal = failures.find(({ errcode }) => errcode !== undefined)
  if (refusal === undefined)
    return new Problem('try-later', {
      detail: `WeChat did not give the list: ${failures.map(({ error }) => error).join(', ')}`,
      retryAfterSeconds: 30,
    })
  return new Problem('wechat-refused', {
    detail: `WeChat refused the list: ${refusal.errcode} ${refusal.error}`,
    members: { errcode: refusal.errcode },
  })
}

const preview = (request: FastifyRequest, directory: Directory) => {
  const { account: name, template_id, data, shorten } = previewInput(parseStrictJson(rawBody(request)))
  const account = accountFor(directory, request.caller.tenant, name)
  const known = templateNamed(account, template_id)
  const channel = channelOf(account, known)
  const language = languageOf(request.headers['accept-language'])
  const checked = checkTemplateData(data, { known, channel, shorten })
  const template = templateOf(known)
  const warnings = checked.warnings.map((warning) => warningView(warning, language))
  if (template === undefined)
    warnings.push({
      pointer: '/template_id',
      code: 'content-unknown',
      message: contentUnknown[language],
    })
  return {
    // Without the text there are no labels, so each key stands for its own.
    lines: template
      ? previewOf(template, checked.data, channel === 'template')
      : Object.entries(checked.data).map(([label, { value }]) => ({ label, value })),
    warnings,
    faults: checked.faults.map((fault) => faultView(fault, language)),
  }
}

const lint = (request: FastifyRequest, { directory, clock }: RouteParts) => {
  const { account: name, template_id, data } = lintInput(parseStrictJson(rawBody(request)))
  if (template_id !== undefined && name === undefined)
    throw finding('missing-field', '/account', 'A template needs the account it belongs to')
  if (data !== undefined && template_id === undefined)
    throw finding('missing-field', '/template_id', 'Data needs the template it is for')
  const language = languageOf(request.headers['accept-language'])
  const accounts = accountsFor(directory, request.caller.tenant, name)
  const places = accounts.flatMap((account) =>
    (template_id === undefined ? account.templates : [templateNamed(account, template_id)]).map(
      (template) => ({ account, template }),
    ),
  )
  return {
    templates: places.length,
    findings: places.flatMap(({ account, template }) => [
      ...lintViews(account, template, clock.now(), language),
      ...(data === undefined ? [] : dataViews(account, template, data, language)),
    ]),
  }
}

const dataViews = (
  account: Account,
  known: KnownTemplate,
  data: Parameters<typeof checkTemplateData>[0],
  language: ReturnType<typeof languageOf>,
) => {
  const { faults, warnings } = checkTemplateData(data, {
    known,
    channel: channelOf(account, known),
    shorten: undefined,
  })
  return [
    ...faults.map((fault) => ({ severity: 'error' as const, ...faultView(fault, language) })),
    ...warnings
      .filter(({ code }) => code !== 'template-missing')
      .map((warning) => ({ severity: 'warning' as const, ...warningView(warning, language) })),
  ].map((each) => ({ ...placeOf(account, known), ...each }))
}

const tags = ['templates']

const listSchema = {
  tags,
  security,
  summary: 'The templates, and how many each account may still have',
  querystring: TemplateListQuery,
  response: { 200: TemplateList, ...problemAnswers },
}

const params = Type.Object({
  account: Type.String({ description: 'Name or appid.' }),
  id: Type.String({ description: 'Template id or alias.' }),
})

const getSchema = {
  tags,
  security,
  summary: 'A template',
  params,
  response: { 200: TemplateView, ...problemAnswers },
}

const changeSchema = (method: 'PUT' | 'PATCH') => ({
  tags,
  security,
  summary:
    method === 'PUT'
      ? 'Set what you say of a template; what is not named is taken away'
      : 'Change what you say of a template; null takes a setting away',
  params,
  body: TemplateSettings,
  response: { 200: TemplateView, ...problemAnswers },
})

const syncSchema = {
  tags,
  security,
  summary: 'Ask WeChat for the templates of an account',
  body: SyncInput,
  response: { 200: SyncView, ...problemAnswers },
}

const previewSchema = {
  tags,
  security,
  summary: 'What a user would see, and what is wrong with the data',
  body: PreviewInput,
  response: { 200: PreviewView, ...problemAnswers },
}

const lintSchema = {
  tags,
  security,
  summary: 'What is wrong with the templates, or with data for one of them',
  body: LintInput,
  response: { 200: LintView, ...problemAnswers },
}
