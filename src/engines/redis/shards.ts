/**
 * The shards: all that concerns one person of one account lies in one of them, so that a lease and its grant, or a receipt
 * and its message, are one atomic step. Each shard carries an epoch, a word made at random with it; all shards have
 * the same one. When it is not what it was, somebody has thrown the data away.
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
}

export interface ShardOptions {
  readonly client: Client
  readonly clock: Clock
  /** What all keys begin with. */
  readonly prefix: string
  readonly shards: number
  readonly onLoss: (loss: Loss) => void
}

/** `epoch`: the data is gone. `group`: the reading group is gone, the messages are not. */
export interface Loss {
  readonly kind: 'epoch' | 'group'
  readonly detail: string
}

/** Lost data is announced, and made anew, this often at most. */
const mendEveryMs = 1000

export const openShards = async (options: ShardOptions): Promise<Shards> => {
  const { client, clock, prefix, shards: count, onLoss } = options
  const names = Array.from({ length: count }, (_, shard) => `${prefix}{s${shard}}`)
  await assertSameCount(client, `${names[0]!}:shards`, count)
  let epoch = await beginEpoch(client, names)

  let mending: Promise<void> | undefined
  let mendedAt = Number.NEGATIVE_INFINITY

  /** Whoever ran into it is refused all the same; the next one finds empty shards, or a new group over what is there. */
  const mend = (kind: Loss['kind'], error: unknown): void => {
    if (mending !== undefined || performance.now() < mendedAt + mendEveryMs) return
    onLoss({ kind, detail: String(error) })
    mending = beginEpoch(client, names)
      .then(
        (begun) => {
          epoch = begun
        },
        () => {},
      )
      .finally(() => {
        mendedAt = performance.now()
        mending = undefined
      })
  }

  const run: Shards['run'] = async (shard, script, args = []) => {
    try {
      return await client.run(script, names[shard]!, [epoch, clock.now(), ...args])
    } catch (error) {
      const loss = lossIn(error)
      if (loss !== undefined) mend(loss, error)
      throw error
    }
  }

  return {
    count,
    ofPerson: ({ account, touser }) => numberOf(`${account} ${touser}`, count),
    ofName: (name) => numberOf(name, count),
    run,
    runAll: (script, args) => Promise.all(names.map((_, shard) => run(shard, script, args))),
  }
}

export const numberOf = (name: string, count: number): number =>
  createHash('sha1').update(name).digest().readUInt32BE() % count

const lossIn = (error: unknown): Loss['kind'] | undefined => {
  const text = String(error)
  if (text.includes('EPOCH')) return 'epoch'
  return /NOGROUP|no such key/i.test(text) ? 'group' : undefined
}

/** Who looks in the wrong shard finds nothing: the number of shards is fixed with the data. */
const assertSameCount = async (client: Client, key: string, count: number): Promise<void> => {
  await client.command('SET', key, count, 'NX')
  const known = Number(await client.command('GET', key))
  if (known !== count)
    throw new RedisFailed('open', `the data has ${known} shards, and ${count} were asked for`)
}

/** Makes what is missing of epochs and groups. The group begins before the first entry, so nothing is passed over. */
const beginEpoch = async (client: Client, names: readonly string[]): Promise<string> => {
  await client.command('SET', `${names[0]!}:epoch`, randomUUID(), 'NX')
  const epoch = String(await client.command('GET', `${names[0]!}:epoch`))
  refuseMigration(epoch)
  for (const name of names) {
    await client.command('SET', `${name}:epoch`, epoch)
    await client.command('SET', `${names[0]!}:shards`, names.length, 'NX')
    for (const lane of lanes.keys()) await beginGroup(client, `${name}:ready:${lane}`)
  }
  return epoch
}

const beginGroup = (client: Client, stream: string): Promise<unknown> =>
  client.command('XGROUP', 'CREATE', stream, 'workers', 0, 'MKSTREAM').catch((error: unknown) => {
    if (!String(error).includes('BUSYGROUP')) throw error
  })
