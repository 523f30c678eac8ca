import type { FastifyInstance } from 'fastify'
import type { RouteParts } from './gateway.ts'

/** What this process can do now. */
export interface Readiness {
  started: boolean
  /** Set when it drains or begins to stop: it still answers, and asks load balancers to go elsewhere. */
  draining: boolean
  /** Why messages cannot be accepted durably, if so. */
  readonly fault?: () => string | undefined
}

/** How far the records of what is past are behind. */
export interface HistoryLag {
  /** That wait to be recorded. */
  readonly events: number
  /** Since when the oldest of them waits; absent when there is none. */
  readonly oldestAt?: number
}

/**
 * `live`: the event loop turns. `ready`: messages can be accepted durably; with a history, also how far that is behind,
 * which does not make it less ready. `startup`: everything is open.
 */
export const healthRoutes = (app: FastifyInstance, { readiness, historyLag, clock }: RouteParts): void => {
  const state = (ok: boolean) => ({ status: ok ? 'ok' : 'unavailable' })
  const lagView = () => {
    if (historyLag === undefined) return {}
    const { events, oldestAt } = historyLag()
    const lag_ms = oldestAt === undefined ? 0 : Math.max(0, clock.now() - oldestAt)
    return { history: { waiting: events, lag_ms } }
  }
  const options = { schema: { tags: ['health'] } }
  app.get('/livez', options, async () => state(true))
  app.get('/readyz', options, async (_request, reply) => {
    const ok = readiness.started && !readiness.draining && readiness.fault?.() === undefined
    const { status } = readiness.draining ? { status: 'draining' } : state(ok)
    return reply.code(ok ? 200 : 503).send({ status, ...lagView() })
  })
  app.get('/startupz', options, async (_request, reply) =>
    reply.code(readiness.started ? 200 : 503).send(state(readiness.started)),
  )
}
