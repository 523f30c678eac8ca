import Fastify from 'fastify'
import Type from 'typebox'
import { MessageInput } from '../src/gateway/schemas.ts'

const Accepted = Type.Object({ id: Type.String(), state: Type.String(), duplicate: Type.Boolean() })
const accepted = { id: 'msg_01890a5d7c1e7b3e8f2a4c6d8e0f1a2b', state: 'queued', duplicate: false }

/**
 * The least that an HTTP service in Fastify can do with a message: check it against the schema and answer.
 * Nobody is authenticated and nothing is kept. `onMessages` is told how many came.
 */
export const startBareFastify = async (onMessages: (count: number) => void): Promise<string> => {
  const app = Fastify({ keepAliveTimeout: 72_000 })
  app.post('/single', { schema: { body: MessageInput, response: { 202: Accepted } } }, (_request, reply) => {
    onMessages(1)
    return reply.code(202).send(accepted)
  })

  const Many = Type.Array(MessageInput, { minItems: 1, maxItems: 1000 })
  const ManyAccepted = Type.Object({
    accepted: Type.Integer(),
    rejected: Type.Integer(),
    results: Type.Array(Accepted),
  })
  app.post<{ Body: readonly MessageInput[] }>(
    '/array',
    { schema: { body: Many, response: { 202: ManyAccepted } } },
    ({ body }, reply) => {
      onMessages(body.length)
      return reply.code(202).send({ accepted: body.length, rejected: 0, results: body.map(() => accepted) })
    },
  )
  return app.listen({ host: '127.0.0.1', port: 0 })
}
