import { parseInfo } from './audit.ts'
import { type Client, scriptOf } from './client.ts'
import { openScript } from './scripts/reads.ts'
import type { Shards } from './shards.ts'

const countOpen = scriptOf('count what is not final', openScript)

/** Settlements need memory too: from this share of it on, nothing more is taken in. */
const fullShare = 0.8

/** What was last seen of the server: how full it is, and how many messages it holds that are not final. */
export const createGauge = (client: Client, shards: Shards) => {
  let share = 0
  let open = 0

  return {
    /** Why nothing can be taken in, if so. */
    refusal: (): string | undefined =>
      share < fullShare ? undefined : `its memory is ${Math.round(100 * share)} % full`,
    /** How many messages were not final when it looked last. */
    open: (): number => open,
    async look(): Promise<void> {
      share = Math.max(0, ...(await client.everyPrimary('INFO', 'memory')).map(fullness))
      const counts = (await shards.runAll(countOpen)) as readonly number[]
      open = counts.reduce((sum, count) => sum + count, 0)
    },
  }
}

const fullness = (answer: unknown): number => {
  const info = parseInfo(String(answer))
  const most = Number(info.get('maxmemory') ?? 0)
  return most === 0 ? 0 : Number(info.get('used_memory') ?? 0) / most
}
