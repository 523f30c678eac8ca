/**
 * Brings what an engine tells of its messages into the records, for as long as the signal lets it.
 *
 * One batch is in hand at a time. It is acknowledged once it is on stable storage, and tried again for as long as the
 * records are away; meanwhile the rest waits where the engine keeps it, and how far the records are behind is told at
 * every try. A batch that is recorded but not acknowledged comes again, which changes nothing.
 */
import type { Clock, Random } from './clock.ts'
import { EventRefused, type History, type HistoryEvent } from './history.ts'
import type { Observe } from './observe.ts'
import { backoffMs } from './retry.ts'

/** Where an engine keeps the events that are not recorded yet. */
export interface HistorySource {
  /**
   * The oldest events that are not acknowledged, at most `max`; nothing if `waitMs` passes or `signal` aborts before
   * there is one. What was taken and never acknowledged, because a process ended, is to be had again. Of several
   * processes that ask again and again, one is given them.
   */
  take(options: {
    readonly max: number
    readonly waitMs: number
    readonly signal: AbortSignal
  }): Promise<HistoryBatch | undefined>

  /** The same at once and whoever asks, or nothing if there is none. */
  next(max: number): Promise<HistoryBatch | undefined>

  /** Whether the events, as of the last look, tell of all messages: not while what is older than the records is left. */
  isComplete(): boolean

  /** Lets another process be the one that is given events. */
  release(): Promise<void>
}

export interface HistoryBatch {
  readonly events: readonly HistoryEvent[]
  /** There were more than fit. */
  readonly more: boolean
  /** They are on stable storage and may be forgotten. After a rejection it may be asked again. */
  acknowledge(): Promise<void>
}

export interface RecorderParts {
  readonly source: Pick<HistorySource, 'take' | 'release'>
  readonly history: History
  readonly clock: Clock
  readonly random: Random
  readonly observe: Observe
  readonly signal: AbortSignal
  /** How many events are in hand at most. */
  readonly max?: number
}

const takeWaitMs = 5000
const pauses = { baseMs: 200, capMs: 10_000 }
const shortestPauseMs = 100
/** Tries that fail before somebody is told: a restart of the records is nobody's business. */
const failuresBeforeAlert = 5

/** Resolves once the signal has aborted and what was being recorded has come to its end. */
export const runRecorder = async (parts: RecorderParts): Promise<void> => {
  const { source, signal, max = 500 } = parts
  const persistently = createPersistence(parts)
  while (!signal.aborted) {
    const batch = await persistently(() => source.take({ max, waitMs: takeWaitMs, signal }), undefined)
    if (batch === undefined || batch.events.length === 0) continue
    await persistently(() => recordBatch(parts, batch), batch)
  }
  // Whoever comes next waits until the hold runs out, should this fail.
  await source.release().catch(() => {})
}

/** What recording one batch takes. */
export type RecordingParts = Pick<RecorderParts, 'history' | 'clock' | 'observe'>

export const recordBatch = async (parts: RecordingParts, batch: HistoryBatch): Promise<void> => {
  await recordAll(parts, batch.events)
  await batch.acknowledge()
  tell(parts, 'recorded', batch.events)
}

/** Tries until it succeeds or the signal aborts, with longer and longer pauses. */
const createPersistence =
  (parts: RecorderParts) =>
  async <T>(work: () => Promise<T>, batch: HistoryBatch | undefined): Promise<T | undefined> => {
    const { clock, random, observe, signal } = parts
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        return await work()
      } catch (error) {
        const detail = error instanceof Error ? error.message : String(error)
        tell(parts, 'failed', batch?.events ?? [])
        if (failures === failuresBeforeAlert) observe({ kind: 'alert', code: 'history-away', detail })
        await clock.sleep(Math.max(shortestPauseMs, backoffMs(pauses, failures, random)), signal)
      }
    }
    return undefined
  }

/** One event that the records refuse must not hold up all others: it is looked for, told of and left out. */
const recordAll = async (parts: RecordingParts, events: readonly HistoryEvent[]): Promise<void> => {
  try {
    await parts.history.record(events)
  } catch (error) {
    if (!(error instanceof EventRefused)) throw error
    const [first] = events
    if (events.length === 1) {
      const id = first!.kind === 'accepted' ? first!.message.id : first!.id
      parts.observe({
        kind: 'alert',
        code: 'history-refused',
        detail: `${id} (${first!.kind}): ${error.message}`,
      })
      tell(parts, 'refused', events)
      return
    }
    const middle = Math.ceil(events.length / 2)
    await recordAll(parts, events.slice(0, middle))
    await recordAll(parts, events.slice(middle))
  }
}

const tell = (
  { clock, observe }: RecordingParts,
  result: 'recorded' | 'failed' | 'refused',
  events: readonly HistoryEvent[],
): void => {
  const now = clock.now()
  const oldest = events.reduce((at, event) => Math.min(at, timeOf(event)), now)
  observe({ kind: 'history', result, events: events.length, lagMs: now - oldest })
}

const timeOf = (event: HistoryEvent): number =>
  event.kind === 'accepted' ? event.message.acceptedAt : event.at
