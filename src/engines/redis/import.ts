import type { Clock } from '../../clock.ts'
import type { Carried, CarriedMessage, Import, Kind } from '../../transfer.ts'
import { auditServers } from './audit.ts'
import { carriedOf, carriedRow } from './carried.ts'
import { type Cell, type CellKind, layouts } from './cells.ts'
import { type Client, openClient, RedisFailed, scriptOf } from './client.ts'
import { createPlaces, groupBy } from './intake.ts'
import { type MigratingShards, shardsUnder } from './migrating.ts'
import { migrationEpoch } from './migration-epoch.ts'
import { confirmed, UnsafeRedis } from './redis.ts'
import { booksScript } from './scripts/notes.ts'
import * as scripts from './scripts/transfer.ts'
import { usualCount } from './shards.ts'

const contents = scriptOf('look what is there', scripts.contentsScript)
const begin = scriptOf('begin a migration', scripts.beginMigrationScript)
const live = scriptOf('go live', scripts.goLiveScript)
const countMessages = scriptOf('count messages', scripts.messagesScript)
const putCells = scriptOf('take rows in', scripts.putScript)
const getCells = scriptOf('read rows back', scripts.getScript)
const putMessages = scriptOf('take messages over', scripts.putMessagesScript)
const getMessages = scriptOf('read messages back', scripts.getMessagesScript)
const openBooks = scriptOf('open books', booksScript)

/** One step of a shard is short enough, and a call has so many arguments at most. */
const rowsAtOnce = 500

export interface ImportOptions {
  /** As of `RedisOptions`. */
  readonly url: string
  readonly clock: Clock
  readonly shards: number | undefined
  readonly replicas: number
  readonly prefix?: string
  readonly callMs?: number
  /** What the server's settings do not guarantee. */
  readonly onWeakSetting: (detail: string) => void
}

/** Rejects when Redis cannot be reached, with `UnsafeRedis`, and when its data has another number of shards. */
export const openImport = async (options: ImportOptions): Promise<Import> => {
  const { url, callMs = 30_000 } = options
  const client = await openClient({ url, callMs })
  try {
    return await openOn(client, { ...options, callMs })
  } catch (error) {
    client.close()
    throw error
  }
}

const openOn = async (
  client: Client,
  {
    url,
    clock,
    shards: asked,
    replicas,
    prefix = 'hongyan:',
    callMs,
    onWeakSetting,
  }: ImportOptions & { callMs: number },
): Promise<Import> => {
  const audit = await auditServers(client, replicas)
  if (audit.refusals.length > 0) throw new UnsafeRedis(audit)
  for (const { en, zh } of audit.findings) onWeakSetting(`${en} ${zh}`)
  const known = await client.command('GET', `${prefix}{s0}:shards`)
  const count = known === null ? (asked ?? usualCount) : Number(known)
  if (asked !== undefined && count !== asked)
    throw new RedisFailed('open', `the data has ${known} shards, and ${asked} were asked for`)
  const names = Array.from({ length: count }, (_, shard) => `${prefix}{s${shard}}`)
  const [first, ...others] = names as [string, ...string[]]

  const look: Import['look'] = async (id) => {
    const found = (await Promise.all(
      names.map((name) => client.run(contents, name, [])),
    )) as readonly Contents[]
    const [epoch, migration] = found[0]!
    if (id !== undefined && migration === id && epoch !== null)
      return epoch === migrationEpoch(id) ? 'moving' : 'live'
    return migration === null && found.every(([, , held]) => held === 0) ? 'empty' : 'occupied'
  }

  let shards: MigratingShards | undefined
  const begun = (): MigratingShards => {
    if (shards === undefined) throw new TypeError('The migration has not begun')
    return shards
  }
  const places = createPlaces()
  const books = createBooks()

  return {
    address: addressOf(url, count),
    look,
    async begin(id) {
      const epoch = migrationEpoch(id)
      if ((await client.run(begin, first, [id, epoch])) !== 1)
        throw new RedisFailed('begin a migration', 'it has changed since it was looked at')
      await client.command('SET', `${first}:shards`, count)
      for (const name of others) await client.command('SET', `${name}:epoch`, epoch)
      shards = shardsUnder(epoch, { client, clock, names })
    },
    async put(kind, rows) {
      if (kind === 'messages') {
        const messages = rows as readonly CarriedMessage[]
        return putAll(
          begun(),
          messages.map((each) => [each, places(each.record.id)]),
        )
      }
      if (kind === 'grants') await books.open(begun(), rows as readonly Carried['grants'][])
      return putRows(begun(), kind as CellKind, rows as never)
    },
    read: async <K extends Kind>(kind: K, rows: readonly Carried[K][]) =>
      (kind === 'messages'
        ? await readMessages(begun(), rows as readonly CarriedMessage[])
        : await readRows(begun(), kind as CellKind, rows as never)) as readonly (Carried[K] | undefined)[],
    messages: async () =>
      ((await begun().runAll(countMessages)) as readonly number[]).reduce((sum, some) => sum + some, 0),
    // The first shard decides, and comes last: what is cut short before it is done again.
    async goLive(id) {
      await confirmed(client, replicas, callMs)
      for (const name of others) await client.command('SET', `${name}:epoch`, id)
      await begun().run(0, live, [id])
      await confirmed(client, replicas, callMs)
    },
    close: client.close,
  }
}

