import { randomBytes } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import type { AccessKey, Scope } from '../directory.ts'
import { bearerOf } from './auth.ts'
import { type RouteParts, rawBody, requires } from './gateway.ts'
import { parseStrictJson } from './json.ts'
import { Problem } from './problems.ts'
import { KeyInput, KeyView, NewKeyView, problemAnswers, security } from './schemas.ts'
import { trust, validator } from './validate.ts'
import { timeText } from './view.ts'

const validate = validator(KeyInput)
const tags = ['keys']

/** A key with a fresh secret: 32 random bytes. */
export const newKey = (options: {
  readonly tenant: string
  readonly name: string
  readonly scopes: readonly Scope[]
  readonly now: number
}): AccessKey => ({
  id: `key_${randomBytes(10).toString('hex')}`,
  tenant: options.tenant,
  name: options.name,
  scopes: options.scopes,
  secrets: [randomBytes(32).toString('base64url')],
  createdAt: options.now,
})

export const keyRoutes = (app: FastifyInstance, parts: RouteParts): void => {
  const { directory, clock } = parts
  const admin = { preValidation: requires(parts, 'admin') }

  app.get(
    '/v1/keys',
    {
      ...admin,
      schema: {
        tags,
        security,
        summary: 'The keys',
        response: { 200: Type.Object({ data: Type.Array(KeyView) }), ...problemAnswers },
      },
    },
    async ({ caller }) => ({ data: directory.keys(caller.tenant).map(keyView) }),
  )

  app.post(
    '/v1/keys',
    {
      ...admin,
      validatorCompiler: trust,
      schema: {
        tags,
        security,
        summary: 'Make a key',
        body: KeyInput,
        response: { 201: NewKeyView, ...problemAnswers },
      },
    },
    async (request, reply) => {
      const { name, scopes } = validate(parseStrictJson(rawBody(request)))
      const key = newKey({ tenant: request.caller.tenant, name, scopes, now: clock.now() })
      await directory.putKey(key)
      return reply.code(201).send({ ...keyView(key), secret: key.secrets[0], bearer: bearerOf(key) })
    },
  )

  app.delete(
    '/v1/keys/:id',
    {
      ...admin,
      schema: {
        tags,
        security,
        summary: 'Take a key out of use',
        response: { 204: Type.Null(), ...problemAnswers },
      },
    },
    async (request, reply) => {
      const { id } = request.params as { id: string }
      if (directory.key(id)?.tenant !== request.caller.tenant) throw new Problem('not-found')
      if (id === request.caller.keyId)
        throw new Problem('forbidden', { detail: 'A key cannot remove itself' })
      await directory.removeKey(id)
      return reply.code(204).send()
    },
  )
}

const keyView = ({ id, name, scopes, createdAt }: AccessKey) => ({
  id,
  name,
  scopes: [...scopes],
  created_at: timeText(createdAt),
})
