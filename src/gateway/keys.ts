import { randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { AccessKey, Directory, Scope } from '../directory.ts'
import { olderSecretUntil, rotated } from '../keys.ts'
import { parseTime } from './accept.ts'
import { KeyInput, KeyView, NewKeyView, RotateInput } from './access-schemas.ts'
import { audit } from './audit.ts'
import { bearerOf, type Caller } from './auth.ts'
import { type RouteParts, rawBody, requires } from './gateway.ts'
import { parseStrictJson } from './json.ts'
import { finding, Problem } from './problems.ts'
import { checkRoom } from './room.ts'
import { problemAnswers, security } from './schemas.ts'
import { validator } from './validate.ts'
import { timeText } from './view.ts'

const validate = validator(KeyInput)
const validateRotation = validator(RotateInput)
const tags = ['keys']
const defaultOverlapSeconds = 86_400

const newSecret = (): string => randomBytes(32).toString('base64url')

/** A key with a fresh secret: 32 random bytes. */
export const newKey = (options: {
  readonly tenant: string
  readonly name: string
  readonly scopes: readonly Scope[]
  readonly now: number
  readonly expiresAt?: number
}): AccessKey => ({
  id: `key_${randomBytes(10).toString('hex')}`,
  tenant: options.tenant,
  name: options.name,
  scopes: options.scopes,
  secrets: [newSecret()],
  createdAt: options.now,
  ...(options.expiresAt !== undefined && { expiresAt: options.expiresAt }),
})

/** A key as the body asks for it. Throws a `Problem` when the body is not right, or the caller may not give such a key. */
export const keyAskedFor = (
  request: FastifyRequest,
  { tenant, now, mayGive }: { readonly tenant: string; readonly now: number; readonly mayGive: boolean },
): AccessKey => {
  const { name, scopes, expires_at } = validate(parseStrictJson(rawBody(request)))
  if (scopes.includes('operator') && !mayGive)
    throw new Problem('forbidden', {
      detail: 'Only a key with the scope operator can give it, in its own tenant',
    })
  const expiresAt = parseTime(expires_at, '/expires_at')
  if (expiresAt !== undefined && expiresAt <= now)
    throw finding('value-invalid', '/expires_at', 'Must lie after now')
  return newKey({ tenant, name, scopes, now, ...(expiresAt !== undefined && { expiresAt }) })
}

export const keyRoutes = (app: FastifyInstance, parts: RouteParts): void => {
  const { directory, clock, keyUse } = parts
  const admin = { preValidation: requires(parts, 'admin') }

  app.get('/v1/keys', { ...admin, schema: listSchema }, async ({ caller }) => ({
    data: directory.keys(caller.tenant).map((key) => keyView(key, parts)),
  }))

  app.post('/v1/keys', { ...admin, schema: createSchema }, async (request, reply) => {
    const { tenant, keyId } = request.caller
    const mayGive = directory.key(keyId)?.scopes.includes('operator') === true
    const key = keyAskedFor(request, { tenant, now: clock.now(), mayGive })
    await directory.putKey(() => {
      checkRoom(directory, tenant, 'keys')
      return key
    })
    audit(parts, request, 'key.create', `key/${key.id}`)
    return reply.code(201).send(newKeyView(key, parts))
  })

  app.post('/v1/keys/:id/rotate', { ...admin, schema: rotateSchema }, async (request) => {
    const overlapMs = overlapSecondsOf(request) * 1000
    const key = await directory.putKey(() => {
      const present = keyOf(request, directory)
      checkMayTouch(present, request.caller, directory)
      return rotated(present, { secret: newSecret(), now: clock.now(), overlapMs })
    })
    audit(parts, request, 'key.rotate', `key/${key.id}`)
    return newKeyView(key, parts)
  })

  app.delete('/v1/keys/:id', { ...admin, schema: removeSchema }, async (request, reply) => {
    const { id } = keyOf(request, directory)
    if (id === request.caller.keyId) throw new Problem('forbidden', { detail: 'A key cannot remove itself' })
    await directory.removeKey(() => {
      checkMayTouch(keyOf(request, directory), request.caller, directory)
      return id
    })
    keyUse.forget(id)
    audit(parts, request, 'key.remove', `key/${id}`)
    return reply.code(204).send()
  })
}

/** A key of the caller's tenant. Another's does not exist here. */
const keyOf = ({ params, caller }: FastifyRequest, directory: Directory): AccessKey => {
  const key = directory.key((params as { id: string }).id)
  if (key?.tenant !== caller.tenant) throw new Problem('not-found')
  return key
}

/** Whoever rotates a key holds its new secret: an admin must not become an operator by that, or lock one out. */
const checkMayTouch = (key: AccessKey, { keyId }: Caller, directory: Directory): void => {
  if (key.scopes.includes('operator') && !directory.key(keyId)?.scopes.includes('operator'))
    throw new Problem('forbidden', {
      detail: 'Only a key with the scope operator can change one that has it',
    })
}

const overlapSecondsOf = (request: FastifyRequest): number => {
  if (request.body === undefined) return defaultOverlapSeconds
  const { overlap_seconds = defaultOverlapSeconds } = validateRotation(parseStrictJson(rawBody(request)))
  return overlap_seconds
}

type ViewParts = Pick<RouteParts, 'clock' | 'keyUse'>

const orNull = (at: number | undefined): string | null => (at === undefined ? null : timeText(at))

const keyView = (key: AccessKey, { clock, keyUse }: ViewParts) => ({
  id: key.id,
  name: key.name,
  scopes: [...key.scopes],
  created_at: timeText(key.createdAt),
  expires_at: orNull(key.expiresAt),
  last_used: orNull(keyUse.lastUsed(key.id)),
  old_secret_until: orNull(olderSecretUntil(key, clock.now())),
})

/** With the secret, which is shown in the answer that it was made for and never again. */
export const newKeyView = (key: AccessKey, parts: ViewParts) => ({
  ...keyView(key, parts),
  secret: key.secrets[0]!,
  bearer: bearerOf(key),
})

const idParams = Type.Object({ id: Type.String({ description: '`key_…`' }) })

const listSchema = {
  tags,
  security,
  summary: 'The keys',
  response: { 200: Type.Object({ data: Type.Array(KeyView) }), ...problemAnswers },
}

const createSchema = {
  tags,
  security,
  summary: 'Make a key',
  body: KeyInput,
  response: { 201: NewKeyView, ...problemAnswers },
}

const rotateSchema = {
  tags,
  security,
  summary: 'Give a key a new secret; the one before it counts for a while longer',
  description:
    'A key has two live secrets at most: rotating it again during an overlap drops the oldest at once.',
  params: idParams,
  body: Type.Optional(RotateInput),
  response: { 200: NewKeyView, ...problemAnswers },
}

const removeSchema = {
  tags,
  security,
  summary: 'Take a key out of use',
  params: idParams,
  response: { 204: Type.Null(), ...problemAnswers },
}
