/** The HTTP API: puts routes, authentication, problems and limits together. It answers; it sends nothing itself. */
import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { AccountFinding } from '../account-check.ts'
import type { Clock } from '../clock.ts'
import type { Coordination } from '../coordination.ts'
import type { Directory, Scope } from '../directory.ts'
import type { Gates } from '../gates.ts'
import type { Hold } from '../holds.ts'
import type { EndedAmong, Ledger } from '../ledger.ts'
import type { Membership } from '../membership.ts'
import type { Observer } from '../observe.ts'
import type { DeliveredMessage, Queue } from '../queue.ts'
import type { Recipients } from '../recipients.ts'
import type { TemplateWatch } from '../template-watch.ts'
import { type AcceptRate, createAcceptRate } from './accept-rate.ts'
import { accountRoutes } from './accounts.ts'
import { watchRoutes } from './allowed-methods.ts'
import { type Authenticate, type Caller, createAuthenticate } from './auth.ts'
import { type CallbackParts, callbackRoutes } from './callbacks.ts'
import { checkRoute } from './check.ts'
import { documentRoutes } from './documents.ts'
import { facadeRoutes, facadeUrl } from './facade.ts'
import { createFailureLimit, type FailureLimit } from './failure-limit.ts'
import { answerProblem, createFaultReport, problemOf, problemType } from './failures.ts'
import { grantRoutes } from './grants.ts'
import { type HistoryLag, healthRoutes, type Readiness } from './health.ts'
import { createKeyUse, type KeyUse } from './key-use.ts'
import { keyRoutes } from './keys.ts'
import { messageRoutes } from './messages.ts'
import { nodeRoutes } from './nodes.ts'
import { Problem, type ProblemCode, problemBody, problems } from './problems.ts'
import { quotaRoutes } from './quota.ts'
import { templateRoutes } from './templates.ts'
import { tenantRoutes } from './tenants.ts'
import { trust } from './validate.ts'
import { createWaiters } from './waiters.ts'

export interface GatewayParts {
  readonly queue: Queue
  readonly ledger: Ledger
  readonly coordination: Coordination
  /** Where other processes may end messages that a caller waits for here. */
  readonly endedAmong?: EndedAmong | undefined
  readonly recipients: Recipients
  readonly directory: Directory
  readonly observer: Observer
  readonly clock: Clock
  readonly readiness: Readiness
  /** Where records are kept apart from the queue: how far they are behind. */
  readonly historyLag?: (() => HistoryLag) | undefined
  readonly callbacks: CallbackParts
  /** What is wrong with an address that webhooks shall post to, as a sentence. */
  readonly webhookFault: (url: string) => string | undefined
  /** What holds this message's account or API back at this moment. */
  readonly holdOver: (message: Pick<DeliveredMessage, 'account' | 'channel'>, now: number) => Hold | undefined
  /** Of the worker in this process, if there is one. */
  readonly quotas?: Pick<Gates, 'reports' | 'inquire'> | undefined
  /** The processes of this installation, once this one is among them; without it none are told of. */
  readonly nodes?: PromiseLike<Pick<Membership, 'nodes' | 'order'>> | undefined
  /** Operations that wait for the store. */
  readonly pending: () => number
  readonly version: string
  readonly allowBearer: boolean
  readonly defaultLifeMs: number
  /** Asks WeChat about an account. Never rejects. Without it, accounts cannot be checked here. */
  readonly checkAccount?: (appid: string) => Promise<readonly AccountFinding[]>
  /** Asks WeChat for the templates of an account; absent where nobody can. */
  readonly syncTemplates?: TemplateWatch['sync']
  /** What vouches for the tokens of the facade, the same at every gateway of an installation; new ones for the first. */
  readonly facadeKeys: readonly [Uint8Array, ...Uint8Array[]]
}

