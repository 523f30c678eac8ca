import type { TestContext } from 'node:test'
import type { RedisEngine, RedisOptions } from '../../src/engines/redis/redis.ts'
import type { Ledger } from '../../src/ledger.ts'
import { createObserver } from '../../src/observe.ts'
import type { Queue } from '../../src/queue.ts'
import { createRecords, withRecords } from '../../src/records.ts'
import { createTestClock, type TestClock } from './clock.ts'
import type { Harness } from './harness.ts'
import { openRecords, type PostgresOfFile } from './postgres.ts'
import { emptyKeys, openRedisEngine } from './redis.ts'

const hourMs = 3_600_000

interface Places {
  readonly redis: Pick<RedisOptions, 'url' | 'prefix'>
  readonly postgres: string
  readonly clock: TestClock
  readonly retentionMs: number
}

/** What the service has with a history: Redis and PostgreSQL as one. Nothing is recorded until somebody searches. */
export interface JoinedRecords {
  readonly engine: RedisEngine
  readonly queue: Queue
  readonly ledger: Ledger
  /** That of PostgreSQL alone. */
  readonly past: Ledger
  /** Lets both forget what they do not keep; what is not recorded yet is recorded first. */
  sweep(): Promise<void>
  /** PostgreSQL does not answer any more. */
  loseHistory(): Promise<void>
}

export const openJoined = async (t: TestContext, places: Places): Promise<JoinedRecords> => {
  const { clock, retentionMs } = places
  const engine = await openRedisEngine(t, { ...places.redis, clock, retentionMs, hasHistory: true })
  const records = await openRecords(t, { url: places.postgres, clock, retentionMs })
  const { source, keptSince } = engine.telling!
  // A test tells of what is older at once; the recorder does so little by little.
  while (!source.isComplete()) await source.take({ max: 1, waitMs: 0, signal: AbortSignal.abort() })
  const ledger = createRecords({
    ...{ recent: engine.ledger, keptSince, source, clock, observe: createObserver().observe },
    ...{ history: records.history, past: records.ledger },
  })
  return {
    engine,
    queue: withRecords(engine.queue, ledger),
    ledger,
    past: records.ledger,
    async sweep() {
      await ledger.counts('nobody')
      await engine.upkeep.sweep()
      await records.sweep()
    },
    loseHistory: records.close,
  }
}

/** Redis and PostgreSQL as the contracts want them. What happens by timers, the test does. */
export const openJoinedHarness = async (t: TestContext, server: PostgresOfFile): Promise<Harness> => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { url } = await server.emptyStore(t)
  const places = { redis: await emptyKeys(t), postgres: url, clock: createTestClock(), retentionMs: hourMs }
  return harnessOn(t, places)
}

const harnessOn = async (t: TestContext, places: Places): Promise<Harness> => {
  const { clock, retentionMs } = places
  const { engine, queue, ledger, sweep } = await openJoined(t, places)
  return {
    ...{ queue, ledger, recipients: engine.recipients, clock, retentionMs, sweep },
    async restart() {
      engine.cut()
      return harnessOn(t, places)
    },
    async loseLeases() {
      clock.advance(60_000)
    },
  }
}
