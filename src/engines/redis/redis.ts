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
import type { Ledger } from '../../ledger.ts'
import type { Queue } from '../../queue.ts'
import type { Recipients } from '../../recipients.ts'
import { createBell } from './bell.ts'
import { openClient } from './client.ts'
import { createRedisLedger } from './ledger.ts'
import { createRedisQueue } from './queue.ts'
import { createRedisRecipients } from './recipients.ts'
import { openShards } from './shards.ts'
import { createRedisDirectory, createRedisNonces } from './shelves.ts'
import { reconcile, sweep } from './upkeep.ts'

export interface RedisOptions {
  /** `redis://[user:password@]host:port[/db]`. */
  readonly url: string
  readonly clock: Clock
  readonly leaseMs: number
  /** How long a message is kept after it became final. */
  readonly retentionMs: number
  readonly onAlert: (alert: Alert) => void
  /** What all keys begin with. */
  readonly prefix?: string
  /** Fixed with the data. */
  readonly shards?: number
  /** How long one call may take. */
  readonly callMs?: number
}

/** Something that a person should look at. */
export interface Alert {
  /** `data-lost`: the data is gone. `group-lost`, `mended`: an operator's command took something away, it is back. */
  readonly kind: 'data-lost' | 'group-lost' | 'mended'
  readonly detail: string
}

export interface RedisEngine {
  readonly queue: Queue
  readonly ledger: Ledger
  readonly recipients: Recipients
  readonly coordination: Coordination
  readonly directoryRecords: DirectoryRecords
  /** What it does from time to time by itself. */
  readonly upkeep: { sweep(): Promise<void>; reconcile(): Promise<number> }
  close(): Promise<void>
  /** Lets go of the connections at once, as a killed process would. */
  cut(): void
}

const sweepEveryMs = 10_000
const reconcileEveryMs = 60_000
/** Idempotency keys go with their messages, so messages stay this much longer than promised. */
const keyGraceMs = 24 * 3_600_000

/** Rejects when Redis cannot be reached, or its settings would lose what was accepted. */
export const openRedis = async (options: RedisOptions): Promise<RedisEngine> => {
  const { url, clock, leaseMs, retentionMs, onAlert } = options
  const { prefix = 'hongyan:', shards: count = 4, callMs = 5000 } = options
  const client = await openClient({ url, callMs })
  const shards = await openShards({
    ...{ client, clock, prefix, shards: count },
    onLoss: ({ kind, detail }) => onAlert({ kind: kind === 'epoch' ? 'data-lost' : 'group-lost', detail }),
  }).catch((error: unknown) => {
    client.close()
    throw error
  })
  const bell = createBell()
  const channel = `${prefix}ready`
  await client.listen(channel, bell.ring)
  const tell = () => void client.command('PUBLISH', channel, '').catch(() => {})

  const upkeep = {
    sweep: () => sweep(shards, clock.now() - retentionMs - keyGraceMs),
    async reconcile() {
      const mended = await reconcile(shards)
      if (mended > 0) onAlert({ kind: 'mended', detail: `${mended} messages had lost their place` })
      if (mended > 0) bell.ring()
      return mended
    },
  }
  const timers = [
    setInterval(() => void upkeep.sweep().catch(() => {}), sweepEveryMs).unref(),
    setInterval(() => void upkeep.reconcile().catch(() => {}), reconcileEveryMs).unref(),
  ]
  const cut = () => {
    for (const timer of timers) clearInterval(timer)
    client.close()
  }

  const queue = createRedisQueue({
    ...{ shards, clock, leaseMs, bell, tell },
    consumer: randomUUID(),
    refusal: () => undefined,
    close: async () => cut(),
  })
  return {
    queue,
    ledger: createRedisLedger(shards),
    recipients: createRedisRecipients({
      shards,
      now: clock.now,
      wake() {
        bell.ring()
        tell()
      },
    }),
    coordination: createRedisNonces(shards),
    directoryRecords: createRedisDirectory(client, prefix),
    upkeep,
    close: queue.close,
    cut,
  }
}
