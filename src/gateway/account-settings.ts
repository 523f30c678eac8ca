/** Reads what callers say of an account, whole or in part, and holds it to what makes sense together. */
import { randomBytes } from 'node:crypto'
import type { Account, CallbackSettings } from '../directory.ts'
import { mergeDeclared } from '../template-sync.ts'
import { newWebhookSecret, webhookKeyOf } from '../webhook-signature.ts'
import type { AccountChange, AccountInput } from './account-schemas.ts'
import { Problem, type ProblemDetail } from './problems.ts'

interface Surroundings {
  readonly tenant: string
  /** The platform of this name or appid, among the tenant's own accounts. */
  readonly platformOf: (nameOrAppid: string) => Account | undefined
  /** What is wrong with the address of a webhook. */
  readonly webhookFault: (url: string) => string | undefined
}

/**
 * The account that this describes, in place of one that is there already. What the account has earned stays: its
 * ticket, its refresh token while the platform is the same, and what was not mentioned of callback, limits,
 * grants and templates. Throws a `Problem` that names every field at fault.
 */
export const accountOf = (
  input: AccountInput,
  present: Account | undefined,
  around: Surroundings,
): Account => {
  const tokenApi = input.token_api ?? 'stable'
  const faults = [...faultsOfKind(input, tokenApi), ...faultsOfFields(input, around)]
  const authorizedBy = authorizationOf(input, present, around)
  if (authorizedBy === 'unknown') faults.push(noPlatform)
  if (faults.length > 0) throw problemOf(faults)
  const { token_endpoint: endpoint, callback, limits, templates } = input
  const grantsFrom = input.grants_from ?? present?.grantsFrom
  return {
    appid: input.appid ?? present?.appid ?? newWebhookId(),
    tenant: around.tenant,
    name: input.name,
    kind: input.kind,
    secret: input.secret ?? (input.kind === 'webhook' ? (present?.secret ?? newWebhookSecret()) : ''),
    tokenApi,
    ...(endpoint && { tokenEndpoint: endpoint }),
    ...(authorizedBy && authorizedBy !== 'unknown' && { authorizedBy }),
    ...(present?.componentTicket && { componentTicket: present.componentTicket }),
    ...optional('callback', callback ? callbackOf(callback) : present?.callback),
    ...optional('grantsFrom', grantsFrom),
    ...optional('limits', limits ? limitsOf(limits) : present?.limits),
    ...optional('url', input.url),
    templates: templates
      ? mergeDeclared(present?.templates ?? [], templates.map(templateOf))
      : (present?.templates ?? []),
  }
}

/** The account with these of its settings changed. Throws as `accountOf` does. */
export const changedAccount = (present: Account, change: AccountChange, around: Surroundings): Account => {
  const { tokenEndpoint, authorizedBy, callback, limits } = present
  const url = change.token_endpoint?.url ?? tokenEndpoint?.url
  const authorization = change.token_endpoint?.authorization ?? tokenEndpoint?.authorization
  if (movesSecret(tokenEndpoint, change)) throw problemOf([secretMustBeRepeated])
  const tokenApi = change.token_api ?? present.tokenApi
  const component = change.component ?? authorizedBy?.component
  const secret = change.secret ?? present.secret
  const merged = {
    name: change.name ?? present.name,
    appid: present.appid,
    kind: present.kind,
    ...(secret !== '' && { secret }),
    ...(change.token_api !== undefined || isOfWechat(present.kind) ? { token_api: tokenApi } : {}),
    ...((change.token_endpoint || tokenApi === 'foreign') &&
      url !== undefined && { token_endpoint: { url, ...optional('authorization', authorization) } }),
    ...((change.component || tokenApi === 'component') && optional('component', component)),
    ...optional('refresh_token', change.refresh_token),
    ...optional('url', change.url ?? present.url),
    ...(change.callback && { callback: { ...callbackInput(callback), ...change.callback } }),
    ...optional('grants_from', change.grants_from),
    ...(change.limits && { limits: { ...limitsInput(limits), ...change.limits } }),
    ...optional('templates', change.templates),
  }
  const { callback: merging } = merged
  if (merging && (merging.token === undefined || merging.mode === undefined))
    throw problemOf([fault('missing-field', '/callback', 'A callback needs token and mode')])
  if (change.token_endpoint && url === undefined)
    throw problemOf([fault('missing-field', '/token_endpoint/url', 'This field is required')])
  return accountOf(merged as AccountInput, present, around)
}

const isOfWechat = (kind: Account['kind']): boolean => kind === 'official' || kind === 'miniprogram'

/** What fits together, by kind and by where the tokens come from. */
const faultsOfKind = (input: AccountInput, tokenApi: Account['tokenApi']): ProblemDetail[] => {
  const { kind } = input
  const needed: string[] = kind === 'webhook' ? ['url'] : ['appid']
  const foreign = new Set<keyof AccountInput>(['url', 'token_endpoint', 'component', 'refresh_token'])
  if (kind === 'webhook') {
    foreign.delete('url')
    for (const field of ['token_api', 'callback', 'grants_from'] as const) foreign.add(field)
  } else if (kind === 'component') {
    needed.push('secret')
    for (const field of ['token_api', 'grants_from', 'limits'] as const) foreign.add(field)
  } else if (tokenApi === 'foreign') {
    needed.push('token_endpoint')
    foreign.delete('token_endpoint')
  } else if (tokenApi === 'component') {
    needed.push('component')
    foreign.delete('component')
    foreign.delete('refresh_token')
  } else needed.push('secret')
  const of = isOfWechat(kind) ? `${kind} with token_api ${tokenApi}` : kind
  const fields = input as Readonly<Record<string, unknown>>
  return [
    ...needed
      .filter((field) => fields[field] === undefined)
      .map((field) => fault('missing-field', `/${field}`, `An account of kind ${of} needs it`)),
    ...[...foreign]
      .filter((field) => fields[field] !== undefined)
      .map((field) => fault('value-invalid', `/${field}`, `An account of kind ${of} has none`)),
    ...(kind === 'component' && input.templates?.length ? [noTemplates] : []),
  ]
}

