import type { TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { createApp, type GatewayParts } from '../../src/gateway/gateway.ts'
import { createObserver } from '../../src/observe.ts'

/** Routes and schemas only; nothing behind them is asked. */
export const openApp = async (t: TestContext): Promise<FastifyInstance> => {
  const parts = { observer: createObserver(), version: '1.2.3', allowBearer: true } as unknown as GatewayParts
  const app = await createApp(parts)
  t.after(() => app.close())
  return app
}

/** `GET /v1/keys` and so on, from the tree that the framework prints. */
export const routesOf = (app: FastifyInstance): readonly string[] => {
  const parents: string[] = []
  return app
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap((line) => {
      const match = /^([│├└─\s]*)(\S+)(?: \(([A-Z, ]+)\))?/.exec(line)
      if (!match) return []
      const depth = match[1]!.length / 4
      parents.length = depth
      parents[depth] = match[2]!
      const path = parents.join('')
      return (match[3]?.split(', ') ?? []).map((method) => `${method} ${path}`)
    })
}
