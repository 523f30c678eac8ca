import type { FastifyInstance } from 'fastify'
import type { RouteParts } from './gateway.ts'

/** What this process can do now. */
export interface Readiness {
  started: boolean
  /** Set when it begins to stop: it still answers, and asks load balancers to go elsewhere. */
  draining: boolean
  /** Why messages cannot be accepted durably, if so. */
  fault?: string
}

/** `live`: the event loop turns. `ready`: messages can be accepted durably. `startup`: everything is open. */
export const healthRoutes = (app: FastifyInstance, { readiness }: RouteParts): void => {
  const state = (ok: boolean) => ({ status: ok ? 'ok' : 'unavailable' })
  const options = { schema: { tags: ['health'] } }
  app.get('/livez', options, async () => state(true))
  app.get('/readyz', options, async (_request, reply) => {
    const ok = readiness.started && !readiness.draining && readiness.fault === undefined
    return reply.code(ok ? 200 : 503).send(state(ok))
  })
  app.get('/startupz', options, async (_request, reply) =>
    reply.code(readiness.started ? 200 : 503).send(state(readiness.started)),
  )
}
