import type { State } from '../../message.ts'
import { scriptOf } from './client.ts'
import { groupBy, keyShard } from './intake.ts'
import { extraIn } from './rows.ts'
import { endKeysScript } from './scripts/accept.ts'
import { forgetScript, oldScript, reconcileScript, sweepScript } from './scripts/upkeep.ts'
import type { Shards } from './shards.ts'

const sweepNotes = scriptOf('sweep', sweepScript)
const findOld = scriptOf('find what is old', oldScript)
const endKeys = scriptOf('end idempotency keys', endKeysScript)
const forget = scriptOf('forget messages', forgetScript)
const reconcileSome = scriptOf('reconcile', reconcileScript)

/** One step is short enough for others to come between; so many steps of a shard are one round. */
const sweepRows = 500
const sweepSteps = 40
const reconcileRows = 500
/** A consumer that nobody has heard of for so long, and that holds nothing, is gone. */
const goneAfterMs = 3_600_000

type OldRow = readonly [
  id: string,
  tenant: string | null,
  extra: string | null,
  state: State,
  endedAt: string,
]
type OldAnswer = readonly [looked: number, rows: readonly OldRow[]]

/** How long things are kept after a message became final. */
export interface Keeping {
  /** The message itself. */
  readonly recordMs: number
  /** Its idempotency key: at least as long. */
  readonly keyMs: number
  /** A spent grant, after its last change. */
  readonly grantMs: number
}

/** Forgets what was final for long enough, and a little of everything else that is past its own time. */
export const sweep = async (shards: Shards, now: number, keeping: Keeping): Promise<void> => {
  await shards.runAll(sweepNotes, [now - keeping.grantMs, sweepRows])
  for (let shard = 0; shard < shards.count; shard++) {
    // A message that its history has not been told of stays, and the next ones are looked for behind it.
    let skipped = 0
    for (let step = 0; step < sweepSteps; step++) {
      const range = [now - keeping.recordMs, skipped, sweepRows]
      const [looked, rows] = (await shards.run(shard, findOld, range)) as OldAnswer
      if (rows.length > 0) await forgetMessages(shards, shard, rows, keeping.keyMs)
      skipped += looked - rows.length
      if (looked < sweepRows || rows.length === 0) break
    }
  }
}

/** Keys first: whoever does not find a message any more is told by its key that it has been there. */
const forgetMessages = async (
  shards: Shards,
  shard: number,
  rows: readonly OldRow[],
  keyMs: number,
): Promise<void> => {
  const keyed = rows.flatMap(([id, tenant, extra, state, endedAt]) => {
    const { key } = extraIn(extra)
    return tenant === null || key === undefined
      ? []
      : [{ id, tenant, key, state, until: Number(endedAt) + keyMs }]
  })
  for (const [home, some] of groupBy(keyed, ({ tenant, key }) => keyShard(shards, tenant, key)))
    await shards.run(
      home,
      endKeys,
      some.flatMap(({ tenant, key, id, state, until }) => [tenant, key, id, state, until]),
    )
  await shards.run(
    shard,
    forget,
    rows.map(([id]) => id),
  )
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
