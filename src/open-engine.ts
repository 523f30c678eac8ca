/** Joins queue, records and history, as the settings choose them. */
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import { type Engine as EmbeddedEngine, openEmbedded } from './engines/embedded/embedded.ts'
import type { RecordsOverHistory } from './engines/postgres/history.ts'
import type { ImportOptions } from './engines/redis/import.ts'
import type { RedisEngine } from './engines/redis/redis.ts'
import { epochFile } from './home/epoch-file.ts'
import type { Observer } from './observe.ts'
import type { Machine, SteadyClock } from './steady-clock.ts'
import type { Log } from './telemetry/log.ts'
import type { Import } from './transfer.ts'

/** What the other parts are built on. */
export interface Foundation {
  readonly config: Config
  readonly engine: Engine
  readonly store: RecordsOverHistory
  readonly clock: Clock
  readonly observer: Observer
  readonly log: Log
}

const followWallEveryMs = 1000

/** Whatever keeps queue and records; `telling` where the records of what is past are kept elsewhere. */
export type Engine = EmbeddedEngine & Pick<RedisEngine, 'telling'>

export const openEngine = async (
  { config, clock, observer }: Pick<Foundation, 'config' | 'observer'> & { readonly clock: SteadyClock },
  machine: Machine,
  onFailure: (error: Error) => void,
): Promise<Engine> => {
  const { engine, home, leaseMs, retentionMs } = config
  if (engine.kind === 'embedded') {
    await clock.follow(machine.wall)
    const embedded = await openEmbedded({ folder: engine.folder, clock, leaseMs, retentionMs, onFailure })
    const following = setInterval(() => void clock.follow(machine.wall), followWallEveryMs).unref()
    return {
      ...embedded,
      async close() {
        clearInterval(following)
        await embedded.close()
      },
    }
  }
  // Its client costs memory, so it is loaded by those alone who use it.
  const { openRedis } = await import('./engines/redis/redis.ts')
  const onAlert = ({ kind, detail }: { readonly kind: string; readonly detail: string }) =>
    observer.observe({ kind: 'alert', code: `redis-${kind}`, detail })
  const { url, shards, replicas } = engine
  const followTime = clock.follow
  const hasHistory = config.history !== undefined
  const memory = epochFile(home)
  return openRedis({
    ...{ url, shards, replicas, clock, followTime, leaseMs, retentionMs, onAlert, hasHistory, memory },
  })
}

/** Where a migration goes. */
export const openImport = async (options: ImportOptions): Promise<Import> =>
  (await import('./engines/redis/import.ts')).openImport(options)

/** What is asked of the service: of the engine alone, or of engine and history where there is one. */
export const openStore = async ({ config, engine, clock, observer }: Omit<Foundation, 'log' | 'store'>) => {
  const { history: url, retentionMs } = config
  const { queue, ledger, telling } = engine
  if (url === undefined || telling === undefined) return { queue, ledger, close: async () => {} }
  // Only those who have a history load its client.
  const { openHistory } = await import('./engines/postgres/history.ts')
  const { observe } = observer
  const parts = { queue, recent: ledger, ...telling, clock, random: Math.random, observe }
  return openHistory({ url, retentionMs, ...parts })
}
