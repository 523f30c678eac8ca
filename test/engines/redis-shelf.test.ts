import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { openRedisEngine, startRedis } from '../support/redis.ts'

const two = async (t: Parameters<typeof startRedis>[0]) => {
  const server = await startRedis(t)
  const engines = await Promise.all([1, 2].map(() => openRedisEngine(t, { url: server.url })))
  const [one, other] = engines.map(({ coordination }) => coordination.shelf!)
  return { server, one: one!, other: other! }
}

suite('the shelf of several processes', () => {
  test('shows each what another has put there, under its name alone', async (t) => {
    const { one, other } = await two(t)
    assert.equal(await other.look('a name'), undefined)
    assert.equal(await one.swap('a name', { seen: undefined, next: 'first' }), true)
    assert.equal(await other.look('a name'), 'first')
    assert.equal(await other.look('another'), undefined)
  })

  test('takes a text only from who has seen the one that is there', async (t) => {
    const { one, other } = await two(t)
    await one.swap('name', { seen: undefined, next: 'first' })
    assert.equal(await other.swap('name', { seen: undefined, next: 'second' }), false)
    assert.equal(await other.swap('name', { seen: 'zeroth', next: 'second' }), false)
    assert.equal(await one.look('name'), 'first')
    assert.equal(await other.swap('name', { seen: 'first', next: 'second' }), true)
    assert.equal(await one.swap('name', { seen: 'first', next: 'third' }), false)
    assert.equal(await one.look('name'), 'second')
  })

  test('takes one text of many that want to replace the same one', async (t) => {
    const { one, other } = await two(t)
    const swaps = Array.from({ length: 40 }, (_, n) =>
      (n % 2 ? one : other).swap('name', { seen: undefined, next: `text ${n}` }),
    )
    assert.deepEqual((await Promise.all(swaps)).filter(Boolean), [true])
  })

  test('outlasts a restart of Redis, and forgets what nobody has replaced for two days', async (t) => {
    const { server, one } = await two(t)
    await one.swap('name', { seen: undefined, next: 'text' })
    await server.kill()
    await server.start()
    const later = await openRedisEngine(t, { url: server.url })
    assert.equal(await later.coordination.shelf!.look('name'), 'text')
    const [key] = (await server.command('KEYS', '*:shelf:name')) as readonly string[]
    const hoursLeft = Number(await server.command('PTTL', key!)) / 3_600_000
    assert.ok(hoursLeft > 47 && hoursLeft <= 48, String(hoursLeft))
  })

  test('takes a text although memory is full, because without a token nothing is sent', async (t) => {
    const { server, one } = await two(t)
    await server.command('CONFIG', 'SET', 'maxmemory', 1)
    assert.equal(await one.swap('name', { seen: undefined, next: 'text' }), true)
    assert.equal(await one.look('name'), 'text')
  })
})
