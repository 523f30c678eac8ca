/**
 * The Redis engine: several processes, one Redis. The record of a message is the truth, the stream is only an index of
 * what is ready, and every transition is one script that looks at the fence first. All times come from our clock.
 *
 * Label: what the server's settings really guarantee; see `audit.ts`.
 */
import { randomUUID } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import type { Coordination } from '../../coordination.ts'
import type { DirectoryRecords } from '../../directory.ts'
import type { EndedAmong, Ledger } from '../../ledger.ts'
import type { Sharing } from '../../node-registry.ts'
import type { Queue } from '../../queue.ts'
import { quotaConditions } from '../../quota.ts'
import type { Recipients } from '../../recipients.ts'
import type { HistorySource } from '../../recorder.ts'
import { type Attention, createAttention } from './attention.ts'
import { type Audit, auditServers } from './audit.ts'
import { createRedisBulletin } from './bulletin.ts'
import { createRedisCalls } from './calls.ts'
import { type Client, openClient, RedisFailed, scriptOf } from './client.ts'
import { oldestOf, readDepth } from './depth.ts'
import { createExchange, type Exchange } from './exchange.ts'
import { createGauge, type Untold } from './gauge.ts'
import { createEndedAmong, createRedisLedger } from './ledger.ts'
import { createRedisQueue, releaseAll } from './queue.ts'
import { createRedisRecipients } from './recipients.ts'
import { createRedisRegistry } from './registry.ts'
import { type EpochMemory, openShards, type Shards } from './shards.ts'
import { createRedisCoordination, createRedisDirectory } from './shelves.ts'
import { isTelling, openTelling } from './telling.ts'
import { type Keeping, reconcile, sweep } from './upkeep.ts'

export interface RedisOptions {
  /** `redis://[user:password@]host:port[/db]`, or a cluster: see `ClientOptions`. */
  readonly url: string
  readonly clock: Clock
  /** Is given the time of the server to look at: before anything else is asked, and every second. */
  readonly followTime?: (read: () => Promise<number>) => Promise<void>
  readonly leaseMs: number
  /** How long a message is kept after it became final. */
  readonly retentionMs: number
  readonly onAlert: (alert: Alert) => void
  /** What all keys begin with. */
  readonly prefix?: string
  /** Fixed with the data; by default what the data has. */
  readonly shards?: number | undefined
  /** How long one call may take. */
  readonly callMs?: number
  /** Records are kept elsewhere for good: every transition is told, and what has ended does not stay here for long. */
  readonly hasHistory?: boolean
  /** How many replicas must confirm what is accepted before it is answered for. */
  readonly replicas?: number
  /** Where this process remembers its data; without one, a start takes what is there for it. */
  readonly memory?: EpochMemory
}

/** The server's settings would lose what was accepted. */
export class UnsafeRedis extends Error {
  constructor({ refusals }: Audit) {
    super(refusals.map(({ en, zh }) => `${en} ${zh}`).join('\n'))
    this.name = 'UnsafeRedis'
  }
}

/** An earlier process has told a history: records lie there that this one would not find. */
export class HistoryMissing extends Error {
  constructor() {
    super('This Redis keeps only what is recent; what is past is in a history: set HONGYAN_HISTORY as it was')
    this.name = 'HistoryMissing'
  }
}

/** Something that a person should look at. */
export interface Alert {
  /**
   * `data-lost`: the data is gone, and nothing is done until it is there again (`data-back`). `group-lost`, `mended`: an operator's command took something away, it is back.
   * `weak-setting`: what the server does not guarantee, told at the start.
   */
  readonly kind: 'data-lost' | 'data-back' | 'group-lost' | 'mended' | 'weak-setting'
  readonly detail: string
}

export interface RedisEngine {
  readonly queue: Queue
  readonly ledger: Ledger
  readonly recipients: Recipients
  readonly coordination: Coordination
  readonly directoryRecords: DirectoryRecords
  readonly endedAmong: EndedAmong
  readonly sharing: Sharing
  /** What the server's settings guarantee. */
  readonly audit: Audit
  /** What it does from time to time by itself. */
  readonly upkeep: {
    sweep(): Promise<void>
    reconcile(): Promise<number>
    /** Looks how full the server is, and whether the data is still there. */
    look(): Promise<void>
  }
  /** Where records are kept for good: what they are told, and what they are behind by. */
  readonly telling?: {
    readonly source: HistorySource
    /** As of a second ago. */
    untold(): Untold
    /** What has become final since then is still here. */
    keptSince(): number
  }
  /** Messages and settlements that Redis has not answered for yet: a measure of how far it is behind. */
  pending(): number
  /** Why nothing can be accepted now, if so. */
  fault(): string | undefined
  close(): Promise<void>
  /** Lets go of the connections at once, as a killed process would. */
  cut(): void
}

