import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type Audit, audit, type Settings } from '../../src/engines/redis/audit.ts'
import { UnsafeRedis } from '../../src/engines/redis/redis.ts'
import { openRedisEngine, startRedis } from '../support/redis.ts'

const safe = {
  'maxmemory-policy': 'noeviction',
  maxmemory: '1000000',
  appendonly: 'yes',
  appendfsync: 'always',
  'no-appendfsync-on-rewrite': 'no',
  'min-replicas-to-write': '1',
}

const looked = (changes: Partial<typeof safe>, rest: Partial<Settings> = {}, replicas = 0): Audit =>
  audit(
    { version: '7.2.4', role: 'master', config: new Map(Object.entries({ ...safe, ...changes })), ...rest },
    replicas,
  )

const codes = ({ findings, refusals }: Audit) => [...refusals, ...findings].map(({ code }) => code)

/** What the server does not guarantee is refused or said. */
suite('the audit of a Redis', () => {
  test('finds nothing to say of settings that lose nothing', () => {
    assert.deepEqual(looked({}, {}, 1), { durability: 'machine', findings: [], refusals: [] })
  })

  const cases: readonly [name: string, Audit, durability: Audit['durability'], code: string][] = [
    ['a log that is synced each second', looked({ appendfsync: 'everysec' }), 'second', 'redis-last-second'],
    ['a log that is synced at leisure', looked({ appendfsync: 'no' }), 'unknown', 'redis-last-second'],
    ['no log', looked({ appendonly: 'no' }), 'nothing', 'redis-not-durable'],
    [
      'a log that is not synced during rewrites',
      looked({ 'no-appendfsync-on-rewrite': 'yes' }),
      'machine',
      'redis-unsynced-rewrites',
    ],
    ['memory without a bound', looked({ maxmemory: '0' }), 'machine', 'redis-unbounded'],
    [
      'a primary that writes alone',
      looked({ 'min-replicas-to-write': '0' }, {}, 1),
      'machine',
      'redis-writes-alone',
    ],
    ['settings that are hidden', looked({}, { config: undefined }), 'unknown', 'redis-settings-hidden'],
    ['eviction', looked({ 'maxmemory-policy': 'allkeys-lru' }), 'machine', 'redis-evicts'],
    ['a replica', looked({}, { role: 'slave' }), 'machine', 'redis-not-primary'],
    ['an old version', looked({}, { version: '6.2.1' }), 'machine', 'redis-too-old'],
  ]
  for (const [name, found, durability, code] of cases)
    test(`says what ${name} means`, () => {
      assert.deepEqual([found.durability, codes(found)], [durability, [code]])
    })

  test('is made at the start: a Redis that evicts is refused, with a sentence in both languages', async (t) => {
    const { url } = await startRedis(t, ['--maxmemory-policy', 'allkeys-lru'])
    await assert.rejects(openRedisEngine(t, { url }), (error) => {
      assert.ok(error instanceof UnsafeRedis)
      assert.match(error.message, /allkeys-lru.*noeviction[\s\S]*丢弃/)
      return true
    })
  })

  test('is made at the start: a weaker log is told and labelled', async (t) => {
    const { url } = await startRedis(t, ['--appendfsync', 'everysec'])
    const alerts: string[] = []
    const { audit } = await openRedisEngine(t, { url, onAlert: ({ kind }) => alerts.push(kind) })
    assert.equal(audit.durability, 'second')
    assert.ok(alerts.includes('weak-setting'))
  })
})
