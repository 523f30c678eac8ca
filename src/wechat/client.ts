/**
 * HTTP to WeChat, and the knowledge of whether a request left us.
 *
 * What bounds what: the overall limit, from dispatch to the last byte, is ours (`deadlines.ts`), because
 * undici's own begin only when the request is written and start again with every chunk, so that neither a
 * full pool nor a dripping server is bounded by them; they are off. Making a connection is bounded by
 * `connectTimeoutMs`, the body by `maxReplyBytes`, idle connections by `keepAliveMs`.
 *
 * Nothing is sent twice: one request at a time per connection, and undici gives a request back to its queue
 * only if it was never written. Redirects are answers like any other.
 */
import { type Dispatcher, Pool } from 'undici'
import type { Clock } from '../clock.ts'
import { type Answer, Call } from './call.ts'
import { createDeadlines } from './deadlines.ts'
import { type CallReply, parseReply } from './reply.ts'

export interface WechatClient {
  /** Any call. Never rejects. The path is not kept: it carries tokens and secrets. */
  call(request: WechatRequest): Promise<Answer>
  /** Posts one message. Never rejects. */
  send(path: string, body: string | Buffer): Promise<Sent>
  /** Refuses new calls, lets those under way end, and closes the connections. */
  close(): Promise<void>
}

export interface WechatRequest {
  readonly method: 'GET' | 'POST'
  /** With its query, from the slash on. */
  readonly path: string
  /** JSON. */
  readonly body?: string
}

/** A send that has ended. Times are milliseconds since 1970 UTC. */
export interface Sent {
  readonly reply: CallReply
  readonly startedAt: number
  readonly endedAt: number
}

export interface WechatClientOptions {
  /** `https://api.weixin.qq.com`, or one that stands in for it. */
  readonly origin: string
  /** How many at most; each carries one request at a time. */
  readonly connections: number
  /** How long a call may take, from dispatch to the last byte. */
  readonly timeoutMs?: number
  readonly clock: Clock
}

const connectTimeoutMs = 5_000
/** A list of 25 templates is the longest there is. */
const maxReplyBytes = 256 * 1024
/**
 * WeChat's side closes idle connections without a word; ours go first, so that few requests meet a dead one.
 */
const keepAliveMs = 4_000
const jsonHeaders = ['content-type', 'application/json']

export const createWechatClient = (options: WechatClientOptions): WechatClient => {
  const { origin, connections, timeoutMs = 10_000, clock } = options
  const pool = new Pool(origin, poolOptions(connections))
  const deadlines = createDeadlines(timeoutMs)
  let closing: Promise<void> | undefined

  const start = (request: Dispatcher.DispatchOptions, settle: (answer: Answer) => void): void => {
    pool.dispatch(request, new Call(deadlines, settle))
  }

  return {
    call: ({ method, path, body }) =>
      new Promise((resolve) => {
        start(body === undefined ? { method, path } : { method, path, body, headers: jsonHeaders }, resolve)
      }),

    send: (path, body) =>
      new Promise((resolve) => {
        const startedAt = clock.now()
        start({ method: 'POST', path, body, headers: jsonHeaders }, (answer) => {
          const reply = answer.kind === 'answered' ? parseReply(answer.status, answer.body) : answer
          resolve({ reply, startedAt, endedAt: clock.now() })
        })
      }),

    close() {
      closing ??= closePool(pool, timeoutMs)
      return closing
    },
  }
}

/**
 * Calls under way end by themselves within the limit; what is left of undici's queue then was given up long
 * ago.
 */
const closePool = async (pool: Pool, limitMs: number): Promise<void> => {
  const limit = Promise.withResolvers<void>()
  const timer = setTimeout(limit.resolve, limitMs)
  await Promise.race([pool.close(), limit.promise])
  clearTimeout(timer)
  await pool.destroy()
}

const poolOptions = (connections: number): Pool.Options => ({
  connections,
  pipelining: 1,
  allowH2: false,
  connectTimeout: connectTimeoutMs,
  connect: { rejectUnauthorized: true },
  keepAliveTimeout: keepAliveMs,
  // The far side may ask for less, never for more.
  keepAliveMaxTimeout: keepAliveMs,
  maxResponseSize: maxReplyBytes,
  headersTimeout: 0,
  bodyTimeout: 0,
})
