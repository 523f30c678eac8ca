/** PostgreSQL is taken away in the middle of writes: whatever happens to it, nothing is lost and nothing is there twice. */
import assert from 'node:assert/strict'
import { after, before, suite, type TestContext, test } from 'node:test'
import pg from 'pg'
import type { PostgresRecords } from '../../src/engines/postgres/postgres.ts'
import { systemClock } from '../../src/main.ts'
import { createObserver, type Observation } from '../../src/observe.ts'
import { runRecorder } from '../../src/recorder.ts'
import { testStart } from '../support/clock.ts'
import { eventsOfSending, recordOfSending } from '../support/history-events.ts'
import { memorySource } from '../support/history-source.ts'
import { aMessage } from '../support/messages.ts'
import { openRecords } from '../support/postgres.ts'
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts'
import { until } from '../support/waiting.ts'

const patienceMs = 60_000
const messageCount = 600
const batch = 100

let server: PostgresServer
before(async () => {
  server = await startPostgres()
})
after(() => server?.remove())

const connect = async (): Promise<pg.Client> => {
  const client = new pg.Client({ connectionString: server.url })
  client.on('error', () => {})
  await client.connect()
  return client
}

const ask = async (text: string) => {
  const client = await connect()
  try {
    return (await client.query<Readonly<Record<string, unknown>>>(text)).rows
  } finally {
    await client.end()
  }
}

/** Records that are being filled by a recorder, and the messages that must be there in the end. */
const recording = async (t: TestContext) => {
  await ask('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
  const records = await openRecords(t, { url: server.url, timeoutMs: 1000, connectMs: 1000 })
  const messages = Array.from({ length: messageCount }, (_, n) =>
    aMessage({ acceptedAt: testStart + n, touser: `o-${n % 7}` }),
  )
  const events = messages.flatMap(eventsOfSending)
  const half = events.length / 2
  const source = memorySource(events.slice(0, half))
  const recorder = startRecorder(t, records, source)
  /** The other half comes when the test is ready for it. */
  const tellRest = () => source.add(events.slice(half))
  return { records, messages, source, tellRest, ...recorder }
}

const startRecorder = (
  t: TestContext,
  { history }: PostgresRecords,
  source: ReturnType<typeof memorySource>,
) => {
  const { observe, subscribe } = createObserver()
  const seen: Observation[] = []
  subscribe((observation) => seen.push(observation))
  const stop = new AbortController()
  const { signal } = stop
  const clock = systemClock
  const ended = runRecorder({ source, history, clock, random: Math.random, observe, signal, max: batch })
  const end = async () => {
    stop.abort()
    await ended
  }
  t.after(end)
  const count = (result: string) =>
    seen.filter((each) => each.kind === 'history' && each.result === result).length
  return { count, end }
}

/** Makes the next write wait in its middle: the messages are in, where they stand is not. Answers how to let it go. */
const holdWrites = async ({ tellRest }: { tellRest(): void }): Promise<() => Promise<void>> => {
  const client = await connect()
  await client.query('BEGIN; LOCK TABLE progress IN SHARE MODE')
  tellRest()
  return () => client.end().catch(() => {})
}

/** The process of the server that is in the middle of a write. Only the beginning of its statement is to be seen. */
const writingPid = async (): Promise<number> => {
  let pid = 0
  await until(async () => {
    const rows = await ask(
      "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%WITH told AS%' AND pid <> pg_backend_pid()",
    )
    pid = Number(rows[0]?.pid ?? 0)
    return pid > 0
  }, patienceMs)
  return pid
}

const allIsThereOnce = async ({
  records,
  messages,
  source,
  count,
}: Awaited<ReturnType<typeof recording>>) => {
  await until(() => source.rest() === 0, patienceMs)
  assert.equal(count('refused'), 0)
  for (const message of messages)
    assert.deepEqual(await records.ledger.find(message), recordOfSending(message))
  const [counts] = await ask(
    'SELECT (SELECT count(*) FROM messages) AS messages, (SELECT count(*) FROM steps) AS steps, (SELECT count(*) FROM progress) AS progress',
  )
  assert.deepEqual(Object.values(counts!).map(Number), [messageCount, 2 * messageCount, messageCount])
}

suite('when PostgreSQL is taken away in the middle of a write', { timeout: 180_000 }, () => {
  test('by the loss of the machine, and is back later', async (t) => {
    const run = await recording(t)
    await until(() => run.count('recorded') >= 3, patienceMs)
    const release = await holdWrites(run)
    await writingPid()
    await server.kill()
    await release()
    await until(() => run.count('failed') >= 2, patienceMs)
    await server.start()
    await allIsThereOnce(run)
  })

  test('by the end of the one process that writes, which makes the server recover', async (t) => {
    const run = await recording(t)
    const release = await holdWrites(run)
    process.kill(await writingPid(), 'SIGKILL')
    await until(() => run.count('failed') >= 1, patienceMs)
    await release()
    await allIsThereOnce(run)
  })

  test('by a stop of the process that writes, which goes on much later', async (t) => {
    const run = await recording(t)
    const release = await holdWrites(run)
    const pid = await writingPid()
    process.kill(pid, 'SIGSTOP')
    await release()
    await until(() => run.count('failed') >= 1, patienceMs)
    process.kill(pid, 'SIGCONT')
    await allIsThereOnce(run)
  })

  test('and the recorder itself has to stop and begin again meanwhile', async (t) => {
    const run = await recording(t)
    await until(() => run.count('recorded') >= 2, patienceMs)
    const release = await holdWrites(run)
    await writingPid()
    await run.end()
    await release()
    startRecorder(t, run.records, run.source)
    await allIsThereOnce(run)
  })

  test('or answers, but the acknowledgement is lost, so that it is told again what it has', async (t) => {
    const run = await recording(t)
    run.tellRest()
    const { take } = run.source
    let turn = 0
    run.source.take = async (options) => {
      const taken = await take(options)
      let lost = turn++ % 5 > 0
      return (
        taken && {
          ...taken,
          async acknowledge() {
            if (lost) return taken.acknowledge()
            lost = true
            throw new Error('The acknowledgement is lost')
          },
        }
      )
    }
    await allIsThereOnce(run)
    assert.ok(run.count('failed') > 0)
  })

  test('the searches fail soon and in the gateway’s own words, and work again afterwards', async (t) => {
    const { records, messages, source, tellRest } = await recording(t)
    tellRest()
    await until(() => source.rest() === 0, patienceMs)
    await server.kill()
    await assert.rejects(records.ledger.search({ tenant: 'acme', limit: 1 }), { name: 'StorageFailed' })
    await assert.rejects(records.ledger.find(messages[0]!), { name: 'StorageFailed' })
    await server.start()
    assert.equal((await records.ledger.search({ tenant: 'acme', limit: 7 })).records.length, 7)
  })
})
