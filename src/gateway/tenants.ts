/** Tenants, for whoever operates the installation. The scope `operator` opens these routes, and `admin` never does. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { Directory } from '../directory.ts'
import { changedLimits, type LimitsChange, type Tenant } from '../tenants.ts'
import {
  KeyInput,
  NewKeyView,
  TenantChange,
  TenantInput,
  type TenantLimitsInput,
  TenantView,
} from './access-schemas.ts'
import { audit } from './audit.ts'
import { type RouteParts, rawBody, requires } from './gateway.ts'
import { parseStrictJson } from './json.ts'
import { keyAskedFor, newKeyView } from './keys.ts'
import { finding, Problem } from './problems.ts'
import { checkRoom } from './room.ts'
import { problemAnswers, security } from './schemas.ts'
import { validator } from './validate.ts'
import { timeText } from './view.ts'

const validateInput = validator(TenantInput)
const validateChange = validator(TenantChange)

export const tenantRoutes = (app: FastifyInstance, parts: RouteParts): void => {
  const { directory, clock } = parts
  const operator = { preValidation: requires(parts, 'operator') }

  app.get('/v1/tenants', { ...operator, schema: listSchema }, async () => ({
    data: directory.tenants().map((tenant) => tenantView(tenant, directory)),
  }))

  app.post('/v1/tenants', { ...operator, schema: createSchema }, async (request, reply) => {
    const { id, name = id, limits } = validateInput(parseStrictJson(rawBody(request)))
    const tenant = {
      id,
      name,
      createdAt: clock.now(),
      limits: checkedLimits(changedLimits({}, limitsOf(limits))),
    }
    await directory.putTenant(() => {
      if (directory.tenant(id)) throw new Problem('already-exists', { detail: `There is a tenant ${id}` })
      return tenant
    })
    audit(parts, request, 'tenant.create', `tenant/${id}`)
    return reply.code(201).header('Location', `/v1/tenants/${id}`).send(tenantView(tenant, directory))
  })

  app.get('/v1/tenants/:id', { ...operator, schema: getSchema }, async (request) =>
    tenantView(tenantOf(request, directory), directory),
  )

  app.patch('/v1/tenants/:id', { ...operator, schema: changeSchema }, async (request) => {
    const change = validateChange(parseStrictJson(rawBody(request)))
    const tenant = await directory.putTenant(() => {
      const present = tenantOf(request, directory)
      if (change.disabled && present.id === request.caller.tenant)
        throw new Problem('forbidden', { detail: 'A key cannot disable its own tenant' })
      return {
        ...present,
        name: change.name ?? present.name,
        disabled: change.disabled ?? present.disabled ?? false,
        limits: checkedLimits(changedLimits(present.limits, limitsOf(change.limits))),
      }
    })
    audit(parts, request, 'tenant.update', `tenant/${tenant.id}`)
    return tenantView(tenant, directory)
  })

  app.post('/v1/tenants/:id/keys', { ...operator, schema: keySchema }, async (request, reply) => {
    const tenant = tenantOf(request, directory).id
    const key = keyAskedFor(request, { tenant, now: clock.now(), mayGive: tenant === request.caller.tenant })
    await directory.putKey(() => {
      checkRoom(directory, tenant, 'keys')
      return key
    })
    audit(parts, request, 'key.create', `tenant/${tenant}/key/${key.id}`)
    return reply.code(201).send(newKeyView(key, parts))
  })
}

const tenantOf = ({ params }: FastifyRequest, directory: Directory): Tenant => {
  const tenant = directory.tenant((params as { id: string }).id)
  if (!tenant) throw new Problem('not-found')
  return tenant
}

const limitsOf = ({
  messages_per_second: messagesPerSecond,
  burst,
  accounts,
  keys,
}: TenantLimitsInput = {}): LimitsChange => ({
  ...(messagesPerSecond !== undefined && { messagesPerSecond }),
  ...(burst !== undefined && { burst }),
  ...(accounts !== undefined && { accounts }),
  ...(keys !== undefined && { keys }),
})

/** A burst alone would limit nothing, and its owner would think otherwise. */
const checkedLimits = (limits: NonNullable<Tenant['limits']>): NonNullable<Tenant['limits']> => {
  if (limits.burst !== undefined && limits.messagesPerSecond === undefined)
    throw finding('value-invalid', '/limits/burst', 'It needs messages_per_second')
  return limits
}

const tenantView = ({ id, name, createdAt, disabled, limits = {} }: Tenant, directory: Directory) => ({
  id,
  name,
  created_at: timeText(createdAt),
  disabled: disabled ?? false,
  limits: {
    messages_per_second: limits.messagesPerSecond ?? null,
    burst: limits.burst ?? null,
    accounts: limits.accounts ?? null,
    keys: limits.keys ?? null,
  },
  accounts: directory.accounts(id).length,
  keys: directory.keys(id).length,
})

const tags = ['tenants']
const idParams = Type.Object({ id: Type.String() })

const listSchema = {
  tags,
  security,
  summary: 'The tenants',
  response: { 200: Type.Object({ data: Type.Array(TenantView) }), ...problemAnswers },
}

const createSchema = {
  tags,
  security,
  summary: 'Make a tenant',
  body: TenantInput,
  response: { 201: TenantView, ...problemAnswers },
}

const getSchema = {
  tags,
  security,
  summary: 'A tenant, its limits and what it has',
  params: idParams,
  response: { 200: TenantView, ...problemAnswers },
}

const changeSchema = {
  tags,
  security,
  summary: 'Rename a tenant, limit it, disable it or enable it again',
  params: idParams,
  body: TenantChange,
  response: { 200: TenantView, ...problemAnswers },
}

const keySchema = {
  tags,
  security,
  summary: 'Make a key of a tenant: its first, with which it makes the others itself',
  params: idParams,
  body: KeyInput,
  response: { 201: NewKeyView, ...problemAnswers },
}
