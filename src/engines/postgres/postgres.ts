/**
 * The records in PostgreSQL, for engines that keep only what is on its way: their events come in through `history`
 * and are read through `ledger`.
 *
 * Label: what `record` has answered is as safe as PostgreSQL's commits. Needs PostgreSQL 14 or newer.
 */
import pg from 'pg'
import type { Clock } from '../../clock.ts'
import type { History } from '../../history.ts'
import type { Ledger } from '../../ledger.ts'
import { createKysely, createPool } from './connection.ts'
import { createPostgresLedger } from './ledger.ts'
import { migrate, TablesTooNew } from './migrate.ts'
import { createPartitions } from './partitions.ts'
import { createPostgresHistory } from './record.ts'

export { StorageBusy, StorageFailed } from './ledger.ts'
export { TablesTooNew }

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`; the tables are made in the first schema of its search path. */
  readonly url: string
  readonly clock: Clock
  /** How long a message is kept after it became final; days are dropped as a whole, so up to a day longer. */
  readonly retentionMs: number
  /** A round of upkeep (days ahead, days past) has failed; the next one tries again. */
  readonly onUpkeepFailure: (error: Error) => void
  /** How long one statement may take before it is given up. */
  readonly timeoutMs?: number
  readonly connectMs?: number
}

export interface PostgresRecords {
  readonly history: History
  readonly ledger: Ledger
  /**
   * Makes the tables, or brings them up to date. Needed once: whatever is recorded before that does it first, so that
   * a node may start while PostgreSQL is away.
   */
  prepare(): Promise<void>
  /** Makes the days ahead and drops those that are past, as happens by itself from time to time. */
  sweep(): Promise<void>
  close(): Promise<void>
}

const sweepEveryMs = 10 * 60_000
const connections = 4

/** Connects when it is asked something, so it succeeds while PostgreSQL is away. */
export const openPostgres = (options: PostgresOptions): PostgresRecords => {
  const { url, clock, retentionMs, onUpkeepFailure, timeoutMs = 15_000, connectMs = 5000 } = options
  // Searches have connections of their own, so that a slow one never holds up what is recorded.
  const [writing, reading] = [0, 1].map(() =>
    createPool({ url, max: connections, timeoutMs, connectMs }),
  ) as [ReturnType<typeof createPool>, ReturnType<typeof createPool>]
  const partitions = createPartitions({ pool: writing, clock, retentionMs })
  const prepare = once(async () => {
    await migrate(createKysely(writing))
    await partitions.sweep()
  })
  const sweep = () => prepare().then(partitions.sweep)
  const { record } = createPostgresHistory({ pool: writing, partitions })
  const sweeping = setInterval(() => sweep().catch(onUpkeepFailure), sweepEveryMs).unref()
  return {
    history: { record: (events) => prepare().then(() => record(events)) },
    ledger: createPostgresLedger({ db: createKysely(reading), pool: reading, clock }),
    prepare,
    sweep,
    async close() {
      clearInterval(sweeping)
      await Promise.all([writing.end(), reading.end()])
    },
  }
}

/** Whether waiting will not help: the tables are too new, or PostgreSQL knows no such user, password or database. */
export const isLasting = (error: unknown): boolean =>
  error instanceof TablesTooNew ||
  (error instanceof pg.DatabaseError && /^(?:28|3D|42)/.test(error.code ?? ''))

/** Does it until it succeeds, then never again. Who asks meanwhile waits for the same. */
const once = (work: () => Promise<void>): (() => Promise<void>) => {
  let done: Promise<void> | undefined
  return () => {
    done ??= work().catch((error: unknown) => {
      done = undefined
      throw error
    })
    return done
  }
}