/** What routes are given. */
export interface RouteParts extends GatewayParts {
  readonly authenticate: Authenticate
  readonly keyUse: KeyUse
  readonly acceptRate: AcceptRate
  /** Of wrong signatures and secrets, by the address they come from. */
  readonly failures: FailureLimit
  readonly waiters: ReturnType<typeof createWaiters>
  readonly reportFault: ReturnType<typeof createFaultReport>
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

/** How long a request may take to arrive. */
export interface ArrivalLimits {
  readonly headersMs: number
  /** Headers and body together. */
  readonly requestMs: number
  /** How often it is looked at who is late; nobody is later than the limits for it. */
  readonly checkEveryMs: number
}

const defaultArrival: ArrivalLimits = { headersMs: 10_000, requestMs: 15_000, checkEveryMs: 1000 }

export const startGateway = async (
  parts: GatewayParts,
  { host, port }: { readonly host: string; readonly port: number },
  arrival?: ArrivalLimits,
): Promise<Gateway> => {
  const app = await createApp(parts, arrival)
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

export const createApp = async (
  parts: GatewayParts,
  { headersMs, requestMs, checkEveryMs }: ArrivalLimits = defaultArrival,
): Promise<FastifyInstance> => {
  const newRequestId = createRequestIds()
  const reportFault = createFaultReport(parts.observer)
  const app = Fastify({
    logger: false,
    genReqId: newRequestId,
    bodyLimit: maxBodyBytes,
    requestTimeout: requestMs - checkEveryMs,
    keepAliveTimeout: 72_000,
    forceCloseConnections: 'idle',
    // The framework's own 503 has no code. Who still asks on an open connection is answered, and asked to close it.
    return503OnClosing: false,
    exposeHeadRoutes: false,
    rewriteUrl: ({ url = '' }) => facadeUrl(url),
    http: {
      headersTimeout: headersMs - checkEveryMs,
      connectionsCheckingInterval: checkEveryMs,
      maxHeaderSize: 16_384,
    },
    routerOptions: { maxParamLength: 128 },
    frameworkErrors: (error, request, reply) => answerProblem(problemOf(error), request, reply),
    clientErrorHandler: (error, socket) => answerBrokenRequest(error, socket, newRequestId()),
  })
  takeRawBodies(app)
  // Bodies and queries are checked by the routes, so that each finding has our code, and answers are made by our own
  // views: the schemas of the routes are for the document. Compiling them would cost 40 MB.
  app.setValidatorCompiler(trust)
  app.setSerializerCompiler(() => JSON.stringify)
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error)
    reportFault(problem, request)
    answerProblem(problem, request, reply)
  })
  const allowedMethods = watchRoutes(app)
  app.setNotFoundHandler((request, reply) => answerMissing(allowedMethods, request, reply))
  app.decorateRequest('caller')

  const keyUse = createKeyUse(parts.clock)
  const failures = createFailureLimit(parts.clock)
  const routeParts: RouteParts = {
    ...parts,
    failures,
    authenticate: createAuthenticate({ ...parts, keyUse, failures }),
    keyUse,
    acceptRate: createAcceptRate(parts.clock, parts.directory),
    waiters: createWaiters(parts.observer, parts.endedAmong),
    reportFault,
  }
  await documentRoutes(app, routeParts)
  app.register(async (routes) => {
    healthRoutes(routes, routeParts)
    messageRoutes(routes, routeParts)
    checkRoute(routes, routeParts)
    grantRoutes(routes, routeParts)
    callbackRoutes(routes, routeParts)
    keyRoutes(routes, routeParts)
    tenantRoutes(routes, routeParts)
    accountRoutes(routes, routeParts)
    templateRoutes(routes, routeParts)
    quotaRoutes(routes, routeParts)
    nodeRoutes(routes, routeParts)
    facadeRoutes(routes, routeParts)
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

/** The body as it came. Without one there is no telling what it would have been. */
export const rawBody = ({ body }: FastifyRequest): Buffer => {
  if (!Buffer.isBuffer(body)) throw new Problem('media-type-unsupported', { detail: 'There is no body' })
  return body
}

/** A known address with the wrong method is 405, an unknown one 404. */
const answerMissing = (
  allowedMethods: (path: string) => readonly string[],
  request: FastifyRequest,
  reply: FastifyReply,
): void => {
  const allowed = allowedMethods((request.raw.url ?? '').split('?', 1)[0]!).join(', ')
  if (allowed !== '') reply.header('Allow', allowed)
  const problem =
    allowed === ''
      ? new Problem('not-found')
      : new Problem('method-not-allowed', { detail: `Allowed: ${allowed}` })
  answerProblem(problem, request, reply)
}

const createRequestIds = () => {
  const start = `req_${Date.now().toString(36)}${process.pid.toString(36)}`
  let count = 0
  return () => `${start}_${(++count).toString(36)}`
}

/** What Node's parser refuses never becomes a request; it is answered on the bare socket, which is then let go of. */
const answerBrokenRequest = (error: { readonly code?: string }, socket: Socket, requestId: string): void => {
  if (socket.destroyed || !socket.writable) return
  // An answer to an earlier request on this connection is still to come, and this one would be taken for it.
  const underWay = (socket as Socket & { readonly _httpMessage?: ServerResponse })._httpMessage
  if (underWay && (underWay.headersSent || underWay.req.complete)) {
    socket.destroy()
    return
  }
  const code = brokenRequests[error.code ?? ''] ?? 'request-malformed'
  const { status } = problems[code]
  const body = JSON.stringify(problemBody(new Problem(code), requestId, 'en'))
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: ${problemType}\r\nDate: ${new Date().toUTCString()}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
  // Our end alone would leave it open for as long as the other side likes.
  socket.destroySoon()
}

const brokenRequests: Readonly<Record<string, ProblemCode>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'timeout',
  HPE_HEADER_OVERFLOW: 'headers-too-large',
}
