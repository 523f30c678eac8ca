/** Who takes part, and the place each is given: an empty folder, and a Redis for those who need one. */
import { resolve } from 'node:path'
import { openFolder } from './folder.ts'
import { type Fsync, startRedis } from './peer/redis.ts'
import { type Process, startProcess } from './process.ts'
import type { ServiceTasks, StorePlace } from './service.ts'

/**
 * `hongyan` keeps its messages in its own process, `hongyan-redis` in a Redis. `peer` syncs every command, as both of
 * them do; `peer-everysec` may lose a second.
 */
export type Contestant = 'bare' | Ours | 'peer' | 'peer-everysec'
export type Ours = 'hongyan' | 'hongyan-redis'

export const ours: readonly Ours[] = ['hongyan', 'hongyan-redis']
export const contestants: readonly Contestant[] = ['bare', ...ours, 'peer', 'peer-everysec']

const files: Readonly<Record<Contestant, string>> = {
  bare: 'bare.ts',
  hongyan: 'hongyan.ts',
  'hongyan-redis': 'hongyan.ts',
  peer: 'peer/service.ts',
  'peer-everysec': 'peer/service.ts',
}

const fsyncs: Readonly<Partial<Record<Contestant, Fsync>>> = {
  'hongyan-redis': 'always',
  peer: 'always',
  'peer-everysec': 'everysec',
}

export const needsRedis = (contestant: Contestant): boolean => fsyncs[contestant] !== undefined

/** What bounds and accompanies a measurement. */
export interface Conditions {
  /** Gives the measurement up. */
  readonly signal: AbortSignal
  /** Folder for CPU profiles of Hongyan. */
  readonly profile?: string | undefined
}

export const startContestant = (
  contestant: Contestant,
  { signal, profile }: Conditions,
): Process<ServiceTasks> => {
  const profiled = files[contestant] === 'hongyan.ts' && profile !== undefined
  const execArgv = profiled ? ['--cpu-prof', `--cpu-prof-dir=${resolve(profile)}`] : []
  return startProcess<ServiceTasks>(files[contestant], { signal, execArgv })
}

export interface Place extends StorePlace, AsyncDisposable {}

export const openPlace = async (contestant: Contestant): Promise<Place> => {
  const folder = openFolder()
  const home = folder.path
  const fsync = fsyncs[contestant]
  const redis = fsync && (await startRedis(home, fsync))
  return {
    home,
    ...(redis && { redis: { port: redis.port, pid: redis.pid } }),
    async [Symbol.asyncDispose]() {
      await redis?.[Symbol.asyncDispose]()
      folder.remove()
    },
  }
}

/** The part of a place that can be told to another process. */
export const placeOf = ({ home, redis }: Place): StorePlace => ({ home, ...(redis && { redis }) })
