import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import fc from 'fast-check'
import type { CallShares, ShareAnswer, ShareLimits } from '../../src/call-shares.ts'
import { nextBeijingMidnight, nextMinute } from '../../src/retry.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { openRedisEngine, startRedis } from '../support/redis.ts'

const api = { account: 'wx1', path: '/send' }
const { POSITIVE_INFINITY: none } = Number

/** The calls of as many processes as are asked for, on one Redis. */
const openCalls = async (t: TestContext, processes: number) => {
  const { url } = await startRedis(t)
  const clock = createTestClock()
  const engines = await Promise.all(
    Array.from({ length: processes }, () => openRedisEngine(t, { url, clock })),
  )
  return { clock, calls: engines.map(({ coordination }) => coordination.calls!) }
}

interface Wish {
  readonly limits?: Partial<ShareLimits>
  readonly want?: number
  readonly elsewhere?: number
  readonly stopMs?: number
}

/** A process that keeps its books as it should. */
const aProcess = (calls: CallShares, clock: TestClock, path = api.path, serial = 1) => {
  let number = 0
  let minute = 0
  let begunInMinute = 0
  const self = {
    begun: 0,
    inFlight: 0,
    held: 0,
    /** What it kept at its last word. */
    told: 0,
    /** Begins calls that were granted, and ends them unless they are to stay under way. */
    spend(count: number, stay = false) {
      const some = Math.min(count, self.held)
      self.held -= some
      self.begun += some
      begunInMinute += some
      if (stay) self.inFlight += some
      return some
    },
    async take({ limits = {}, want = 10, elsewhere = 0, stopMs = 0 }: Wish = {}): Promise<ShareAnswer> {
      const now = clock.now()
      if (nextMinute(now) !== minute) begunInMinute = self.held = 0
      minute = nextMinute(now)
      const answer = await calls.take({
        ...{ account: api.account, path, serial, number: ++number, day: nextBeijingMidnight(now), minute },
        begun: { day: self.begun, minute: begunInMinute },
        ...{ held: self.held, inFlight: self.inFlight, want, elsewhere, stopMs },
        limits: { day: none, minute: none, near: none, underWay: none, ...limits },
      })
      self.told = self.held + answer.granted
      self.held = self.told
      return answer
    },
  }
  return self
}

