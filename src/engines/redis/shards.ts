/**
 * The shards: all that concerns one person of one account lies in one of them, so that a lease and its grant, or a receipt
 * and its message, are one atomic step. Each shard carries an epoch, a word made at random with it; all shards have
 * the same one. When it is not what it was, the data is not what it was, and nothing is done with it: what a queue without
 * its past would accept, it could not keep from being sent twice, and what is restored later would be in its way.
 */
import { createHash, randomUUID } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import { lanes } from '../../message.ts'
import { type Client, RedisFailed, type Script } from './client.ts'
import { refuseMigration } from './migration-epoch.ts'

export interface Shards {
  readonly count: number
  /** The shard of a person. */
  ofPerson(who: { readonly account: string; readonly touser: string }): number
  /** The shard of anything else that has a name. */
  ofName(name: string): number
  run(shard: number, script: Script, args?: readonly (string | number)[]): Promise<unknown>
  /** The same of every shard, in their order. */
  runAll(script: Script, args?: readonly (string | number)[]): Promise<readonly unknown[]>
  /** Whether data is missing at this moment. */
  isLost(): boolean
}

export interface ShardOptions {
  readonly client: Client
  readonly clock: Clock
  /** What all keys begin with. */
  readonly prefix: string
  /** How many, where that is asked for: data that is there must have as many. */
  readonly shards: number | undefined
  readonly memory?: EpochMemory | undefined
  readonly onLoss: (loss: Loss) => void
}

/** Remembers, outside of Redis, with which data this process has worked. */
export interface EpochMemory {
  /** Where, as a person finds it. */
  readonly place: string
  recall(): string | undefined
  keep(epoch: string): void
}

/** Redis does not hold the data that this process has worked with. Nothing was changed. */
export class LostData extends Error {
  constructor(place: string) {
    super(
      `Redis has lost its data, or this is another Redis: it does not hold what ${place} remembers. Restore it from a backup; or remove that file to begin with what is there. See docs/redis.md. Redis 的数据已丢失，或这是另一个 Redis：其内容与 ${place} 所记不符。请从备份恢复；若确定以现有内容重新开始，请删除该文件。`,
    )
    this.name = 'LostData'
  }
}

/** `epoch`: the data is gone; `back`: it is there again. `group`: the reading group was gone, the messages were not. */
export interface Loss {
  readonly kind: 'epoch' | 'back' | 'group'
  readonly detail: string
}

/** A lost group is made anew this often at most. */
const mendEveryMs = 1000
/** Lost data is announced this often while it is not there. */
const announceEveryMs = 60_000

/** Rejects with `LostData` when the data is not the one that `memory` remembers. */
export const openShards = async (options: ShardOptions): Promise<Shards> => {
  const { client, clock, prefix, onLoss } = options
  const count = await countOf(client, countKey(prefix), options.shards)
  const names = Array.from({ length: count }, (_, shard) => `${prefix}{s${shard}}`)
  const epoch = await openEpoch(client, names, options.memory)
  await client.command('SET', countKey(prefix), count, 'NX')
  // Another process that began at the same time may have been faster, with another number.
  await countOf(client, countKey(prefix), count)
  await beginGroups(client, names)

  const lost = new Set<number>()
  let announcedAt = Number.NEGATIVE_INFINITY
  let mending: Promise<void> | undefined
  let mendedAt = Number.NEGATIVE_INFINITY

  const lose = (shard: number, error: unknown): void => {
    lost.add(shard)
    if (performance.now() < announcedAt + announceEveryMs) return
    announcedAt = performance.now()
    onLoss({ kind: 'epoch', detail: String(error) })
  }

  /** Somebody has put the data back. */
  const find = (shard: number): void => {
    lost.delete(shard)
    if (lost.size > 0) return
    announcedAt = Number.NEGATIVE_INFINITY
    onLoss({ kind: 'back', detail: 'The data is there again, and the work goes on' })
  }

  /** Whoever ran into it is refused all the same; the next one finds a new group over what is there. */
  const mend = (error: unknown): void => {
    if (mending !== undefined || performance.now() < mendedAt + mendEveryMs) return
    onLoss({ kind: 'group', detail: String(error) })
    mending = beginGroups(client, names)
      .catch(() => {})
      .finally(() => {
        mendedAt = performance.now()
        mending = undefined
      })
  }

  const run: Shards['run'] = async (shard, script, args = []) => {
    try {
      const result = await client.run(script, names[shard]!, [epoch, clock.now(), ...args])
      if (lost.has(shard)) find(shard)
      return result
    } catch (error) {
      const text = String(error)
      if (text.includes('EPOCH')) lose(shard, error)
      else if (/NOGROUP|no such key/i.test(text)) mend(error)
      throw error
    }
  }

  return {
    count,
    ofPerson: ({ account, touser }) => numberOf(`${account} ${touser}`, count),
    ofName: (name) => numberOf(name, count),
    run,
    runAll: (script, args) => Promise.all(names.map((_, shard) => run(shard, script, args))),
    isLost: () => lost.size > 0,
  }
}

export const numberOf = (name: string, count: number): number =>
  createHash('sha1').update(name).digest().readUInt32BE() % count

const countKey = (prefix: string): string => `${prefix}{s0}:shards`
const epochKey = (name: string): string => `${name}:epoch`

/**
 * Of new data, where nobody asks for another number. Each shard more makes what crosses together smaller: 16 cost Redis a
 * fifth more of a message than 4 do. They can be dealt to four nodes or so; more nodes want more.
 */
export const usualCount = 16

/** The number of shards is fixed with the data: who looks in the wrong shard finds nothing. */
const countOf = async (client: Client, key: string, asked: number | undefined): Promise<number> => {
  const there = await client.command('GET', key)
  if (there === null) return asked ?? usualCount
  const known = Number(there)
  if (asked !== undefined && known !== asked)
    throw new RedisFailed('open', `the data has ${known} shards, and ${asked} were asked for`)
  return known
}

/**
 * The epoch that all shards have. It is made where there is none, with the first shard last: when that has one, all have
 * had one, and a beginning that was cut short, or that several make at once, is taken up by the next.
 */
const openEpoch = async (
  client: Client,
  names: readonly string[],
  memory: EpochMemory | undefined,
): Promise<string> => {
  const there = await Promise.all(names.map((name) => client.command('GET', epochKey(name))))
  refuseMigration(String(there[0]))
  const known = memory?.recall() ?? (there[0] as string | null)
  if (known !== null && there.some((epoch) => epoch !== known))
    throw new LostData(memory?.place ?? 'its first shard')
  let epoch = known ?? randomUUID()
  if (known === null)
    for (const name of names.toReversed()) epoch = await setOnce(client, epochKey(name), epoch)
  if (memory?.recall() !== epoch) memory?.keep(epoch)
  return epoch
}

/** What the key holds; `value` if it held nothing. */
const setOnce = async (client: Client, key: string, value: string): Promise<string> => {
  await client.command('SET', key, value, 'NX')
  return String(await client.command('GET', key))
}

/** Makes the groups that are missing. A group begins before the first entry, so nothing is passed over. */
const beginGroups = async (client: Client, names: readonly string[]): Promise<void> => {
  for (const name of names) for (const lane of lanes.keys()) await beginGroup(client, `${name}:ready:${lane}`)
}

const beginGroup = (client: Client, stream: string): Promise<unknown> =>
  client.command('XGROUP', 'CREATE', stream, 'workers', 0, 'MKSTREAM').catch((error: unknown) => {
    if (!String(error).includes('BUSYGROUP')) throw error
  })
