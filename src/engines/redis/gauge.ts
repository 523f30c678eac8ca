import { parseInfo } from './audit.ts'
import { type Client, scriptOf } from './client.ts'
import { openScript } from './scripts/reads.ts'
import type { Shards } from './shards.ts'

const countOpen = scriptOf('count what is open', openScript)

/** What a history has not been told yet: how many events, and when the oldest of them happened. */
export interface Untold {
  readonly events: number
  readonly oldestAt?: number
}

/** Settlements need memory too: from this share of it on, nothing more is taken in. */
const fullShare = 0.8

/** What was last seen of the server: how full it is, how many messages it holds that are not final, what is untold. */
export const createGauge = (client: Client, shards: Shards) => {
  let share = 0
  let open = 0
  let untold: Untold = { events: 0 }

  return {
    /** Why nothing can be taken in, if so. */
    refusal: (): string | undefined =>
      share < fullShare ? undefined : `its memory is ${Math.round(100 * share)} % full`,
    /** How many messages were not final when it looked last. */
    open: (): number => open,
    /** What a history had not been told when it looked last. */
    untold: (): Untold => untold,
    async look(): Promise<void> {
      share = Math.max(0, ...(await client.everyPrimary('INFO', 'memory')).map(fullness))
      const counts = (await shards.runAll(countOpen)) as readonly Counts[]
      open = counts.reduce((sum, [count]) => sum + count, 0)
      untold = untoldOf(counts)
    },
  }
}

type Counts = readonly [open: number, events: number, oldest: string | null]

const untoldOf = (counts: readonly Counts[]): Untold => {
  const events = counts.reduce((sum, [, count]) => sum + count, 0)
  // An entry of a stream begins with its time.
  const times = counts.flatMap(([, , oldest]) => (oldest === null ? [] : Number.parseInt(oldest, 10)))
  return times.length === 0 ? { events } : { events, oldestAt: Math.min(...times) }
}

const fullness = (answer: unknown): number => {
  const info = parseInfo(String(answer))
  const most = Number(info.get('maxmemory') ?? 0)
  return most === 0 ? 0 : Number(info.get('used_memory') ?? 0) / most
}
