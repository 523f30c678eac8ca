import type { Coordination, Shelf } from '../../coordination.ts'
import type { DirectoryRecords } from '../../directory.ts'
import { type Client, scriptOf } from './client.ts'
import { lookScript, swapScript } from './scripts/shelf.ts'
import { nonceScript } from './scripts/upkeep.ts'
import type { Shards } from './shards.ts'

const claimNonce = scriptOf('claim a nonce', nonceScript)
const look = scriptOf('look at the shelf', lookScript)
const swap = scriptOf('put something on the shelf', swapScript)

export const createRedisCoordination = (shards: Shards): Coordination => ({
  ...createNonces(shards),
  shelf: createShelf(shards),
})

/** Nonces of all processes. The shard is that of the nonce. */
const createNonces = (shards: Shards): Pick<Coordination, 'claimNonce'> => ({
  async claimNonce({ keyId, nonce, until }) {
    const name = `${keyId} ${nonce}`
    return (await shards.run(shards.ofName(name), claimNonce, [name, until])) === 1
  },
})

const keptMs = 48 * 3_600_000

/** The shard is that of the name. */
const createShelf = (shards: Shards): Shelf => ({
  async look(name) {
    const text = await shards.run(shards.ofName(name), look, [name])
    return typeof text === 'string' ? text : undefined
  },
  async swap(name, { seen = '', next }) {
    return (await shards.run(shards.ofName(name), swap, [name, seen, next, keptMs])) === 1
  },
})

/** The directory: a hash for each kind, in the first shard. */
export const createRedisDirectory = (client: Client, prefix: string): DirectoryRecords => {
  const keyOf = (kind: string) => `${prefix}{s0}:d:${kind}`
  return {
    async list(kind) {
      const flat = (await client.command('HGETALL', keyOf(kind))) as readonly string[]
      const entries: (readonly [id: string, value: string])[] = []
      for (let at = 0; at < flat.length; at += 2) entries.push([flat[at]!, flat[at + 1]!])
      return entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value)
    },
    async put(kind, id, value) {
      await client.command('HSET', keyOf(kind), id, value)
    },
    async remove(kind, id) {
      await client.command('HDEL', keyOf(kind), id)
    },
  }
}
