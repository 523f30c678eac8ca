import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { Redis } from 'ioredis'
import { programsOf, redis as server } from '../../scripts/servers.ts'
import { openRedis, type RedisEngine, type RedisOptions } from '../../src/engines/redis/redis.ts'
import { atEnd } from './at-end.ts'
import { createTestClock, type TestClock } from './clock.ts'
import { freePort } from './free-port.ts'
import type { Harness } from './harness.ts'
import { until } from './waiting.ts'

export { freePort }

const hourMs = 3_600_000

/** A Redis of a test: on a free port, in a folder of its own, with the settings that lose nothing. */
export interface RedisServer {
  readonly url: string
  /** Ends it at once, as a power switch would. */
  kill(): Promise<void>
  /** Starts it again on the same files. */
  start(): Promise<void>
  /** Ends it as asked; resolves with how it ended. */
  end(
    signal: NodeJS.Signals,
  ): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  signal(signal: NodeJS.Signals): void
  /** Whether there is no process of it. */
  isDown(): boolean
  /** Where its files are. */
  readonly folder: string
  /** A command to it, as an operator would give it. */
  command(name: string, ...args: readonly (string | number)[]): Promise<unknown>
}

/** A Redis that ends with the test. */
export const startRedis = async (t: TestContext, settings: readonly string[] = []): Promise<RedisServer> => {
  const started = await startServer(settings)
  atEnd(t, started.endAndTidy)
  return started
}

/** A Redis that ends with whoever began it, or with this process. */
export const startRedisFor = async (
  owner: { after(end: () => unknown): void },
  settings: readonly string[],
): Promise<RedisServer> => {
  const started = await startServer(settings)
  owner.after(started.endAndTidy)
  process.once('exit', started.endNow)
  return started
}

/**
 * Where the contracts run: one Redis for all of a file, which ends with the process, or the one that HONGYAN_TEST_REDIS
 * names. Every test has keys of its own; in a Redis that stays they go with the test, and nothing else is touched.
 */
export const sharedUrl = (): Promise<string> => {
  shared ??= process.env.HONGYAN_TEST_REDIS
    ? Promise.resolve(process.env.HONGYAN_TEST_REDIS)
    : startServer([]).then(({ url, endNow }) => {
        process.once('exit', endNow)
        return url
      })
  return shared
}
let shared: Promise<string> | undefined

export const startServer = async (settings: readonly string[]) => {
  const program = join(programsOf(server), 'redis-server')
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'hongyan-redis-'))
  const url = `redis://127.0.0.1:${port}`
  let child: ChildProcess | undefined

  const start = async () => {
    const mine = spawn(
      program,
      [
        ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''],
        ...['--appendonly', 'yes', '--appendfsync', 'always', '--no-appendfsync-on-rewrite', 'no'],
        ...['--maxmemory', '1gb', '--maxmemory-policy', 'noeviction', '--loglevel', 'warning'],
        ...['--enable-debug-command', 'local', ...settings],
      ],
      { stdio: 'ignore' },
    )
    mine.unref()
    child = mine
    await until(() => isGone(mine) || answers(url), 10_000)
    if (isGone(mine)) throw new Error(`Redis ended while it started: ${mine.exitCode ?? mine.signalCode}`)
  }
  const end = async (signal: NodeJS.Signals) => {
    if (child !== undefined && !isGone(child)) {
      child.kill(signal)
      await once(child, 'exit')
    }
    return { code: child?.exitCode ?? null, signal: child?.signalCode ?? null }
  }
  const tidy = () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  await start()
  return {
    url,
    folder,
    start,
    kill: () => end('SIGKILL').then(() => {}),
    end,
    signal: (signal: NodeJS.Signals) => void child?.kill(signal),
    isDown: () => child === undefined || isGone(child),
    command: (name: string, ...args: readonly (string | number)[]) => askOnce(url, name, args),
    async endAndTidy() {
      await end('SIGKILL')
      tidy()
    },
    endNow() {
      child?.kill('SIGKILL')
      tidy()
    },
  }
}

const isGone = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null

/** One command on a connection of its own. */
const askOnce = async (url: string, name: string, args: readonly (string | number)[]): Promise<unknown> => {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null, protocol: 2 })
  redis.on('error', () => {})
  try {
    await redis.connect()
    return await redis.call(name, ...args)
  } finally {
    redis.disconnect()
  }
}

const answers = (url: string): Promise<boolean> =>
  askOnce(url, 'PING', []).then(
    (answer) => answer === 'PONG',
    () => false,
  )

/** The engine with a clock of the test, and keys that no other test has. */
export const openRedisEngine = async (
  t: TestContext,
  options: Pick<RedisOptions, 'url'> & Partial<RedisOptions>,
): Promise<RedisEngine> => {
  const engine = await openRedis({
    clock: createTestClock(),
    leaseMs: 60_000,
    retentionMs: hourMs,
    onAlert({ kind, detail }) {
      if (kind !== 'weak-setting') assert.fail(`${kind}: ${detail}`)
    },
    ...options,
  })
  atEnd(t, engine.cut)
  return engine
}

/** The engine as the contracts want it. What it does by timers, the test does. */
export const openRedisHarness = async (t: TestContext): Promise<Harness> => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  return harnessOn(t, { ...(await emptyKeys(t)), clock: createTestClock() })
}

/** A Redis that a file shares, and what the keys of one test begin with. */
export const emptyKeys = async (
  t: TestContext,
): Promise<{ readonly url: string; readonly prefix: string }> => {
  const url = await sharedUrl()
  const prefix = `hongyan-test-${randomUUID()}:`
  if (process.env.HONGYAN_TEST_REDIS) atEnd(t, () => removeKeys(url, prefix))
  return { url, prefix }
}

/** Takes away what one test has left in a Redis that is not ours. */
const removeKeys = async (url: string, prefix: string): Promise<void> => {
  const redis = new Redis(url, { retryStrategy: () => null, protocol: 2 })
  try {
    for await (const keys of redis.scanStream({ match: `${prefix}*`, count: 1000 }))
      if (keys.length > 0) await redis.unlink(...(keys as string[]))
  } finally {
    redis.disconnect()
  }
}

type Place = { readonly url: string; readonly prefix: string; readonly clock: TestClock }

const harnessOn = async (t: TestContext, place: Place): Promise<Harness> => {
  const leaseMs = 60_000
  const retentionMs = hourMs
  const { queue, ledger, recipients, upkeep, cut } = await openRedisEngine(t, {
    ...place,
    leaseMs,
    retentionMs,
  })
  return {
    queue,
    ledger,
    recipients,
    clock: place.clock,
    retentionMs,
    async restart() {
      cut()
      return harnessOn(t, place)
    },
    async loseLeases() {
      place.clock.advance(leaseMs)
    },
    sweep: upkeep.sweep,
  }
}