const sweepEveryMs = 10_000
const reconcileEveryMs = 60_000
const lookEveryMs = 1000
const followEveryMs = 1000
const hourMs = 3_600_000
/** Idempotency keys outlive their messages by a day; the rest is for clocks that differ. */
const keyGraceMs = 24.2 * hourMs
/**
 * With a history, how long what has ended stays here all the same: so long a receipt finds its message. WeChat sends
 * them within minutes, and does not repeat them for longer than half a minute.
 */
const recentMs = hourMs
/** With a history, the longest that keys are kept for: they are all that is here of what is past. */
const longestKeyMs = 7 * 24 * hourMs
/** How far the clocks of processes may differ. */
const clockSlackMs = 60_000

/** KEYS[1] the shard. Result: seconds since 1970 UTC, and microseconds. */
const readTime = scriptOf('read the time', "#!lua flags=allow-oom\nreturn redis.call('TIME')")

/** Rejects when Redis cannot be reached, and with `UnsafeRedis` when its settings would lose what was accepted. */
export const openRedis = async (options: RedisOptions): Promise<RedisEngine> => {
  const { url, callMs = 5000 } = options
  const client = await openClient({ url, callMs })
  try {
    return await openOn(client, options)
  } catch (error) {
    client.close()
    throw error
  }
}

const openOn = async (client: Client, options: RedisOptions): Promise<RedisEngine> => {
  const { clock, leaseMs, onAlert, prefix = 'hongyan:', replicas = 0 } = options
  const found = await auditServers(client, replicas)
  if (found.refusals.length > 0) throw new UnsafeRedis(found)
  for (const { en, zh } of found.findings) onAlert({ kind: 'weak-setting', detail: `${en} ${zh}` })

  const followTime = async () => options.followTime?.(() => serverTime(client, prefix))
  await followTime()
  const shards = await openShards({
    ...{ client, clock, prefix, shards: options.shards, memory: options.memory },
    onLoss: ({ kind, detail }) => {
      if (kind === 'epoch') onAlert({ kind: 'data-lost', detail: lostText(gauge.open(), detail) })
      else onAlert({ kind: kind === 'back' ? 'data-back' : 'group-lost', detail })
    },
  })
  const gauge = createGauge(client, shards)
  const consumer = randomUUID()
  const channel = `${prefix}ready`
  const attention = createAttention(shards.count)
  const exchange = createExchange({
    ...{ process: consumer, shards: shards.count, attention },
    tell: (text) => void client.command('PUBLISH', channel, text).catch(() => {}),
  })
  await client.listen(channel, exchange.hear)
  const { hasHistory = false, retentionMs } = options
  if (!hasHistory && (await isTelling(shards))) throw new HistoryMissing()
  const source = hasHistory ? await openTelling(shards, clock, randomUUID()) : undefined
  const keeping = keepingOf(retentionMs, hasHistory)
  const keptSince = () => clock.now() - keeping.recordMs + clockSlackMs
  const upkeep = { ...createUpkeep(shards, options, keeping, exchange), look: gauge.look }
  await gauge.look()
  await releaseAll(shards, quotaConditions)
  const stopUpkeep = runUpkeep({ ...upkeep, followTime }, () => attention.share().upkeep)
  const bulletin = createRedisBulletin({ client, shards, prefix, process: consumer })
  const cut = () => {
    stopUpkeep()
    bulletin.stop()
    client.close()
  }

  const queue = createRedisQueue({
    ...{ shards, clock, leaseMs, attention, exchange, consumer },
    refusal: gauge.refusal,
    confirm: () => confirmed(client, replicas, options.callMs ?? 5000),
    close: async () => cut(),
  })
  return {
    queue,
    ledger: createRedisLedger(shards),
    endedAmong: createEndedAmong(shards),
    recipients: createRedisRecipients({ shards, now: clock.now, wake: exchange.wake }),
    coordination: { ...createRedisCoordination(shards), calls: createRedisCalls(shards, consumer), bulletin },
    directoryRecords: createRedisDirectory(shards, client, prefix),
    sharing: createSharing(shards, { attention, exchange, clock }),
    audit: found,
    upkeep,
    ...(source && { telling: { source, untold: gauge.untold, keptSince } }),
    pending: queue.pending,
    fault: () => (shards.isLost() ? 'Redis has lost its data' : gauge.refusal()),
    close: queue.close,
    cut,
  }
}

