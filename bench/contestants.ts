/** Who takes part, and the place each is given: an empty folder, and a Redis for those who need one. */
import { resolve } from 'node:path'
import { openFolder } from './folder.ts'
import { type Fsync, startRedis } from './peer/redis.ts'
import { type Process, startProcess } from './process.ts'
import type { ServiceTasks, StorePlace } from './service.ts'

/** `peer` syncs every command, as Hongyan does; `peer-everysec` may lose a second. */
export type Contestant = 'bare' | 'hongyan' | 'peer' | 'peer-everysec'

export const contestants: readonly Contestant[] = ['bare', 'hongyan', 'peer', 'peer-everysec']

const files: Readonly<Record<Contestant, string>> = {
  bare: 'bare.ts',
  hongyan: 'hongyan.ts',
  peer: 'peer/service.ts',
  'peer-everysec': 'peer/service.ts',
}

const fsyncs: Readonly<Partial<Record<Contestant, Fsync>>> = { peer: 'always', 'peer-everysec': 'everysec' }

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
  const profiled = contestant === 'hongyan' && profile !== undefined
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
