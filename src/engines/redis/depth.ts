import { lanes } from '../../message.ts'
import type { Depth } from '../../queue.ts'
import { scriptOf } from './client.ts'
import { depthScript } from './scripts/upkeep.ts'
import type { Shards } from './shards.ts'

const depth = scriptOf('count what waits', depthScript)

type Answer = readonly (string | number | null)[]

/** How much waits in these shards. */
export const readDepth = async (shards: Shards, which: readonly number[]): Promise<Depth> =>
  depthOf((await Promise.all(which.map((shard) => shards.run(shard, depth)))) as readonly Answer[])

/** Since when the oldest of what is ready has been. */
export const oldestOf = ({ lanes }: Depth): number | undefined => {
  const ages = Object.values(lanes).flatMap(({ oldestReadyAt }) => oldestReadyAt ?? [])
  return ages.length === 0 ? undefined : Math.min(...ages)
}

const depthOf = (answers: readonly Answer[]): Depth => {
  const depths = lanes.map((lane, index) => {
    const ready = answers.reduce((sum, answer) => sum + Number(answer[2 * index]), 0)
    const ages = answers.flatMap((answer) => answer[2 * index + 1] ?? []).map(Number)
    return [lane, ready > 0 && ages.length > 0 ? { ready, oldestReadyAt: Math.min(...ages) } : { ready }]
  })
  return {
    lanes: Object.fromEntries(depths) as Depth['lanes'],
    later: answers.reduce((sum, answer) => sum + Number(answer[6]), 0),
  }
}
