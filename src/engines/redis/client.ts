/**
 * What we ask of a Redis client, and nothing more: another one can be put in its place here.
 *
 * A command that was under way when the connection broke may have been done or not: it is never sent again behind our
 * back, and nothing that cannot be sent now waits for later. Every call has a deadline of its own.
 */
import { createHash } from 'node:crypto'
import { Cluster, Redis } from 'ioredis'

/** Redis could not do it, or did not answer in time: whether it was done is not known. */
export class RedisFailed extends Error {
  /** It was not done, because there is no room. */
  readonly full: boolean
  constructor(operation: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause)
    super(`Redis failed to ${operation}: ${why}`, { cause })
    this.name = 'RedisFailed'
    this.full = /\bOOM\b|% full/.test(why)
  }
}

export interface Script {
  /** What it does, for errors. */
  readonly name: string
  readonly text: string
  readonly sha: string
}

export const scriptOf = (name: string, text: string): Script => ({
  name,
  text,
  sha: createHash('sha1').update(text).digest('hex'),
})

export interface Client {
  /** Sends at once; calls of one client reach the server in their order. */
  run(script: Script, shard: string, args: readonly (string | number)[]): Promise<unknown>
  command(name: string, ...args: readonly (string | number)[]): Promise<unknown>
  /** The same to every primary of a cluster. */
  everyPrimary(name: string, ...args: readonly (string | number)[]): Promise<readonly unknown[]>
  /** Calls `hear` for every word on this channel, from whichever process it comes. */
  listen(channel: string, hear: (word: string) => void): Promise<void>
  /** Waits for nothing. */
  close(): void
}

export interface ClientOptions {
  /** `redis://…` or `rediss://…`; of a cluster `redis-cluster://[user:password@]host:port,host:port`. */
  readonly url: string
  /** How long one call may take. */
  readonly callMs: number
}

/** Rejects if there is no connection within the time that a call may take. */
export const openClient = async (options: ClientOptions): Promise<Client> => {
  const { url, callMs } = options
  const clustered = url.startsWith('redis-cluster://')
  const redis = clustered ? clusterOf(options) : singleOf(options)
  // A connection that listens takes no other commands; a cluster's client has one of its own for that.
  const ears = clustered ? redis : singleOf(options)
  const all = new Set([redis, ears])
  // Who asks is told by the rejection; the event only repeats it.
  for (const each of all) each.on('error', () => {})
  const close = () => {
    for (const each of all) each.disconnect()
  }
  try {
    await within(callMs, 'connect', Promise.all([...all].map((each) => each.connect())))
  } catch (error) {
    close()
    throw error
  }

  const run: Client['run'] = (script, shard, args) => {
    const call = redis.evalsha(script.sha, 1, shard, ...args).catch((error: unknown) => {
      // After a restart the server does not know its scripts any more.
      if (!String(error).includes('NOSCRIPT')) throw error
      return redis.eval(script.text, 1, shard, ...args)
    })
    return within(callMs, script.name, call)
  }
  const primaries = () => (redis instanceof Cluster ? redis.nodes('master') : [redis])

  return {
    run,
    command: (name, ...args) => within(callMs, name, redis.call(name, ...args)),
    everyPrimary: (name, ...args) =>
      within(callMs, name, Promise.all(primaries().map((each) => each.call(name, ...args)))),
    async listen(channel, hear) {
      ears.on('message', (heard: string, word: string) => heard === channel && hear(word))
      await within(callMs, 'subscribe', ears.subscribe(channel))
    },
    close,
  }
}

const longestPauseMs = 1000
const pauseMs = (attempt: number) => Math.min(50 * 2 ** Math.min(attempt, 10), longestPauseMs)

const cautious = (callMs: number) => ({
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  connectTimeout: callMs,
  protocol: 2 as const,
  // The server has become a replica: whoever is the primary now is found by connecting anew.
  reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
})

const singleOf = ({ url, callMs }: ClientOptions): Redis =>
  new Redis(url, {
    ...{ ...cautious(callMs), lazyConnect: true, enableOfflineQueue: false },
    ...{ autoResubscribe: true, retryStrategy: pauseMs },
  })

/** `rediss` has no place in a list of nodes: a cluster with TLS needs one setting for all of them, which is not there yet. */
const clusterOf = ({ url, callMs }: ClientOptions): Cluster => {
  const [, user, password, nodes] = /^redis-cluster:\/\/(?:([^:@]*):([^@]*)@)?(.+)$/.exec(url) ?? []
  const addresses = (nodes ?? '').split(',').map((node) => new URL(`redis://${node}`))
  return new Cluster(
    addresses.map(({ hostname: host, port }) => ({ host, port: Number(port || 6379) })),
    {
      ...{ lazyConnect: true, enableOfflineQueue: false, clusterRetryStrategy: pauseMs },
      redisOptions: {
        ...cautious(callMs),
        ...(user && { username: decodeURIComponent(user) }),
        ...(password && { password: decodeURIComponent(password) }),
      },
    },
  )
}

const within = <Result>(ms: number, operation: string, call: Promise<Result>): Promise<Result> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new RedisFailed(operation, `no answer within ${ms} ms`)), ms)
    call
      .then(resolve, (error: unknown) => reject(new RedisFailed(operation, error)))
      .finally(() => clearTimeout(timer))
  })
