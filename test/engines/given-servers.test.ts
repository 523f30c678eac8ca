import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { promisify } from 'node:util'
import pg from 'pg'
import { atEnd } from '../support/at-end.ts'
import { startPostgres } from '../support/postgres-server.ts'
import { startRedis } from '../support/redis.ts'

const run = promisify(execFile)

/** Runs the contract of the ledger in a process of its own; one clause of it is enough. */
const runLedgerContract = async (engine: 'redis-ledger' | 'postgres', env: NodeJS.ProcessEnv) => {
  const file = join(import.meta.dirname, `${engine}.test.ts`)
  const args = ['--test', '--test-reporter=tap', '--test-name-pattern=/is not found/', file]
  const { NODE_TEST_CONTEXT: _, ...inherited } = process.env
  const { stdout } = await run(process.execPath, args, { env: { ...inherited, ...env } })
  assert.doesNotMatch(stdout, /^# pass 0$/m)
}

/** Servers that somebody else needs as well: tests that are pointed at them leave them as they were. */
suite('a server that the tests are pointed at', () => {
  test('is not emptied: a Redis keeps what it had, and nothing of the tests', async (t) => {
    const { url, command } = await startRedis(t)
    await command('SET', 'somebody', 'else')
    await runLedgerContract('redis-ledger', { HONGYAN_TEST_REDIS: url })
    assert.deepEqual(await command('KEYS', '*'), ['somebody'])
    assert.match(String(await command('INFO', 'commandstats')), /cmdstat_evalsha:/)
  })

  test('is not emptied: a PostgreSQL has the schemas that it had', async (t) => {
    const { url, remove } = await startPostgres()
    atEnd(t, remove)
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    atEnd(t, () => client.end())
    const places = async () =>
      (await client.query('SELECT schemaname, tablename FROM pg_tables ORDER BY 1, 2')).rows
    await client.query('CREATE TABLE somebody (name text)')
    const before = await places()
    await runLedgerContract('postgres', { HONGYAN_TEST_POSTGRES: url })
    assert.deepEqual(await places(), before)
  })
})
