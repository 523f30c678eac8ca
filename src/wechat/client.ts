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
 *
 * Where there are fallbacks, `hosts.ts` says which host the next call goes to; each has connections of its own,
 * made when it is first used.
 */
import { type Dispatcher, Pool } from 'undici'
import type { Clock } from '../clock.ts'
import type { Observe } from '../observe.ts'
import { type Answer, Call } from './call.ts'
import { createDeadlines } from './deadlines.ts'
import { type CallEnd, createHosts, type Switch } from './hosts.ts'
import { type CallReply, parseErrcode, parseObject, parseReply } from './reply.ts'

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
  /** The header of that name. */
  readonly authorization?: string
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
  /** Hosts that take its place while it is not well, best first. */
  readonly fallbacks?: readonly string[]
  /** How many at most and host; each carries one request at a time. */
  readonly connections: number
  /** How long a call may take, from dispatch to the last byte. */
  readonly timeoutMs?: number
  /** A longer reply is dropped; a list of 25 templates is the longest there is of WeChat's. */
  readonly maxReplyBytes?: number
  readonly clock: Clock
  /** Told when calls go to another host. */
  readonly observe?: Observe
}

const connectTimeoutMs = 5_000
/**
 * WeChat's side closes idle connections without a word; ours go first, so that few requests meet a dead one.
 */
const keepAliveMs = 4_000
const jsonHeaders = ['content-type', 'application/json']

export const createWechatClient = (options: WechatClientOptions): WechatClient => {
  const { origin, fallbacks = [], connections, timeoutMs = 10_000, clock, observe = () => {} } = options
  const { maxReplyBytes = 256 * 1024 } = options
  const newPool = (host: string) => new Pool(host, poolOptions(connections, maxReplyBytes))
  const origins = [origin, ...fallbacks]
  const hosts = createHosts(origins.length)
  const pools: (Pool | undefined)[] = [newPool(origin)]
  const deadlines = createDeadlines(timeoutMs)
  let closing: Promise<void> | undefined

  const poolOf = (host: number): Pool => {
    pools[host] ??= newPool(origins[host]!)
    return pools[host]
  }

  const dispatch = (
    host: number,
    request: Dispatcher.DispatchOptions,
    settle: (answer: Answer) => void,
  ): void => {
    if (pools[host] === undefined && closing !== undefined) settle({ kind: 'not-sent', error: 'connect' })
    else poolOf(host).dispatch(request, new Call(deadlines, settle))
  }

  const note = (host: number, answer: Answer, errcode: number | undefined): void => {
    // Without another host there is nothing to decide, and a client that is being closed breaks off calls itself.
    if (origins.length === 1 || closing !== undefined) return
    tell(hosts.note(host, endOf(answer, errcode), performance.now()))
  }

  const tell = (change: Switch | undefined): void => {
    if (change === undefined) return
    const [from, to] = [origins[change.from], origins[change.to]]
    const back = change.to === 0
    const detail = back
      ? `calls go to ${to} again, no more to ${from}`
      : `calls go to ${to}: ${from} is not well`
    observe({ kind: 'alert', code: back ? 'wechat-host-back' : 'wechat-host-switched', detail })
  }

  /** The host for the next call. When the first is to be looked at again, this asks it, beside the call. */
  const nextHost = (): number => {
    const host = hosts.active()
    if (host !== 0 && closing === undefined && hosts.probeDue(performance.now())) probe()
    return host
  }

  const probe = (): void => {
    dispatch(0, { method: 'GET', path: probePath }, (answer) => {
      const well = answer.kind === 'answered' && answer.status === 200
      tell(hosts.probed(well, performance.now()))
    })
  }

  return {
    call: ({ method, path, body, authorization }) =>
      new Promise((resolve) => {
        const host = nextHost()
        const headers = [
          ...(body === undefined ? [] : jsonHeaders),
          ...(authorization === undefined ? [] : ['authorization', authorization]),
        ]
        dispatch(host, { method, path, headers, ...(body !== undefined && { body }) }, (answer) => {
          note(host, answer, errcodeIn(answer))
          resolve(answer)
        })
      }),

    send: (path, body) =>
      new Promise((resolve) => {
        const startedAt = clock.now()
        const host = nextHost()
        dispatch(host, { method: 'POST', path, body, headers: jsonHeaders }, (answer) => {
          const reply = answer.kind === 'answered' ? parseReply(answer.status, answer.body) : answer
          note(host, answer, reply.kind === 'answered' ? reply.errcode : undefined)
          resolve({ reply, startedAt, endedAt: clock.now() })
        })
      }),

    close() {
      closing ??= Promise.all(pools.map((pool) => pool && closePool(pool, timeoutMs))).then(() => {})
      return closing
    },
  }
}

/**
 * Asked of a host to see whether it is well. It carries no token, so that the answer, an errcode, costs no quota;
 * any answer in WeChat's own manner will do.
 */
const probePath = '/cgi-bin/get_api_domain_ip'

const endOf = (answer: Answer, errcode: number | undefined): CallEnd => {
  if (answer.kind !== 'answered') return answer.error === 'reply-too-large' ? 'else' : 'ill'
  if (answer.status !== 200) return answer.status >= 500 ? 'ill' : 'else'
  return errcode === overDomainQuota ? 'full' : 'well'
}

const errcodeIn = (answer: Answer): number | undefined =>
  answer.kind === 'answered' ? parseErrcode(parseObject(answer.body.toString('utf8'))?.errcode) : undefined

/** "reach max domain quota limit": of this host, not of the account. */
const overDomainQuota = 45104

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

const poolOptions = (connections: number, maxReplyBytes: number): Pool.Options => ({
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