type Contents = readonly [epoch: string | null, migration: string | null, held: number]

/** As a setting would have it, without user and password, which are nobody's business and may change. */
const addressOf = (url: string, shards: number): string => `${url.replace(/\/\/.*@/, '//')}?shards=${shards}`

/** Every shard must know which accounts have books. */
const createBooks = () => {
  const known = new Set<string>()
  return {
    async open(shards: MigratingShards, grants: readonly Carried['grants'][]): Promise<void> {
      for (const { account } of grants) {
        if (known.has(account)) continue
        await shards.runAll(openBooks, [account])
        known.add(account)
      }
    },
  }
}

const putRows = async <K extends CellKind>(
  shards: MigratingShards,
  kind: K,
  rows: readonly Carried[K][],
): Promise<void> => {
  const cells = rows.flatMap((row) => layouts[kind].cells(row as never, shards))
  await inSteps(cells, async (shard, some) => {
    await shards.run(
      shard,
      putCells,
      some.flatMap(({ how, key, name, value }) => [how, key, name, value]),
    )
  })
}

const readRows = async <K extends CellKind>(
  shards: MigratingShards,
  kind: K,
  rows: readonly Carried[K][],
): Promise<readonly (Carried[K] | undefined)[]> => {
  const cells = rows.map((row) => layouts[kind].cells(row as never, shards))
  const values = new Map<Cell, string | null>()
  await inSteps(cells.flat(), async (shard, some) => {
    const args = some.flatMap(({ how, key, name }) => [how, key, name])
    const found = (await shards.run(shard, getCells, args)) as readonly (string | null)[]
    for (const [index, cell] of some.entries()) values.set(cell, found[index]!)
  })
  return rows.map((row, index) => {
    const own = cells[index]!.map((cell) => values.get(cell) ?? null)
    if (own.includes(null)) return undefined
    return layouts[kind].row(row as never, own as readonly string[]) as Carried[K]
  })
}

const putAll = (
  shards: MigratingShards,
  messages: readonly (readonly [CarriedMessage, place: number])[],
): Promise<void> =>
  inSteps(
    messages.map(([message, place]) => ({
      shard: shards.ofPerson(message.record),
      values: carriedRow(message, place),
    })),
    async (shard, some) => {
      await shards.run(
        shard,
        putMessages,
        some.flatMap(({ values }) => values),
      )
    },
  )

const readMessages = async (
  shards: MigratingShards,
  messages: readonly CarriedMessage[],
): Promise<readonly (CarriedMessage | undefined)[]> => {
  const places = messages.map(({ record }) => ({ shard: shards.ofPerson(record), id: record.id }))
  const found = new Map<string, CarriedMessage>()
  await inSteps(places, async (shard, some) => {
    const ids = some.map(({ id }) => id)
    const rows = (await shards.run(shard, getMessages, ids)) as readonly (
      | Parameters<typeof carriedOf>[0]
      | null
    )[]
    for (const [index, row] of rows.entries()) if (row !== null) found.set(ids[index]!, carriedOf(row))
  })
  return messages.map(({ record }) => found.get(record.id))
}

/** Does this with what belongs to each shard, a bounded part at a time, all shards at once. */
const inSteps = async <Item extends { readonly shard: number }>(
  items: readonly Item[],
  step: (shard: number, some: readonly Item[]) => Promise<void>,
): Promise<void> => {
  const groups = groupBy(items, ({ shard }) => shard)
  await Promise.all(
    [...groups].map(async ([shard, own]) => {
      for (let start = 0; start < own.length; start += rowsAtOnce)
        await step(shard, own.slice(start, start + rowsAtOnce))
    }),
  )
}
