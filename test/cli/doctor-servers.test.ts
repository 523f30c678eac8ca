import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import type { Finding } from '../../src/cli/doctor.ts'
import { clockFinding } from '../../src/cli/doctor-clock.ts'
import { postgresFindings } from '../../src/cli/doctor-postgres.ts'
import { type RedisChoice, redisFindings } from '../../src/cli/doctor-redis.ts'
import { examinePostgres } from '../../src/engines/postgres/examine.ts'
import { examineRedis } from '../../src/engines/redis/examine.ts'
import type { PostgresFacts, RedisFacts } from '../../src/main.ts'
import { newMasterKey } from '../../src/vault.ts'
import { type Environment, runCli } from '../support/cli.ts'
import { temporaryFolder } from '../support/folder.ts'
import { postgresOfFile } from '../support/postgres.ts'
import { freePort, startRedis } from '../support/redis.ts'
import { openSystem } from '../support/system.ts'

const statuses = (findings: readonly Finding[]) =>
  Object.fromEntries(findings.map(({ check, status }) => [check, status]))

/** Whatever is wrong comes with what to do about it. */
const assertFixes = (findings: readonly Finding[]) => {
  for (const { check, status, fix } of findings)
    if (status === 'failed' || status === 'warning') assert.ok(fix, check)
}

const examine = async (t: TestContext, env: Environment): Promise<readonly Finding[]> => {
  const { stdout } = await runCli(['doctor', '--json'], {
    ...{ HONGYAN_HTTP: '127.0.0.1:0', HONGYAN_SIMULATOR: '127.0.0.1:0', HONGYAN_HOME: temporaryFolder(t) },
    ...env,
  })
  const findings = JSON.parse(stdout) as readonly Finding[]
  return findings.filter(({ check }) => check.startsWith('redis') || check === 'master-key')
}

suite('doctor about a Redis', () => {
  test('finds nothing wrong with one that is well, while the service runs on it', async (t) => {
    const { url } = await startRedis(t)
    const masterKey = newMasterKey()
    const env = { HONGYAN_ENGINE: url, HONGYAN_MASTER_KEY: masterKey }
    await openSystem(t, { env })
    const findings = await examine(t, env)
    assert.deepEqual(statuses(findings), {
      ...{ redis: 'ok', 'redis-settings': 'ok', 'redis-memory': 'ok', 'redis-persistence': 'ok' },
      ...{ 'redis-replicas': 'ok', 'redis-shards': 'ok', 'redis-clock': 'ok', 'master-key': 'ok' },
    })
    const facts = Object.fromEntries(findings.map((each) => [each.check, each.facts]))
    assert.match(String(facts.redis?.version), /^\d+\.\d+\.\d+$/)
    assert.ok(Number(facts['redis-shards']?.shards) >= 1)
    assert.equal(typeof facts['redis-clock']?.ahead_ms, 'number')
  })

  test('says what is weak, what is refused and what does not fit, with what to do, and writes nothing', async (t) => {
    const settings = ['--appendfsync', 'everysec', '--maxmemory-policy', 'allkeys-lru', '--maxmemory', '0']
    const { url, command } = await startRedis(t, settings)
    await command('SET', 'hongyan:{s0}:shards', 8)
    await command('HSET', 'hongyan:{s0}:d:key', 'k', '{"secrets":["v2.0123456789ab.AAAA"]}')
    await command('CONFIG', 'RESETSTAT')
    const env = { HONGYAN_ENGINE: `${url}?shards=4&replicas=1`, HONGYAN_MASTER_KEY: newMasterKey() }
    const findings = await examine(t, env)
    assert.deepEqual(statuses(findings), {
      ...{
        redis: 'ok',
        'redis-evicts': 'failed',
        'redis-last-second': 'warning',
        'redis-unbounded': 'warning',
      },
      ...{ 'redis-writes-alone': 'warning', 'redis-memory': 'ok', 'redis-persistence': 'ok' },
      ...{
        'redis-replicas': 'failed',
        'redis-shards': 'failed',
        'redis-clock': 'ok',
        'master-key': 'failed',
      },
    })
    assertFixes(findings)
    assert.match(findings.find(({ check }) => check === 'redis-shards')!.fix!, /\?shards=8/)
    const used = [...String(await command('INFO', 'commandstats')).matchAll(/cmdstat_([^:|]+)/g)]
    const reading = ['info', 'config', 'time', 'get', 'hrandfield', 'hello', 'client', 'select', 'ping']
    assert.deepEqual(
      used.map(([, name]) => name!).filter((name) => !reading.includes(name)),
      [],
    )
  })

  test('says that there is none, and keeps the password to itself', async (t) => {
    const url = `redis://user:hunter2secret@127.0.0.1:${await freePort()}`
    const findings = await examine(t, { HONGYAN_ENGINE: url })
    assert.deepEqual(statuses(findings), { redis: 'failed' })
    assertFixes(findings)
    assert.doesNotMatch(JSON.stringify(findings), /hunter2secret/)
  })

  const well: RedisFacts = {
    ...{ version: '7.2.4', latencyMs: 0.3, aheadMs: 3, usedBytes: 1e6, maxBytes: 1e9 },
    ...{ persistenceFaults: [], replicas: 0, shards: 4, sealed: undefined },
    audit: { durability: 'machine', findings: [], refusals: [] },
  }
  const choice: RedisChoice = { kind: 'redis', url: 'redis://127.0.0.1:6379', shards: 4, replicas: 0 }
  const cases: readonly [
    name: string,
    changes: Partial<RedisFacts>,
    check: string,
    status: Finding['status'],
  ][] = [
    ['memory that fills', { usedBytes: 6.1e8 }, 'redis-memory', 'warning'],
    ['memory that is full', { usedBytes: 8.1e8 }, 'redis-memory', 'failed'],
    ['a log that is not written', { persistenceFaults: ['aof: err'] }, 'redis-persistence', 'failed'],
    ['another number of shards', { shards: 16 }, 'redis-shards', 'failed'],
    ['no data yet', { shards: undefined }, 'redis-shards', 'ok'],
    ['a clock that is off', { aheadMs: 1500 }, 'redis-clock', 'warning'],
    ['a clock that is far off', { aheadMs: -61_000 }, 'redis-clock', 'failed'],
  ]
  for (const [name, changes, check, status] of cases)
    test(`knows ${name}`, async () => {
      const { findings } = await redisFindings(choice, async () => ({ ...well, ...changes }))
      assert.equal(statuses(findings)[check], status)
      assertFixes(findings)
    })

  test('reads the clock of the server as far ahead as ours is behind', async (t) => {
    const { url } = await startRedis(t)
    const now = () => Date.now() - 5_000_000
    const { aheadMs } = await examineRedis({ url, replicas: 0, now })
    assert.ok(Math.abs(aheadMs - 5_000_000) < 60_000, String(aheadMs))
  })
})

