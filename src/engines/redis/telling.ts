/**
 * Tells a history what has happened. Every transition leaves an event beside its record, in the same step, and it goes
 * once the history has it on stable storage; messages that are older than the history's wish are told of one after the
 * other. What waits to be told is bounded by the server's memory: when that is nearly full, nothing more is taken in.
 */
import type { Clock } from '../../clock.ts'
import type { HistoryEvent } from '../../history.ts'
import type { MessageId, State, Step } from '../../message.ts'
import type { HistoryBatch, HistorySource } from '../../recorder.ts'
import { scriptOf } from './client.ts'
import { placesPerMs } from './intake.ts'
import { extraIn, recordOf } from './rows.ts'
import {
  eventsScript,
  holdTellingScript,
  isTellingScript,
  tellPastScript,
  toldScript,
} from './scripts/telling.ts'
import type { Shards } from './shards.ts'

const askTelling = scriptOf('ask whether to tell', isTellingScript)
const readEvents = scriptOf('read what to tell', eventsScript)
const forgetEvents = scriptOf('forget what is told', toldScript)
const tellPast = scriptOf('tell of what is past', tellPastScript)
const hold = scriptOf('hold the telling', holdTellingScript)

/** How soon an event is seen when none was there before it. */
const pollMs = 250
/** A process that tells and ends without a word is replaced after this. */
const holdMs = 15_000
const pastAtOnce = 200

/** Asked before anything else of an engine that is to tell nobody: whether an earlier process has begun to. */
export const isTelling = async (shards: Shards): Promise<boolean> =>
  (await shards.runAll(askTelling)).some((answer) => answer === 1)

/** From now on, transitions leave events. `who`: a name that no other process has. */
export const openTelling = async (shards: Shards, clock: Clock, who: string): Promise<HistorySource> => {
  const past = createPast(shards)
  let heldUntil = 0

  const read = async (share: number): Promise<readonly (readonly Row[])[]> => {
    const answers = (await shards.runAll(readEvents, [share])) as readonly Answer[]
    for (const [shard, [told]] of answers.entries()) past.see(shard, told === 1)
    return answers.map(([, rows]) => rows)
  }

  /** The oldest events of every shard. Several processes may take the same: who is told twice knows it once. */
  const next = async (max: number): Promise<HistoryBatch | undefined> => {
    const share = Math.ceil(max / shards.count)
    const rows = await read(share)
    if (rows.every(({ length }) => length === 0)) return undefined
    return {
      events: rows.flat().flatMap((row) => eventOf(row) ?? []),
      more: rows.some(({ length }) => length === share),
      acknowledge: () => forgetRows(shards, rows),
    }
  }

  const isMine = async (): Promise<boolean> => {
    if (heldUntil - clock.now() > holdMs / 2) return true
    const until = clock.now() + holdMs
    const mine = (await shards.run(0, hold, [who, until])) === 1
    heldUntil = mine ? until : 0
    return mine
  }

  await read(1)
  return {
    next,
    async take({ max, waitMs, signal }) {
      const mine = await isMine()
      const batch = mine ? await next(max) : undefined
      if (batch !== undefined || (mine && (await past.tellSome()))) return batch
      await clock.sleep(Math.min(waitMs, pollMs), signal)
      return undefined
    },
    isComplete: past.isTold,
    async release() {
      if (heldUntil > clock.now()) await shards.run(0, hold, [who, clock.now()])
      heldUntil = 0
    },
  }
}

const forgetRows = async (shards: Shards, rows: readonly (readonly Row[])[]): Promise<void> => {
  await Promise.all(
    rows.map((some, shard) => {
      const entries = some.map(([entry]) => entry)
      return entries.length > 0 && shards.run(shard, forgetEvents, entries)
    }),
  )
}

/** What was there before the history: told little by little, while there is nothing newer to tell. */
const createPast = (shards: Shards) => {
  const told = Array.from({ length: shards.count }, () => false)
  const start = { what: 'open', cursor: '0' }
  const walks = told.map(() => start)
  return {
    /** What a shard has said. One that has lost its data has lost that as well. */
    see(shard: number, isTold: boolean): void {
      if (told[shard] && !isTold) walks[shard] = start
      told[shard] = isTold
    },
    isTold: (): boolean => !told.includes(false),
    /** Whether there was something left to tell. */
    async tellSome(): Promise<boolean> {
      const shard = told.indexOf(false)
      if (shard === -1) return false
      const { what, cursor } = walks[shard]!
      const next = String(await shards.run(shard, tellPast, [what, cursor, pastAtOnce]))
      if (next === '0' && what === 'final') told[shard] = true
      walks[shard] = next === '0' ? { what: 'final', cursor: '0' } : { what, cursor: next }
      return true
    },
  }
}

type Answer = readonly [told: number, rows: readonly Row[]]
type Row = readonly [
  entry: string,
  fields: readonly string[],
  record: readonly (string | null)[] | null,
  place: string | null,
]

/** Nothing for a message that has been forgotten meanwhile. */
const eventOf = ([, fields, record, place]: Row): HistoryEvent | undefined => {
  if (fields.length === 2) return record === null ? undefined : acceptedOf(record, Number(place))
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

const acceptedOf = (row: readonly (string | null)[], place: number): HistoryEvent => {
  const { state, reason, readyAt, deliveries, doubtSince, msgid, updatedAt, steps, ...message } =
    recordOf(row)
  const { key } = extraIn(row[10]!)
  return {
    kind: 'accepted',
    // The fingerprint stays with the key: a history is asked by the key alone.
    message: key === undefined ? message : { ...message, idempotency: { key, fingerprint: '' } },
    order: place % placesPerMs,
  }
}
