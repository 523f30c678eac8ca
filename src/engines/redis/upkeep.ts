import { scriptOf } from './client.ts'
import { groupBy, keyShard } from './intake.ts'
import { extraIn } from './rows.ts'
import { freeKeysScript } from './scripts/accept.ts'
import { forgetScript, oldScript, reconcileScript, sweepScript } from './scripts/upkeep.ts'
import type { Shards } from './shards.ts'

const sweepNotes = scriptOf('sweep', sweepScript)
const findOld = scriptOf('find what is old', oldScript)
const freeKeys = scriptOf('free idempotency keys', freeKeysScript)
const forget = scriptOf('forget messages', forgetScript)
const reconcileSome = scriptOf('reconcile', reconcileScript)

/** One step is short enough for others to come between; so many steps of a shard are one round. */
const sweepRows = 500
const sweepSteps = 40
const reconcileRows = 500
/** A consumer that nobody has heard of for so long, and that holds nothing, is gone. */
const goneAfterMs = 3_600_000

type OldRow = readonly [id: string, tenant: string, extra: string | null]

/** Forgets what was final before a time, and a little of everything else that is past its own. */
export const sweep = async (shards: Shards, before: number): Promise<void> => {
  await shards.runAll(sweepNotes, [before, sweepRows])
  for (let shard = 0; shard < shards.count; shard++)
    for (let step = 0; step < sweepSteps; step++)
      if ((await sweepMessages(shards, shard, before)) < sweepRows) break
}

/** Keys first: a crash between them leaves a message without its key, not a key without its message. Answers how many. */
const sweepMessages = async (shards: Shards, shard: number, before: number): Promise<number> => {
  const rows = (await shards.run(shard, findOld, [before, sweepRows])) as readonly OldRow[]
  if (rows.length === 0) return 0
  const keyed = rows.flatMap(([id, tenant, extra]) => {
    const { key } = extraIn(extra)
    return key === undefined ? [] : [{ id, tenant, key }]
  })
  for (const [home, some] of groupBy(keyed, ({ tenant, key }) => keyShard(shards, tenant, key)))
    await shards.run(
      home,
      freeKeys,
      some.flatMap(({ id, tenant, key }) => [tenant, key, id]),
    )
  await shards.run(
    shard,
    forget,
    rows.map(([id]) => id),
  )
  return rows.length
}

/** Gives back their places to messages that have lost them; answers how many there were. */
export const reconcile = async (shards: Shards): Promise<number> => {
  let mended = 0
  for (let shard = 0; shard < shards.count; shard++) {
    let cursor = '0'
    do {
      const args = [cursor, reconcileRows, goneAfterMs]
      const [next, some] = (await shards.run(shard, reconcileSome, args)) as readonly [string, number]
      mended += some
      cursor = next
    } while (cursor !== '0')
  }
  return mended
}
