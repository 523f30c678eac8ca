/** What a tenant says of its templates: an alias, names of the keys, and how messages with them are treated. */
import type { FastifyRequest } from 'fastify'
import { type Account, type Directory, type KnownTemplate, knownTemplate } from '../directory.ts'
import { templateOf } from '../template-check.ts'
import { audit } from './audit.ts'
import { type RouteParts, rawBody } from './gateway.ts'
import { parseStrictJson } from './json.ts'
import { finding, Problem } from './problems.ts'
import { TemplateSettings } from './template-schemas.ts'
import { templateView } from './template-view.ts'
import { validator } from './validate.ts'

const settings = validator(TemplateSettings)

/** What the path names, which must be there. */
export const templateAt = (request: FastifyRequest, directory: Directory) => {
  const { account: name, id } = request.params as { account: string; id: string }
  const account = directory.accountOf(request.caller.tenant, name)
  const template = account && knownTemplate(account, id)
  if (template === undefined) throw new Problem('not-found')
  return { account: account!, template }
}

/** `PUT` takes away what is not named, `PATCH` leaves it. */
export const changeSettings = async (request: FastifyRequest, parts: RouteParts, method: 'PUT' | 'PATCH') => {
  const { directory } = parts
  const { account, template } = templateAt(request, directory)
  const input = settings(parseStrictJson(rawBody(request)))
  const changed = await directory.changeAccount(account.appid, (present) => {
    const before = knownTemplate(present, template.templateId)
    if (before === undefined || present.tenant !== account.tenant) throw new Problem('not-found')
    const after = withSettings(method === 'PUT' ? withoutSettings(before) : before, input)
    checkAlias(present, after)
    checkNames(after)
    return { ...present, templates: present.templates.map((each) => (each === before ? after : each)) }
  })
  const after = changed && knownTemplate(changed, template.templateId)
  if (after === undefined) throw new Problem('not-found')
  audit(parts, request, 'template.update', `account/${account.appid}/template/${template.templateId}`)
  return templateView(changed!, after)
}

const withoutSettings = ({ alias: _, names: __, whenNoGrant: ___, shorten: ____, ...rest }: KnownTemplate) =>
  rest as KnownTemplate

/** Null takes a setting away; what is not named stays. */
const withSettings = (template: KnownTemplate, input: TemplateSettings): KnownTemplate => {
  const { alias, names, when_no_grant: whenNoGrant, shorten } = input
  const given = Object.entries({ alias, names, whenNoGrant, shorten }).filter(
    ([, value]) => value !== undefined,
  )
  const result = Object.fromEntries([...Object.entries(template), ...given])
  return Object.fromEntries(
    Object.entries(result).filter(([, value]) => value !== null),
  ) as unknown as KnownTemplate
}

const checkAlias = ({ templates }: Account, { alias, templateId }: KnownTemplate): void => {
  const namesake = templates.find(
    (other) => other.templateId !== templateId && (other.alias === alias || other.templateId === alias),
  )
  if (alias !== undefined && namesake)
    throw new Problem('already-exists', { detail: `Another template goes by ${alias}` })
}

/** A name must stand for a key that is there, and must not hide another one. */
const checkNames = (template: KnownTemplate): void => {
  const byKey = templateOf(template)?.byKey
  if (byKey === undefined) return
  for (const [name, key] of Object.entries(template.names ?? {})) {
    if (!byKey.has(key))
      throw finding('value-invalid', `/names/${name}`, `Must be one of: ${[...byKey.keys()].join(', ')}`)
    if (byKey.has(name) && name !== key)
      throw finding('value-invalid', `/names/${name}`, 'The template has a key of this name')
  }
}
