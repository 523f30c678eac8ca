import type { Coordination, Shelf } from '../../coordination.ts'
import type { DirectoryRecords, RecordChange } from '../../directory-records.ts'
import { type Client, scriptOf } from './client.ts'
import { changedRecordsScript, listRecordsScript, writeRecordScript } from './scripts/directory.ts'
import { lookScript, swapScript } from './scripts/shelf.ts'
import { nonceScript } from './scripts/upkeep.ts'
import type { Shards } from './shards.ts'

const claimNonce = scriptOf('claim a nonce', nonceScript)
const listRecords = scriptOf('list the directory', listRecordsScript)
const writeRecord = scriptOf('write to the directory', writeRecordScript)
const changedRecords = scriptOf('read what has changed in the directory', changedRecordsScript)
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

/** The directory, in the first shard. See `scripts/directory.ts`. */
export const createRedisDirectory = (
  shards: Shards,
  client: Pick<Client, 'command' | 'listen'>,
  prefix: string,
): DirectoryRecords => {
  const channel = `${prefix}directory`
  /** Of the data that was read first. When it is another one, the records that are known here are not there any more. */
  let epoch = ''

  const write = async ({ kind, id, value }: RecordChange, seen: number | 'any') => {
    const row = [epoch, seen, kind, id, ...(value === undefined ? [] : [value])]
    const version = (await shards.run(0, writeRecord, row)) as number | null
    if (version === null) return undefined
    client.command('PUBLISH', channel, '').catch(() => {})
    return version
  }
  const since = async (seen: number | '+inf') => {
    const answer = await shards.run(0, changedRecords, [epoch, seen])
    const [found, version, ...rows] = answer as readonly [string, number, ...(readonly (string | null)[])[]]
    epoch = found
    const changes = rows.map(([name = '', value]) => {
      const [kind = '', id = ''] = partsOf(name ?? '')
      return { kind, id, ...(value != null && { value }) }
    })
    return { version, changes }
  }

  return {
    async list(kind) {
      const flat = (await shards.run(0, listRecords, [kind])) as readonly string[]
      const entries: (readonly [id: string, value: string])[] = []
      for (let at = 0; at < flat.length; at += 2) entries.push([flat[at]!, flat[at + 1]!])
      return entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value)
    },
    async put(kind, id, value) {
      await write({ kind, id, value }, 'any')
    },
    async remove(kind, id) {
      await write({ kind, id }, 'any')
    },
    shared: {
      version: async () => (await since('+inf')).version,
      write,
      since,
      watch: (hear) => client.listen(channel, hear),
    },
  }
}

/** A kind holds no blank. */
const partsOf = (name: string): readonly [kind: string, id: string] => {
  const blank = name.indexOf(' ')
  return [name.slice(0, blank), name.slice(blank + 1)]
}
