import type { Contestant } from './contestants.ts'
import type { Mark } from './cpu.ts'
import type { LoadResult } from './load.ts'

/** One contestant in one scenario, once. */
export interface Measured {
  readonly scenario: string
  readonly contestant: Contestant
  readonly messages: number
  readonly seconds: number
  readonly perSecond: number
  /** CPU time per message: of its own process with all threads, and of its Redis. */
  readonly ownUs: number
  readonly serverUs: number
  /** The sum of both. */
  readonly cpuUs: number
  /** Of one request, where requests were made. */
  readonly p50Ms?: number
  readonly p99Ms?: number
  /** CPU time per message of the load generator; counted in nothing. */
  readonly loadUs?: number
}

/** Which of the rounds it was. */
export interface Measurement extends Measured {
  readonly round: number
}

export const measurementOf = (measured: {
  readonly scenario: string
  readonly contestant: Contestant
  readonly messages: number
  readonly before: Mark
  readonly after: Mark
  readonly ms: number
  readonly load?: LoadResult
}): Measured => {
  const { scenario, contestant, messages, before, after, ms, load } = measured
  const ownUs = (after.cpuUs - before.cpuUs) / messages
  const serverUs = (after.serverCpuUs - before.serverCpuUs) / messages
  return {
    scenario,
    contestant,
    messages,
    seconds: ms / 1000,
    perSecond: (messages / ms) * 1000,
    ownUs,
    serverUs,
    cpuUs: ownUs + serverUs,
    ...(load && { p50Ms: load.p50Ms, p99Ms: load.p99Ms, loadUs: load.cpuUs / messages }),
  }
}