const faultsOfFields = (
  { kind, appid, secret, url, token_endpoint: endpoint, callback }: AccountInput,
  { webhookFault }: Surroundings,
): ProblemDetail[] => {
  const faults: ProblemDetail[] = []
  if (appid !== undefined && appid.startsWith('wh_') !== (kind === 'webhook'))
    faults.push(fault('value-invalid', '/appid', 'This is not an appid of that kind'))
  if (kind === 'webhook' && secret !== undefined && webhookKeyOf(secret) === undefined)
    faults.push(fault('value-invalid', '/secret', 'Must be whsec_ and the base64 of 24 to 64 bytes'))
  const urlFault = url === undefined ? undefined : webhookFault(url)
  if (urlFault !== undefined) faults.push(fault('value-invalid', '/url', urlFault))
  if (endpoint && !isHttpUrl(endpoint.url)) faults.push(noUrl('/token_endpoint/url'))
  if (endpoint?.authorization !== undefined && !/^[\x20-\x7e]+$/.test(endpoint.authorization))
    faults.push(
      fault('value-invalid', '/token_endpoint/authorization', 'A header holds plain characters only'),
    )
  if (callback && callback.mode !== 'plain' && !callback.aes_keys?.length)
    faults.push(fault('missing-field', '/callback/aes_keys', `Mode ${callback.mode} needs a key`))
  return faults
}

const authorizationOf = (
  { token_api, component, refresh_token }: AccountInput,
  present: Account | undefined,
  { platformOf }: Surroundings,
): Account['authorizedBy'] | 'unknown' => {
  if (token_api !== 'component' || component === undefined) return undefined
  const platform = platformOf(component)
  if (platform?.kind !== 'component') return 'unknown'
  const known = present?.authorizedBy?.component === platform.appid ? present.authorizedBy : undefined
  return { component: platform.appid, refreshToken: refresh_token ?? known?.refreshToken ?? '' }
}

/** Whether a secret that we were given for one server would go to another now. */
const movesSecret = (present: Account['tokenEndpoint'], { token_endpoint: change }: AccountChange): boolean =>
  present?.authorization !== undefined &&
  change?.url !== undefined &&
  change.authorization === undefined &&
  (!isHttpUrl(change.url) || new URL(change.url).origin !== new URL(present.url).origin)

const isHttpUrl = (text: string): boolean => {
  if (!URL.canParse(text)) return false
  const { protocol, username, password } = new URL(text)
  return (protocol === 'http:' || protocol === 'https:') && username === '' && password === ''
}

const newWebhookId = (): string => `wh_${randomBytes(8).toString('hex')}`
const callbackOf = ({ token, aes_keys, mode }: NonNullable<AccountInput['callback']>): CallbackSettings => ({
  token,
  aesKeys: aes_keys ?? [],
  mode,
})

const callbackInput = (callback: CallbackSettings | undefined) =>
  callback && { token: callback.token, aes_keys: [...callback.aesKeys], mode: callback.mode }

const limitsOf = ({ daily, per_minute, urgent_share }: NonNullable<AccountInput['limits']>) => ({
  ...optional('daily', daily),
  ...optional('perMinute', per_minute),
  ...optional('urgentShare', urgent_share),
})

const limitsInput = (limits: Account['limits']) =>
  limits && {
    ...optional('daily', limits.daily),
    ...optional('per_minute', limits.perMinute),
    ...optional('urgent_share', limits.urgentShare),
  }

const templateOf = ({
  template_id,
  alias,
  title,
}: NonNullable<AccountInput['templates']>[number]): Account['templates'][number] => ({
  templateId: template_id,
  ...optional('alias', alias),
  ...optional('title', title),
})

/** A field that is left out when it has no value. */
const optional = <Name extends string, Value>(name: Name, value: Value | undefined) =>
  (value === undefined ? {} : { [name]: value }) as { readonly [name in Name]?: Value }

const fault = (code: ProblemDetail['code'], pointer: string, message: string): ProblemDetail => ({
  pointer,
  code,
  message,
})
const noUrl = (pointer: string) =>
  fault('value-invalid', pointer, 'Must be an http or https address without a name and password')
const noPlatform = fault('value-invalid', '/component', 'There is no account of kind component by this name')
const noTemplates = fault('value-invalid', '/templates', 'A platform sends nothing itself')
const secretMustBeRepeated = fault(
  'missing-field',
  '/token_endpoint/authorization',
  'It was given for another server; repeat it for this one',
)

const problemOf = (errors: readonly ProblemDetail[]): Problem =>
  new Problem(errors[0]!.code, { detail: `${errors[0]!.pointer}: ${errors[0]!.message}`, errors })
