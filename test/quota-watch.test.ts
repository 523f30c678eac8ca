import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { errcodeOf } from '../src/errcodes.ts'
import { createQuota, type QuotaAnswer } from '../src/quota.ts'
import { createQuotaWatch } from '../src/quota-watch.ts'
import { nextBeijingMidnight } from '../src/retry.ts'
import { createTestClock } from './support/clock.ts'
import { until } from './support/waiting.ts'

const minuteMs = 60_000

/** A watch over one quota of 100 calls, which is used up, and a quota/get that answers what the test says. */
const aWatch = (t: TestContext) => {
  const clock = createTestClock()
  const quota = createQuota({ account: 'wx1', path: '/send', limits: () => undefined })
  const watched = { account: 'wx1', path: '/send', quota }
  const asked: string[] = []
  const released: string[] = []
  let answer: QuotaAnswer = { kind: 'known', daily: 100, used: 100 }
  let gate = Promise.resolve()
  const watch = createQuotaWatch({
    async askQuota(account, path) {
      asked.push(`${account} ${path}`)
      await gate
      return answer
    },
    async release(condition) {
      released.push(condition)
      return 1
    },
    clock,
    observe: () => assert.fail('nothing is to be told'),
  })
  t.after(watch.stop)
  return {
    ...{ clock, quota, watched, watch, asked, released },
    answers: (next: QuotaAnswer) => {
      answer = next
    },
    /** Holds the answers back until the function it answers is called. */
    pause() {
      const { promise, resolve } = Promise.withResolvers<void>()
      gate = promise
      return resolve
    },
    /** Moves the clock on once the watch sleeps, and resolves when it has asked again. */
    async pass(ms: number) {
      const before = asked.length
      await until(() => clock.asleep() > 0, 1000)
      clock.advance(ms)
      await until(() => asked.length > before, 1000)
    },
  }
}

suite('the watch over a quota', () => {
  test('asks one question at a time', async (t) => {
    const { watch, watched, asked, pause } = aWatch(t)
    const goOn = pause()
    const both = Promise.all([watch.ask(watched), watch.ask(watched)])
    goOn()
    await both
    assert.deepEqual(asked, ['wx1 /send'])
    await watch.ask(watched)
    assert.equal(asked.length, 2)
  })

  test('asks every five minutes while messages wait, and releases them once there are calls again', async (t) => {
    const { watch, watched, asked, released, answers, pass } = aWatch(t)
    watch.attend(watched)
    watch.attend(watched)
    await until(() => asked.length === 1, 1000)
    await pass(5 * minuteMs)
    await pass(5 * minuteMs)
    assert.equal(asked.length, 3)
    assert.deepEqual(released, [])
    answers({ kind: 'known', daily: 1000, used: 100 })
    await pass(5 * minuteMs)
    await until(() => released.length > 0, 1000)
    assert.deepEqual(released, ['quota wx1 /send'])
  })

  test('releases once more what was in hand at the release and was parked after it', async (t) => {
    const { watch, watched, asked, released, answers, pass, clock } = aWatch(t)
    watch.attend(watched)
    await until(() => asked.length === 1, 1000)
    answers({ kind: 'known', daily: 1000, used: 100 })
    await pass(5 * minuteMs)
    await until(() => released.length === 1 && clock.asleep() > 0, 1000)
    clock.advance(5000)
    await until(() => released.length === 2, 1000)
    assert.deepEqual(new Set(released), new Set(['quota wx1 /send']))
  })

  test('releases who waits for midnight also when a shorter hold was the last', async (t) => {
    const { watch, watched, asked, released, answers, pass, clock, quota } = aWatch(t)
    watch.attend(watched)
    await until(() => asked.length === 1 && clock.asleep() > 0, 1000)
    quota.refused(errcodeOf(45009), clock.now())
    answers({ kind: 'known', daily: 100, used: 50 })
    await pass(5 * minuteMs)
    await pass(minuteMs)
    await until(() => released.length > 0, 1000)
    assert.deepEqual(released, ['quota wx1 /send'])
  })

  test('releases nobody at the reset: each comes back at its own time', async (t) => {
    const { watch, watched, asked, released, answers, pass, clock, quota } = aWatch(t)
    watch.attend(watched)
    await until(() => asked.length === 1, 1000)
    answers({ kind: 'known', daily: 100, used: 0 })
    await pass(nextBeijingMidnight(clock.now()) - clock.now())
    await until(() => quota.heldUntil(clock.now()) === undefined, 1000)
    await watch.ask(watched)
    assert.deepEqual(released, [])
  })

  test('asks no more once it is stopped', async (t) => {
    const { watch, watched, asked, clock } = aWatch(t)
    watch.attend(watched)
    await until(() => asked.length === 1, 1000)
    watch.stop()
    clock.advance(60 * minuteMs)
    watch.attend(watched)
    assert.equal(asked.length, 1)
  })
})
