import { hash, timingSafeEqual } from 'node:crypto'
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import Type from 'typebox'
import { MessageInput } from '../../src/gateway/schemas.ts'
import { jobIdOf, type MessageQueue } from './queue.ts'

const Accepted = Type.Object({ id: Type.String(), state: Type.String() })
const ManyAccepted = Type.Object({ accepted: Type.Integer(), results: Type.Array(Accepted) })

/** The HTTP API of the peer: Bearer, schema, one job or many, and what became of one. */
export const startPeerGateway = async (queue: MessageQueue, bearer: string): Promise<string> => {
  const app = Fastify({ bodyLimit: 1024 * 1024, keepAliveTimeout: 72_000 })
  app.addHook('onRequest', createBearerCheck(bearer))

  app.post<{ Body: MessageInput }>(
    '/messages',
    { schema: { body: MessageInput, response: { 202: Accepted } } },
    async ({ body }, reply) => {
      const { id } = await queue.add('send', body, jobIdOf(body))
      return reply.code(202).send({ id, state: 'queued' })
    },
  )

  const Many = Type.Array(MessageInput, { minItems: 1, maxItems: 1000 })
  app.post<{ Body: readonly MessageInput[] }>(
    '/messages/many',
    { schema: { body: Many, response: { 202: ManyAccepted } } },
    async ({ body }, reply) => {
      const jobs = await queue.addBulk(
        body.map((data) => ({ name: 'send' as const, data, opts: jobIdOf(data) })),
      )
      const results = jobs.map(({ id }) => ({ id, state: 'queued' }))
      return reply.code(202).send({ accepted: results.length, results })
    },
  )

  app.get<{ Params: { id: string } }>('/messages/:id', async ({ params }, reply) => {
    const job = await queue.getJob(params.id)
    if (!job) return reply.code(404).send({ error: 'There is no such message' })
    const { id, data, returnvalue, failedReason, attemptsMade, timestamp, finishedOn } = job
    return {
      id,
      state: await job.getState(),
      data,
      returnvalue,
      failedReason,
      attemptsMade,
      timestamp,
      finishedOn,
    }
  })

  return app.listen({ host: '127.0.0.1', port: 0 })
}

const createBearerCheck = (bearer: string) => {
  const expected = hash('sha256', `Bearer ${bearer}`, 'buffer')
  return (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    const given = hash('sha256', request.headers.authorization ?? '', 'buffer')
    if (timingSafeEqual(expected, given)) done()
    else reply.code(401).send({ error: 'The key is not known' })
  }
}