suite('calls that processes share', () => {
  test('are granted as wanted while there is no limit, and counted for all', async (t) => {
    const { clock, calls } = await openCalls(t, 2)
    const [a, b] = calls.map((each) => aProcess(each, clock))
    assert.partialDeepStrictEqual(await a!.take({ want: 100 }), { granted: 100, left: none, nodes: 1 })
    a!.spend(70)
    await a!.take({ want: 0 })
    assert.deepEqual(await b!.take({ want: 5 }), {
      ...{ granted: 5, used: { day: 70, minute: 70 }, left: none, heldByOthers: 30, nodes: 2 },
    })
  })

  test('are left to others in part: one that is fast takes no more than its half of what there is for it', async (t) => {
    const { clock, calls } = await openCalls(t, 2)
    const [a, b] = calls.map((each) => aProcess(each, clock))
    const limits = { day: 1000 }
    await b!.take({ want: 1, limits })
    assert.equal((await a!.take({ want: 5000, limits })).granted, Math.floor(999 / 4))
  })

  test('come back when they are not needed', async (t) => {
    const { clock, calls } = await openCalls(t, 2)
    const [a, b] = calls.map((each) => aProcess(each, clock))
    const limits = { day: 10 }
    assert.equal((await a!.take({ want: 10, limits })).granted, 10)
    assert.partialDeepStrictEqual(await b!.take({ want: 1, limits }), {
      granted: 0,
      left: 0,
      used: { day: 0 },
    })
    a!.held = 0
    await a!.take({ want: 0, limits })
    assert.equal((await b!.take({ want: 1, limits })).granted, 1)
  })

  test('of a process that died count as used after a minute, and no others are lost', async (t) => {
    const { clock, calls } = await openCalls(t, 2)
    const [dead, alive] = calls.map((each) => aProcess(each, clock))
    const limits = { day: 100 }
    await dead!.take({ want: 30, limits })
    dead!.spend(20)
    assert.partialDeepStrictEqual(await alive!.take({ want: 0, limits }), { used: { day: 0 }, left: 70 })
    clock.advance(60_000)
    const seen = await alive!.take({ want: 100, limits })
    assert.partialDeepStrictEqual(seen, { used: { day: 30 }, granted: 70, nodes: 1 })
  })

  test('of a day or a minute are not those of the next', async (t) => {
    const { clock, calls } = await openCalls(t, 1)
    const limits = { day: 100, minute: 10 }
    const a = aProcess(calls[0]!, clock)
    assert.equal((await a.take({ want: 50, limits })).granted, 10)
    a.spend(10)
    assert.equal((await a.take({ want: 50, limits })).granted, 0)
    clock.advance(60_000)
    assert.partialDeepStrictEqual(await a.take({ want: 50, limits }), {
      granted: 10,
      used: { day: 10, minute: 0 },
    })
    clock.advance(nextBeijingMidnight(clock.now()) - clock.now())
    const next = aProcess(calls[0]!, clock, api.path, 2)
    assert.partialDeepStrictEqual(await next.take({ limits }), { granted: 10, used: { day: 0, minute: 0 } })
  })

  test('near the limit are few at once over all processes, and each gets its turn', async (t) => {
    const { clock, calls } = await openCalls(t, 6)
    const all = calls.map((each) => aProcess(each, clock))
    const limits = { day: 100, near: 0 }
    const spent = all.map(() => 0)
    for (let round = 0; round < 12; round++)
      for (const [n, each] of all.entries()) {
        each.inFlight = 0
        await each.take({ want: 3, limits })
        const begun = each.spend(3, true)
        spent[n]! += begun
        const underWay = all.reduce((sum, { held, inFlight }) => sum + held + inFlight, 0)
        assert.ok(underWay <= 4, `${underWay} at once`)
      }
    assert.ok(
      spent.every((some) => some > 0),
      `somebody got nothing: ${spent}`,
    )
  })

  test('are one at once while WeChat is being probed', async (t) => {
    const { clock, calls } = await openCalls(t, 2)
    const [a, b] = calls.map((each) => aProcess(each, clock))
    const limits = { underWay: 1 }
    assert.equal((await a!.take({ limits })).granted, 1)
    a!.spend(1, true)
    assert.equal((await b!.take({ limits })).granted, 0)
    a!.inFlight = 0
    await a!.take({ want: 0, limits })
    assert.equal((await b!.take({ limits })).granted, 1)
  })

  test('are granted to nobody for a while after WeChat has refused one', async (t) => {
    const { clock, calls } = await openCalls(t, 2)
    const [a, b] = calls.map((each) => aProcess(each, clock))
    assert.equal((await a!.take({ stopMs: 5000 })).granted, 0)
    clock.advance(4999)
    assert.equal((await b!.take()).granted, 0)
    clock.advance(1)
    assert.equal((await b!.take()).granted, 10)
  })

  test('near the limit do not wait long for a process that died', async (t) => {
    const { clock, calls } = await openCalls(t, 2)
    const [dead, alive] = calls.map((each) => aProcess(each, clock))
    const limits = { day: 100, near: 50 }
    await dead!.take({ want: 50, limits })
    assert.equal((await alive!.take({ limits })).granted, 0)
    clock.advance(15_000)
    assert.equal((await alive!.take({ want: 3, limits })).granted, 3)
  })

  test('that somebody else has made count once they are told of', async (t) => {
    const { clock, calls } = await openCalls(t, 2)
    const [a, b] = calls.map((each) => aProcess(each, clock))
    const limits = { day: 100 }
    await a!.take({ want: 0, elsewhere: 95, limits })
    assert.partialDeepStrictEqual(await b!.take({ want: 10, limits }), { used: { day: 95 }, granted: 1 })
    await a!.take({ want: 0, elsewhere: -95, limits })
    assert.partialDeepStrictEqual(await b!.take({ want: 0, limits }), { used: { day: 0 }, left: 99 })
  })

  test('are not counted twice when a word is heard twice or late', async (t) => {
    const { clock, calls } = await openCalls(t, 2)
    const [a, b] = calls.map((each) => aProcess(each, clock))
    const request = {
      ...{ ...api, serial: 1, day: nextBeijingMidnight(clock.now()), minute: nextMinute(clock.now()) },
      ...{ held: 0, inFlight: 0, want: 10, elsewhere: 0, stopMs: 0 },
      limits: { day: 100, minute: none, near: none, underWay: none },
    }
    const first = { ...request, number: 1, begun: { day: 0, minute: 0 } }
    const second = { ...request, number: 2, begun: { day: 7, minute: 7 } }
    await calls[0]!.take(second)
    assert.equal((await calls[0]!.take(first)).granted, 0)
    assert.partialDeepStrictEqual(await b!.take({ want: 0 }), { used: { day: 7 }, heldByOthers: 10 })
    assert.equal(a!.held, 0)
  })

  test('whatever the speeds, crashes and lost answers: no limit is passed, and no calls are kept from all', async (t) => {
    const { clock, calls } = await openCalls(t, 4)
    let paths = 0
    type Process = ReturnType<typeof aProcess>
    const step = fc.record({
      process: fc.nat(3),
      want: fc.integer({ min: 0, max: 60 }),
      spend: fc.integer({ min: 0, max: 60 }),
      what: fc.constantFrom(
        'take',
        'take',
        'take',
        'take',
        'give back',
        'lose the answer',
        'crash',
        'next minute',
      ),
    })
    const limits = { day: 200, minute: 80 }
    const run = async (steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[]) => {
      const path = `/${++paths}`
      let serial = 1
      const start = (n: number): Process => aProcess(calls[n]!, clock, path, serial++)
      const all = calls.map((_, n) => start(n))
      let dead = 0
      let lost = 0
      let inMinute = 0
      for (const { process, want, spend, what } of steps) {
        const each = all[process]!
        if (what === 'next minute') {
          clock.advance(60_000)
          inMinute = 0
          // As a share does: what was granted for a minute is not spent in the next.
          for (const one of all) one.held = 0
          continue
        }
        if (what === 'crash') {
          dead += each.begun
          lost += each.told
          all[process] = start(process)
          continue
        }
        if (what === 'give back') each.held = 0
        const before = each.held
        await each.take({ want, limits })
        if (what === 'lose the answer') each.held = before
        inMinute += each.spend(spend)
        const begun = dead + all.reduce((sum, one) => sum + one.begun, 0)
        assert.ok(begun <= limits.day, `${begun} calls in a day`)
        assert.ok(inMinute <= limits.minute, `${inMinute} calls in a minute`)
      }
      // In the end one process alone gets all that is neither begun nor was in the hands of those that died.
      clock.advance(60_000)
      for (const one of all) {
        one.held = 0
        await one.take({ want: 0, limits })
      }
      const last = all[0]!
      for (let n = 0; n < 40; n++) {
        await last.take({ want: 50, limits: { day: limits.day } })
        last.spend(50)
      }
      const begun = dead + all.reduce((sum, one) => sum + one.begun, 0)
      assert.ok(begun <= limits.day && begun >= limits.day - lost, `${begun} begun, ${lost} lost`)
    }
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60 }), run), { numRuns: 40 })
  })
})

suite('a question that one asks for all', () => {
  test('is asked by whoever comes first, and again after a while', async (t) => {
    const { clock, calls } = await openCalls(t, 2)
    const [a, b] = calls
    assert.equal(await a!.mayAsk(api, 50_000), true)
    assert.equal(await b!.mayAsk(api, 50_000), false)
    assert.equal(await b!.mayAsk({ ...api, path: '/other' }, 50_000), true)
    clock.advance(5000)
    assert.equal(await b!.mayAsk(api, 5000), true)
    clock.advance(49_999)
    assert.equal(await a!.mayAsk(api, 50_000), false)
  })
})
