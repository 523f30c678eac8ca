/** The HTTP API: puts routes, authentication, problems and limits together. It answers; it sends nothing itself. */
import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import type { Clock } from '../clock.ts'
import type { Coordination } from '../coordination.ts'
import type { Directory, Scope } from '../directory.ts'
import type { Ledger } from '../ledger.ts'
import type { Observer } from '../observe.ts'
import type { Queue } from '../queue.ts'
import { accountRoutes } from './accounts.ts'
import { watchRoutes } from './allowed-methods.ts'
import { type Authenticate, type Caller, createAuthenticate } from './auth.ts'
import { documentRoutes } from './documents.ts'
import { answerProblem, problemOf } from './failures.ts'
import { healthRoutes, type Readiness } from './health.ts'
import { keyRoutes } from './keys.ts'
import { messageRoutes } from './messages.ts'
import { Problem } from './problems.ts'
import { createWaiters } from './waiters.ts'

export interface GatewayParts {
  readonly queue: Queue
  readonly ledger: Ledger
  readonly coordination: Coordination
  readonly directory: Directory
  readonly observer: Observer
  readonly clock: Clock
  readonly readiness: Readiness
  /** Operations that wait for the store. */
  readonly pending: () => number
  readonly version: string
  readonly allowBearer: boolean
  readonly defaultLifeMs: number
}

/** What routes are given. */
export interface RouteParts extends GatewayParts {
  readonly authenticate: Authenticate
  readonly waiters: ReturnType<typeof createWaiters>
}

export interface Gateway {
  /** Without a trailing slash. */
  readonly url: string
  /** Takes no new connection, and resolves when the requests under way are answered. */
  close(): Promise<void>
}

/** The largest body: an array of messages. A single message has a limit of its own. */
const maxBodyBytes = 1024 * 1024
const maxConnections = 10_000

export const startGateway = async (
  parts: GatewayParts,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<Gateway> => {
  const app = await createApp(parts)
  await app.listen({ host, port })
  app.server.maxConnections = maxConnections
  const address = app.server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    async close() {
      app.server.closeIdleConnections()
      await app.close()
    },
  }
}

export const createApp = async (parts: GatewayParts): Promise<FastifyInstance> => {
  const app = Fastify({
    logger: false,
    genReqId: createRequestIds(),
    bodyLimit: maxBodyBytes,
    requestTimeout: 15_000,
    keepAliveTimeout: 72_000,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    exposeHeadRoutes: false,
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 1000, maxHeaderSize: 16_384 },
    routerOptions: { maxParamLength: 128 },
    frameworkErrors: (error, request, reply) => answerProblem(problemOf(error), request, reply),
    clientErrorHandler: answerBrokenRequest,
  })
  takeRawBodies(app)
  app.setErrorHandler((error, request, reply) => answerProblem(problemOf(error), request, reply))
  const allowedMethods = watchRoutes(app)
  app.setNotFoundHandler((request, reply) => answerProblem(missing(request, allowedMethods), request, reply))
  app.decorateRequest('caller')

  const routeParts: RouteParts = {
    ...parts,
    authenticate: createAuthenticate(parts),
    waiters: createWaiters(parts.observer),
  }
  await documentRoutes(app, routeParts)
  app.register(async (routes) => {
    healthRoutes(routes, routeParts)
    messageRoutes(routes, routeParts)
    keyRoutes(routes, routeParts)
    accountRoutes(routes, routeParts)
  })
  await app.ready()
  return app
}

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller
  }
}

/** A hook that lets a request through to its handler once its caller is known and has the scope. */
export const requires =
  ({ authenticate }: RouteParts, scope: Scope) =>
  async (request: FastifyRequest): Promise<void> => {
    request.caller = await authenticate(
      {
        method: request.method,
        url: request.raw.url ?? '',
        headers: request.headers,
        body: request.body as Buffer | undefined,
        address: request.ip,
      },
      scope,
    )
  }

/** Signatures are over raw bytes, so bodies reach the handlers as they came. */
const takeRawBodies = (app: FastifyInstance): void => {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    ['application/json', 'application/x-ndjson'],
    { parseAs: 'buffer' },
    (request: FastifyRequest, body: Buffer, done: (error: Error | null, body?: Buffer) => void) => {
      const encoding = request.headers['content-encoding']
      if (encoding !== undefined && encoding !== 'identity') done(new Problem('encoding-unsupported'))
      else done(null, body)
    },
  )
}

/** A known address with the wrong method is 405, an unknown one 404. */
const missing = (request: FastifyRequest, allowedMethods: (path: string) => readonly string[]): Problem => {
  const allowed = allowedMethods((request.raw.url ?? '').split('?', 1)[0]!)
  if (allowed.length === 0) return new Problem('not-found')
  return new Problem('method-not-allowed', { detail: `Allowed: ${allowed.join(', ')}` })
}

const createRequestIds = () => {
  const start = `req_${Date.now().toString(36)}${process.pid.toString(36)}`
  let count = 0
  return () => `${start}_${(++count).toString(36)}`
}

/** What Node's parser refuses never becomes a request; it is answered on the bare socket. */
const answerBrokenRequest = (error: Error & { code?: string }, socket: import('node:net').Socket): void => {
  const [status, code, text] = brokenRequests[error.code ?? ''] ?? [400, 'request-malformed', 'Bad Request']
  if (!socket.writable || socket.destroyed) return
  const body = JSON.stringify({ type: `urn:hongyan:problem:${code}`, title: text, status, code })
  socket.end(
    `HTTP/1.1 ${status} ${text}\r\nContent-Type: application/problem+json\r\nDate: ${new Date().toUTCString()}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}

const brokenRequests: Readonly<Record<string, readonly [number, string, string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'timeout', 'Request Timeout'],
  HPE_HEADER_OVERFLOW: [431, 'headers-too-large', 'Request Header Fields Too Large'],
}
