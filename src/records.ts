/**
 * One ledger over an engine that keeps only what is recent, and a history that keeps everything.
 *
 * One message is looked for in the engine first, where it is fresh. A search is answered by the history, once that has
 * been told of all that has happened until the search began: so it shows what its caller has just been answered. While
 * the history is away, or far behind, the engine answers alone as far as it surely has everything; what goes beyond is
 * refused. A page never lacks what it should show.
 */
import type { Clock, Random } from './clock.ts'
import { type History, HistoryAway } from './history.ts'
import type { Ledger, LedgerPage, LedgerQuery } from './ledger.ts'
import type { Observe } from './observe.ts'
import type { Queue } from './queue.ts'
import { type HistorySource, recordBatch, runRecorder } from './recorder.ts'

export interface RecordsParts {
  readonly recent: Ledger
  /** Whatever was accepted since then is surely still in `recent`. */
  readonly keptSince: () => number
  readonly source: Pick<HistorySource, 'next' | 'isComplete'>
  readonly history: History
  /** What the history has recorded. */
  readonly past: Ledger
  readonly clock: Clock
  readonly observe: Observe
}

/** How long a search waits for the history to catch up. */
const patienceMs = 2000
const eventsAtOnce = 1000

/** Rejects with `HistoryAway` what only the history could answer while that is away. */
export const createRecords = (parts: RecordsParts): Ledger => {
  const { recent, past, keptSince } = parts
  const caughtUp = createCatchUp(parts)

  /** Nothing if there may be more behind what the engine keeps. */
  const searchRecent = async (query: LedgerQuery): Promise<LedgerPage | undefined> => {
    const since = keptSince()
    const page = await recent.search({ ...query, from: Math.max(query.from ?? 0, since) })
    const isWhole = page.nextCursor !== undefined || (query.from ?? 0) >= since
    return isWhole ? page : undefined
  }

  return {
    find: async (target) => (await recent.find(target)) ?? orAway(past.find(target)),

    async search(query) {
      try {
        await caughtUp()
        return await past.search(query)
      } catch (error) {
        const page = await searchRecent(query)
        if (page === undefined) throw new HistoryAway(error)
        return page
      }
    },

    counts: (tenant) => orAway(caughtUp().then(() => past.counts(tenant))),
  }
}

/** The queue, which knows of what it has forgotten what the history knows. */
export const withRecords = (queue: Queue, { find }: Ledger): Queue => ({
  ...queue,
  async cancel(target) {
    const cancellation = await queue.cancel(target)
    if (cancellation.kind !== 'missing') return cancellation
    const record = await find(target)
    return record === undefined ? cancellation : { kind: 'final', state: record.state }
  },
})

export interface RecordingParts {
  readonly source: HistorySource
  readonly history: History
  readonly clock: Clock
  readonly random: Random
  readonly observe: Observe
}

/**
 * Starts the recorder; several processes may do so, and one of them records at a time. Answers how to stop: what is in
 * hand comes to its end, for as long as `stopMs`; what does not is had again by whoever goes on.
 */
export const startRecording = (parts: RecordingParts): (() => Promise<void>) => {
  const stop = new AbortController()
  const ended = runRecorder({ ...parts, signal: stop.signal, max: eventsAtOnce })
  return async () => {
    stop.abort()
    const waited = new AbortController()
    await Promise.race([ended, parts.clock.sleep(stopMs, waited.signal)])
    waited.abort()
  }
}
const stopMs = 3000

const orAway = <T>(answer: Promise<T>): Promise<T> =>
  answer.catch((error: unknown) => {
    throw new HistoryAway(error)
  })

/**
 * Answers a function that resolves once the history has all that had happened when it was called, and rejects if that
 * takes too long. Whoever searches sees to it, be the recorder here or elsewhere: what both record is there once. One
 * round is under way at a time; those who come meanwhile share the next one.
 */
const createCatchUp = (parts: RecordsParts): (() => Promise<void>) => {
  const { source, clock } = parts
  let current: Promise<void> = Promise.resolve()
  let next: Promise<void> | undefined

  const round = async (): Promise<void> => {
    next = undefined
    const deadline = clock.now() + patienceMs
    for (;;) {
      const batch = await source.next(eventsAtOnce)
      if (!source.isComplete()) throw new Error('They are still being filled for the first time')
      if (batch === undefined) return
      await recordBatch(parts, batch)
      if (!batch.more) return
      if (clock.now() > deadline) throw new Error('They are too far behind')
    }
  }

  return async () => {
    if (next === undefined) {
      next = current.then(round, round)
      current = next
      // Those who wait are told; nobody may be left to wait for it.
      next.catch(() => {})
    }
    await within(next, clock)
  }
}

const within = async (work: Promise<void>, clock: Clock): Promise<void> => {
  const giveUp = new AbortController()
  const tooLate = clock.sleep(patienceMs, giveUp.signal).then(() => {
    throw new Error(`They have not caught up within ${patienceMs} ms`)
  })
  tooLate.catch(() => {})
  try {
    await Promise.race([work, tooLate])
  } finally {
    giveUp.abort()
  }
}
