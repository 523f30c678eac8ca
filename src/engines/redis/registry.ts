import type { NodeRegistry, RollCall } from '../../node-registry.ts'
import type { NodeReport } from '../../nodes.ts'
import { scriptOf } from './client.ts'
import { beatScript, leaveScript, orderScript } from './scripts/nodes.ts'
import type { Shards } from './shards.ts'

const beat = scriptOf('tell how this node is', beatScript)
const leave = scriptOf('take a node off the list', leaveScript)
const order = scriptOf('ask a node to drain', orderScript)

/** A node that has told nothing for so long is forgotten: long enough for people to see that it is missing. */
const forgetAfterMs = 600_000
/** Where the nodes stand. */
const home = 0

/** The nodes of all processes on one Redis, in its first shard. */
export const createRedisRegistry = (shards: Shards, now: () => number): NodeRegistry => ({
  async beat(report, { mayUpkeep, gone = '' }) {
    const args = [report.id, JSON.stringify(report), now() - forgetAfterMs, mayUpkeep ? 1 : 0, gone]
    return rollCallOf((await shards.run(home, beat, args)) as readonly (string | number | null)[])
  },
  async leave(id) {
    await shards.run(home, leave, [id])
  },
  order: async (id, drain) => (await shards.run(home, order, [id, drain ? 1 : 0])) === 1,
})

const rollCallOf = ([upkeep, ...rest]: readonly (string | number | null)[]): RollCall => ({
  nodes: Array.from({ length: rest.length / 2 }, (_, index) => ({
    report: JSON.parse(String(rest[2 * index])) as NodeReport,
    drainAsked: rest[2 * index + 1] === 1,
  })),
  ...(typeof upkeep === 'string' && { upkeep }),
})
