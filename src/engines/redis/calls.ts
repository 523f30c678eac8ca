import { type CallShares, mostNearTheLimit, type SharedApi } from '../../call-shares.ts'
import { scriptOf } from './client.ts'
import { askScript, takeScript } from './scripts/calls.ts'
import type { Shards } from './shards.ts'

const take = scriptOf('share calls', takeScript)
const ask = scriptOf('take a turn to ask', askScript)

/** Each API lies in the shard of its name. `process`: one name for each start of each process. */
export const createRedisCalls = (shards: Shards, process: string): CallShares => ({
  async take(request) {
    const name = nameOf(request)
    const { serial, number, day, minute, begun, held, inFlight, want, limits, elsewhere, stopMs } = request
    const args = [
      ...[name, `${process}.${serial}`, number, day, minute, begun.day, begun.minute, held, inFlight, want],
      ...[limits.day, limits.minute, limits.near].map(limitText),
      ...[mostNearTheLimit, limitText(limits.underWay), elsewhere, stopMs],
    ]
    const answer = (await shards.run(shards.ofName(name), take, args)) as readonly (string | number)[]
    const [granted, usedToday, usedInMinute, left, heldByOthers, nodes] = answer
    return {
      granted: Number(granted),
      used: { day: Number(usedToday), minute: Number(usedInMinute) },
      left: left === '' ? Number.POSITIVE_INFINITY : Number(left),
      heldByOthers: Number(heldByOthers),
      nodes: Number(nodes),
    }
  },

  async mayAsk(api, gapMs) {
    const name = nameOf(api)
    return (await shards.run(shards.ofName(name), ask, [name, gapMs])) === 1
  },
})

const nameOf = ({ account, path }: SharedApi): string => `${account} ${path}`

const limitText = (limit: number): string | number => (Number.isFinite(limit) ? limit : '')
