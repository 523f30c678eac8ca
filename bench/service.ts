/**
 * What every contestant is asked, whoever wrote it: the bare limit, Hongyan, and the same job on BullMQ. Each
 * is one process that does what its roles say.
 */
import { type Mark, markNow } from './cpu.ts'

export interface ServiceTasks {
  /** Stores messages for a worker to find, in a process of its own that is ended before the worker starts. */
  preload(options: StorePlace & { readonly count: number }): Promise<void>
  start(options: StartOptions): Promise<Access>
  /** The moment at which so many messages were settled: one of the milestones it was started with. */
  settled(count: number): Promise<Mark>
  mark(): Mark
}

/** Where a contestant keeps its messages. */
export interface StorePlace {
  /** An empty folder of its own. */
  readonly home: string
  readonly redis?: { readonly port: number; readonly pid: number }
}

export interface StartOptions extends StorePlace {
  readonly roles: readonly ('gateway' | 'worker')[]
  /** Origin of the sink. */
  readonly wechat: string
  /** Ascending. */
  readonly milestones: readonly number[]
}

/** How its gateway is called; empty texts without that role. */
export interface Access {
  /** Without a trailing slash. */
  readonly url: string
  readonly singlePath: string
  readonly arrayPath: string
  readonly keyId: string
  readonly keySecret: string
}

/** Counts what has been settled and keeps the moments of its milestones. */
export const createTally = (milestones: readonly number[], serverPid?: number) => {
  const moments = new Map(milestones.map((count) => [count, Promise.withResolvers<Mark>()]))
  let rest = milestones
  let count = 0
  return {
    add(): void {
      if (++count !== rest[0]) return
      moments.get(count)!.resolve(markNow(serverPid))
      rest = rest.slice(1)
    },
    settled(milestone: number): Promise<Mark> {
      const moment = moments.get(milestone)
      if (!moment) throw new Error(`${milestone} is none of the milestones ${milestones.join(', ')}`)
      return moment.promise
    },
  }
}

export type Tally = ReturnType<typeof createTally>