const keepingOf = (retentionMs: number, hasHistory: boolean): Keeping => ({
  recordMs: hasHistory ? Math.min(retentionMs, recentMs) : retentionMs,
  keyMs: hasHistory ? Math.min(retentionMs + keyGraceMs, longestKeyMs) : retentionMs + keyGraceMs,
  grantMs: retentionMs + keyGraceMs,
})

const lostText = (waiting: number, detail: string): string =>
  `Redis has lost its data; ${waiting} messages were waiting. Nothing is accepted or sent until it is restored: see docs/redis.md. Redis 数据丢失，当时有 ${waiting} 条消息待发；恢复之前不再接收和发送。 (${detail})`

const createUpkeep = (
  shards: Shards,
  { clock, onAlert }: RedisOptions,
  keeping: Keeping,
  { wake }: Exchange,
): Omit<RedisEngine['upkeep'], 'look'> => ({
  sweep: () => sweep(shards, clock.now(), keeping),
  async reconcile() {
    const mended = await reconcile(shards)
    if (mended === 0) return 0
    onAlert({ kind: 'mended', detail: `${mended} messages had lost their place` })
    wake('all')
    return mended
  },
})

const createSharing = (
  shards: Shards,
  { attention, exchange, clock }: { attention: Attention; exchange: Exchange; clock: Clock },
): Sharing => ({
  shards: shards.count,
  registry: createRedisRegistry(shards, clock.now),
  join: exchange.join,
  take(share) {
    attention.take(share)
    // Who waits for a word has a reason to look already.
    exchange.bell.ring()
  },
  async oldestReadyAt() {
    return oldestOf(await readDepth(shards, attention.share().own))
  },
})

type Upkeep = RedisEngine['upkeep'] & { readonly followTime: () => Promise<void> }

/**
 * Each when the one before is over: a slow server is not asked more and more. What is no look of each process for itself
 * is done by one node at a time; that two do it for a moment does no harm. Answers how to stop.
 */
const runUpkeep = ({ sweep, reconcile, look, followTime }: Upkeep, isOurs: () => boolean): (() => void) => {
  const ours = (work: () => Promise<unknown>) => async () => {
    if (isOurs()) await work()
  }
  const every = (ms: number, work: () => Promise<unknown>) => {
    let busy = false
    return setInterval(() => {
      if (busy) return
      busy = true
      // What fails now is done the next time; what it means is told by whoever sends or receives.
      work()
        .catch(() => {})
        .finally(() => {
          busy = false
        })
    }, ms).unref()
  }
  const timers = [
    every(sweepEveryMs, ours(sweep)),
    every(reconcileEveryMs, ours(reconcile)),
    every(lookEveryMs, look),
    every(followEveryMs, followTime),
  ]
  return () => {
    for (const timer of timers) clearInterval(timer)
  }
}

/** Always that of the first shard's server: the servers of a cluster need not agree. */
const serverTime = async (client: Client, prefix: string): Promise<number> => {
  const [seconds, micros] = (await client.run(readTime, `${prefix}{s0}`, [])) as readonly string[]
  return Number(seconds) * 1000 + Number(micros) / 1000
}

/** Waits until so many replicas have all that this connection has written. Rejects when they have not in time. */
export const confirmed = async (client: Client, replicas: number, callMs: number): Promise<void> => {
  if (replicas === 0) return
  const have = Math.min(...(await client.everyPrimary('WAIT', replicas, Math.ceil(callMs / 2))).map(Number))
  if (have < replicas)
    throw new RedisFailed('take messages in', `${have} of ${replicas} replicas have confirmed in time`)
}
