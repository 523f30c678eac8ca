import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import type { Notice } from '../../src/bulletin.ts'
import { createTestClock, testStart } from '../support/clock.ts'
import { openRedisEngine, type RedisServer, startRedis } from '../support/redis.ts'
import { until } from '../support/waiting.ts'

const patienceMs = 20_000

const aHold = (key: string, until = testStart + 60_000): Notice => ({ kind: 'hold', key, reason: 'x', until })

/** A process that reads the board. */
const aReader = async (t: TestContext, { url }: RedisServer, clock = createTestClock()) => {
  const { coordination } = await openRedisEngine(t, { url, clock, onAlert() {} })
  const heard: Notice[] = []
  await coordination.bulletin!.listen((notice) => void heard.push(notice))
  return { heard, clock, tell: coordination.bulletin!.tell }
}

const keysOf = (heard: readonly Notice[]) => heard.map((notice) => notice.kind === 'hold' && notice.key)

suite('the board', () => {
  test('brings what one process tells to all others, not to itself, and to one that starts later', async (t) => {
    const redis = await startRedis(t)
    const [a, b] = [await aReader(t, redis), await aReader(t, redis)]
    a.tell(aHold('one'))
    a.tell(aHold('two'))
    await until(() => b.heard.length === 2, patienceMs)
    assert.deepEqual(b.heard, [aHold('one'), aHold('two')])
    b.tell(aHold('three'))
    await until(() => a.heard.length === 1, patienceMs)
    assert.deepEqual(keysOf(a.heard), ['three'])
    assert.deepEqual(keysOf((await aReader(t, redis)).heard), ['one', 'two', 'three'])
  })

  test('forgets what is over, and lets nothing shorter take the place of what stands', async (t) => {
    const redis = await startRedis(t)
    const a = await aReader(t, redis)
    a.tell(aHold('one', testStart + 90_000))
    await until(async () => (await aReader(t, redis)).heard.length === 1, patienceMs)
    a.tell(aHold('one', testStart + 10_000))
    a.tell(aHold('short', testStart + 20_000))
    await until(async () => (await aReader(t, redis)).heard.length === 2, patienceMs)
    a.clock.advance(20_000)
    a.tell(aHold('next', testStart + 90_000))
    await until(async () => (await aReader(t, redis)).heard.length === 2, patienceMs)
    assert.deepEqual((await aReader(t, redis)).heard, [
      aHold('one', testStart + 90_000),
      aHold('next', testStart + 90_000),
    ])
  })

  test('is read again after a break, and what could not be told is told then', async (t) => {
    const redis = await startRedis(t)
    const [a, b] = [await aReader(t, redis), await aReader(t, redis)]
    await redis.kill()
    a.tell(aHold('one'))
    a.tell(aHold('two'))
    await redis.start()
    await until(() => b.heard.length === 2, patienceMs)
    assert.deepEqual(keysOf(b.heard), ['one', 'two'])
  })

  test('does not depend on the word that there is something', async (t) => {
    const redis = await startRedis(t)
    const [a, b] = [await aReader(t, redis), await aReader(t, redis)]
    // Nobody is connected who could hear it.
    await redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub')
    a.tell(aHold('one'))
    await until(() => b.heard.length === 1, patienceMs)
  })

  test('keeps no more than ten thousand, those that end last', async (t) => {
    const redis = await startRedis(t)
    const a = await aReader(t, redis)
    const kept = async () => Number(await redis.command('HLEN', 'hongyan:{s0}:notices'))
    for (let some = 0; some < 11; some++) {
      const before = some * 1000
      for (let n = 0; n < 1000; n++) a.tell(aHold(`k${before + n}`, testStart + 60_000 + before + n))
      await until(async () => (await kept()) >= Math.min(before + 1000, 10_000), patienceMs)
    }
    await until(
      async () => (await redis.command('HEXISTS', 'hongyan:{s0}:notices', 'hold k10999')) === 1,
      patienceMs,
    )
    assert.equal(await kept(), 10_000)
    assert.equal(await redis.command('HEXISTS', 'hongyan:{s0}:notices', 'hold k0'), 0)
  })
})
