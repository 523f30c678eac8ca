/** Joins an engine that keeps only what is recent, and tells of it, with the records in PostgreSQL. */
import type { Clock, Random } from '../../clock.ts'
import type { Ledger } from '../../ledger.ts'
import type { Observe } from '../../observe.ts'
import type { Queue } from '../../queue.ts'
import type { HistorySource } from '../../recorder.ts'
import { createRecords, startRecording, withRecords } from '../../records.ts'
import { isLasting, openPostgres } from './postgres.ts'

/** How many events are not recorded, and since when the oldest of them waits. */
interface Lag {
  readonly events: number
  readonly oldestAt?: number
}

export interface HistoryOptions {
  /** See `PostgresOptions`. */
  readonly url: string
  readonly retentionMs: number
  readonly queue: Queue
  readonly recent: Ledger
  readonly source: HistorySource
  readonly keptSince: () => number
  /** What is not recorded yet. */
  readonly untold: () => Lag
  readonly clock: Clock
  readonly random: Random
  readonly observe: Observe
}

export interface RecordsOverHistory {
  readonly queue: Queue
  readonly ledger: Ledger
  /** Absent where the engine keeps its records itself. */
  readonly lag?: () => Lag
  /** Stops recording and lets go of PostgreSQL; what is not recorded stays with the engine. */
  close(): Promise<void>
}

/**
 * Begins to record. PostgreSQL may be away: what happens waits in the engine meanwhile. Rejects with what waiting will
 * not mend: tables that are too new, a user or a database that is not known there.
 */
export const openHistory = async (options: HistoryOptions): Promise<RecordsOverHistory> => {
  const { url, retentionMs, queue, recent, source, keptSince, untold, clock, random, observe } = options
  const alert = (code: string) => (error: Error) =>
    observe({ kind: 'alert', code, detail: error.message || String(error) })
  const records = openPostgres({ url, clock, retentionMs, onUpkeepFailure: alert('history-upkeep') })
  try {
    await records.prepare()
  } catch (error) {
    if (isLasting(error)) {
      await records.close()
      throw error
    }
    alert('history-away')(error as Error)
  }
  const parts = { source, history: records.history, clock, observe }
  const ledger = createRecords({ ...parts, recent, past: records.ledger, keptSince })
  const stopRecording = startRecording({ ...parts, random })
  return {
    queue: withRecords(queue, ledger),
    ledger,
    lag: untold,
    async close() {
      await stopRecording()
      await records.close()
    },
  }
}
