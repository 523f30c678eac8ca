import type { Sharing } from '../../node-registry.ts'
import type { NodeReport } from '../../nodes.ts'
import type { Queue } from '../../queue.ts'

/** One process has nobody to share with: it looks after everything, and knows of itself alone. */
export const createLoneNode = (queue: Pick<Queue, 'depth'>): Sharing => {
  let self: NodeReport | undefined
  let drainAsked = false
  return {
    shards: 1,
    registry: {
      async beat(report) {
        self = report
        return { nodes: [{ report, drainAsked }], upkeep: report.id }
      },
      async leave() {
        self = undefined
      },
      async order(id, drain) {
        if (id !== self?.id) return false
        drainAsked = drain
        return true
      },
    },
    join() {},
    take() {},
    async oldestReadyAt() {
      const { lanes } = await queue.depth()
      const ages = Object.values(lanes).flatMap(({ oldestReadyAt }) => oldestReadyAt ?? [])
      return ages.length === 0 ? undefined : Math.min(...ages)
    },
  }
}
