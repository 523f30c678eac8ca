import type { History, HistoryEvent } from '../../history.ts'
import type { MessageId, State, Step } from '../../message.ts'
import { scriptOf } from './client.ts'
import { extraIn, recordOf } from './rows.ts'
import { eventsScript, toldScript } from './scripts/reads.ts'
import type { Shards } from './shards.ts'

const readEvents = scriptOf('read what to tell', eventsScript)
const forgetEvents = scriptOf('forget what is told', toldScript)

const toldAtOnce = 500

type Row = readonly [entry: string, fields: readonly string[], record: readonly (string | null)[] | null]

/**
 * Tells a history what has happened: every transition leaves an event beside its record, in the same step, and it goes
 * once the history has it on stable storage. Several processes may tell the same; the history takes each once. What waits
 * to be told is bounded by the server's memory: when that is nearly full, nothing more is taken in.
 */
export const createTelling = (shards: Shards, history: History) => ({
  /** From now on, transitions leave events. */
  async begin(): Promise<void> {
    await shards.runAll(readEvents, [0])
  },

  /** Tells all that there is; answers how many events that were. */
  async tell(): Promise<number> {
    const counts = await Promise.all(
      Array.from({ length: shards.count }, (_, shard) => tellShard(shards, shard, history)),
    )
    return counts.reduce((sum, count) => sum + count, 0)
  },
})

const tellShard = async (shards: Shards, shard: number, history: History): Promise<number> => {
  let told = 0
  for (;;) {
    const rows = (await shards.run(shard, readEvents, [toldAtOnce])) as readonly Row[]
    if (rows.length === 0) return told
    await history.record(rows.flatMap((row) => eventOf(row) ?? []))
    await shards.run(
      shard,
      forgetEvents,
      rows.map(([entry]) => entry),
    )
    told += rows.length
    if (rows.length < toldAtOnce) return told
  }
}

/** Nothing for a message that has been forgotten meanwhile. */
const eventOf = ([, fields, record]: Row): HistoryEvent | undefined => {
  if (fields.length === 2) return record === null ? undefined : acceptedOf(record)
  const { id, v, tn, st, rs, ra, n, ds, mi, up, step } = Object.fromEntries(
    Array.from({ length: fields.length / 2 }, (_, at) => [fields[2 * at]!, fields[2 * at + 1]!]),
  )
  return {
    ...{ kind: 'state', tenant: tn!, id: id as MessageId, version: Number(v), state: st as State },
    ...(rs && { reason: rs }),
    ...(ra && { readyAt: Number(ra) }),
    deliveries: Number(n),
    ...(ds && { doubtSince: Number(ds) }),
    ...(mi && { msgid: mi }),
    at: Number(up),
    ...(step && { step: JSON.parse(step) as Step }),
  }
}

const acceptedOf = (row: readonly (string | null)[]): HistoryEvent => {
  const { state, reason, readyAt, deliveries, doubtSince, msgid, updatedAt, steps, ...message } =
    recordOf(row)
  const { key } = extraIn(row[10]!)
  return {
    kind: 'accepted',
    // The fingerprint stays with the key: a history is asked by the key alone.
    message: key === undefined ? message : { ...message, idempotency: { key, fingerprint: '' } },
  }
}
