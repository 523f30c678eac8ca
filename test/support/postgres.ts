import { randomUUID } from 'node:crypto'
import { after, before, type TestContext } from 'node:test'
import pg from 'pg'
import {
  openPostgres,
  type PostgresOptions,
  type PostgresRecords,
} from '../../src/engines/postgres/postgres.ts'
import { atEnd } from './at-end.ts'
import { createTestClock } from './clock.ts'
import { openEngine } from './embedded.ts'
import { temporaryFolder } from './folder.ts'
import type { Harness } from './harness.ts'
import { type PostgresServer, startPostgres } from './postgres-server.ts'
import { recordingQueue } from './recording-queue.ts'

const hourMs = 3_600_000

/**
 * The PostgreSQL of a test file: the one that `HONGYAN_TEST_POSTGRES` names, or one that is started before the first
 * test and ended after the last. Each store is a schema of its own in it.
 */
export const postgresOfFile = () => {
  const given = process.env.HONGYAN_TEST_POSTGRES
  let server: PostgresServer | undefined
  before(async () => {
    if (given === undefined) server = await startPostgres()
  })
  after(() => server?.remove())

  const ask = async (text: string): Promise<readonly Readonly<Record<string, unknown>>[]> => {
    const client = new pg.Client({ connectionString: given ?? server!.url })
    await client.connect()
    try {
      return (await client.query(text)).rows
    } finally {
      await client.end()
    }
  }

  return {
    /** Asks the server something, next to whatever the test does. */
    ask,

    /** The address of a store that is empty and goes with the test. */
    async emptyStore(t: TestContext): Promise<{ readonly url: string; readonly schema: string }> {
      const schema = `test_${randomUUID().replaceAll('-', '')}`
      await ask(`CREATE SCHEMA ${schema}`)
      atEnd(t, () => ask(`SET client_min_messages = warning; DROP SCHEMA ${schema} CASCADE`))
      const url = new URL(given ?? server!.url)
      url.searchParams.set('options', `-c search_path=${schema}`)
      return { url: url.href, schema }
    },
  }
}

export type PostgresOfFile = ReturnType<typeof postgresOfFile>

/** The records with a clock of the test. A failure of the upkeep fails the test. */
export const openRecords = async (
  t: TestContext,
  options: Pick<PostgresOptions, 'url'> & Partial<PostgresOptions>,
): Promise<PostgresRecords> => {
  const records = openPostgres({
    clock: createTestClock(),
    retentionMs: hourMs,
    onUpkeepFailure(error) {
      throw error
    },
    ...options,
  })
  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= records.close()
    return closing
  }
  atEnd(t, close)
  await records.prepare()
  return { ...records, close }
}

/**
 * The ledger as its contract wants it, next to a queue that fills it: the embedded engine, whose records are told
 * as events. Its sweep is on a timer, which only the test moves.
 */
export const openPostgresHarness = async (t: TestContext, server: PostgresOfFile): Promise<Harness> => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const clock = createTestClock()
  const { url } = await server.emptyStore(t)
  const retentionMs = hourMs
  const { queue, ledger, recipients } = await openEngine(t, {
    folder: temporaryFolder(t),
    clock,
    leaseMs: 60_000,
    retentionMs,
  })
  const open = async (): Promise<Harness> => {
    const records = await openRecords(t, { url, clock, retentionMs })
    return {
      queue: recordingQueue({ queue, ledger, history: records.history }),
      ledger: records.ledger,
      recipients,
      clock,
      retentionMs,
      // Only the records are opened anew: the queue is not what is under test.
      async restart() {
        await records.close()
        return open()
      },
      async loseLeases() {
        clock.advance(60_000)
      },
      async sweep() {
        t.mock.timers.tick(10_000)
        // The storage thread works in order: what is asked after the sweep is answered after it.
        await queue.depth()
        await records.sweep()
      },
    }
  }
  return open()
}