suite('doctor about clocks', () => {
  test('says which way', () => {
    const whose = { zh: '它', en: 'the other' }
    assert.match(clockFinding('c', whose, 2500).detail, /2\.5 s behind the other/)
    assert.match(clockFinding('c', whose, -2500).detail, /2\.5 s ahead of the other/)
    assert.equal(clockFinding('c', whose, 1500, 1000).status, 'ok')
  })
})

suite('doctor about a PostgreSQL', () => {
  const postgres = postgresOfFile()
  const look = (url: string) => postgresFindings(url, () => examinePostgres({ url, now: Date.now }))

  test('finds nothing wrong with one that is well', async (t) => {
    const { url, schema } = await postgres.emptyStore(t)
    const findings = await look(url)
    assert.deepEqual(statuses(findings), {
      ...{ postgres: 'ok', 'postgres-tables': 'ok', 'postgres-settings': 'ok', 'postgres-clock': 'ok' },
    })
    assert.match(String(findings[0]!.facts?.version), /^\d+\.\d+/)
    assert.deepEqual(await postgres.ask(`SELECT 1 FROM pg_tables WHERE schemaname = '${schema}'`), [])
  })

  test('says that the user may make no tables, and where there is no schema', async (t) => {
    const { url, schema } = await postgres.emptyStore(t)
    const user = `${schema}_reader`
    await postgres.ask(`CREATE ROLE ${user} LOGIN; GRANT USAGE ON SCHEMA ${schema} TO ${user}`)
    t.after(() => postgres.ask(`DROP OWNED BY ${user}; DROP ROLE ${user}`))
    const asReader = new URL(url)
    asReader.username = user
    const findings = await look(asReader.href)
    assert.equal(statuses(findings)['postgres-tables'], 'failed')
    assertFixes(findings)
    asReader.searchParams.set('options', '-c search_path=nowhere')
    assert.match((await look(asReader.href))[1]!.detail, /names no schema/)
  })

  test('says that there is none', async () => {
    const findings = await look(`postgres://me:hunter2secret@127.0.0.1:${await freePort()}/db`)
    assert.deepEqual(statuses(findings), { postgres: 'failed' })
    assertFixes(findings)
    assert.doesNotMatch(JSON.stringify(findings), /hunter2secret/)
  })

  const well: PostgresFacts = {
    ...{ version: '15.1', major: 15, latencyMs: 1, aheadMs: 0, schema: 'public' },
    ...{ mayCreate: true, isStandby: false, unsafe: [] },
  }
  for (const [name, changes, check, status] of [
    ['an old version', { major: 13 }, 'postgres', 'failed'],
    ['a standby', { isStandby: true }, 'postgres-tables', 'failed'],
    ['commits that can be lost', { unsafe: ['fsync = off'] }, 'postgres-settings', 'warning'],
    ['a clock that is off', { aheadMs: -2000 }, 'postgres-clock', 'warning'],
  ] as const)
    test(`knows ${name}`, async () => {
      const findings = await postgresFindings('postgres://h/d', async () => ({ ...well, ...changes }))
      assert.equal(statuses(findings)[check], status)
      assertFixes(findings)
    })
})
