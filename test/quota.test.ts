import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { AccountLimits } from '../src/directory.ts'
import { errcodeOf } from '../src/errcodes.ts'
import { type Lane, lanes } from '../src/message.ts'
import { createQuota, type Quota, type QuotaAnswer } from '../src/quota.ts'
import { nextBeijingMidnight } from '../src/retry.ts'
import { testStart as start } from './support/clock.ts'

const seconds = 1000
const minutes = 60 * seconds
const hours = 60 * minutes
const midnight = nextBeijingMidnight(start)

const aQuota = (limits?: AccountLimits) =>
  createQuota({ account: 'wx1', path: '/send', limits: () => limits })

const known = (daily: number, used: number, perMinute?: number): QuotaAnswer => ({
  kind: 'known',
  daily,
  used,
  ...(perMinute !== undefined && { perMinute }),
})

const learn = (quota: Quota, answer: QuotaAnswer, now = start): void => {
  quota.asking(now)
  quota.learn(answer, now)
}

/** Begins and ends so many calls. */
const call = (quota: Quota, count: number, now = start): void => {
  for (let n = 0; n < count; n++) {
    quota.began(now)
    quota.ended(1)
    quota.passed()
  }
}

suite('the limit of the day', () => {
  const cases: readonly [
    about: string,
    limits: AccountLimits | undefined,
    answer: QuotaAnswer,
    lane: Lane,
    admitted: number,
  ][] = [
    ['bulk leaves the reserve', undefined, known(100, 0), 'bulk', 95],
    ['normal leaves the reserve', undefined, known(100, 0), 'normal', 95],
    ['urgent uses all', undefined, known(100, 0), 'urgent', 100],
    ['what others have used counts', undefined, known(100, 60), 'normal', 35],
    ['lower settings win', { daily: 50 }, known(100, 0), 'urgent', 50],
    ['higher settings do not', { daily: 500 }, known(100, 0), 'urgent', 100],
    ['the reserve is a setting', { urgentShare: 0.5 }, known(100, 0), 'normal', 50],
    ['there may be no reserve', { urgentShare: 0 }, known(100, 0), 'normal', 100],
    ['settings alone do', { daily: 20 }, { kind: 'unknown', error: 'errcode-76021' }, 'urgent', 20],
  ]
  for (const [about, limits, answer, lane, admitted] of cases)
    test(about, () => {
      const quota = aQuota(limits)
      learn(quota, answer)
      let count = 0
      while (quota.admit(lane, start) === undefined && count < 1000) {
        call(quota, 1)
        count++
      }
      assert.equal(count, admitted)
      assert.deepEqual(quota.admit('bulk', start), {
        until: midnight,
        reason: lane === 'urgent' || limits?.urgentShare === 0 ? 'quota-used-up' : 'quota-reserved',
        condition: 'quota wx1 /send',
      })
    })

  test('is none while nobody has told one', () => {
    const quota = aQuota()
    learn(quota, { kind: 'unknown', error: 'timeout' })
    call(quota, 100_000)
    assert.equal(quota.admit('bulk', start), undefined)
    assert.equal(quota.mostInFlight(), Number.POSITIVE_INFINITY)
  })

  test('starts anew at midnight in Beijing', () => {
    const quota = aQuota({ daily: 10, urgentShare: 0 })
    call(quota, 10)
    assert.equal(quota.admit('normal', midnight - 1)?.until, midnight)
    assert.equal(quota.admit('normal', midnight), undefined)
    assert.equal(quota.view(midnight).used, 0)
  })

  test('does not last for days when the clock was set back', () => {
    const quota = aQuota({ daily: 10, urgentShare: 0 })
    call(quota, 10, start + 72 * hours)
    assert.equal(quota.admit('normal', start), undefined)
  })

  test('a call that was not made is given back, one that was made twice counts twice', () => {
    const quota = aQuota()
    for (const calls of [1, 0, 2]) {
      quota.began(start)
      quota.ended(calls)
    }
    assert.equal(quota.view(start).used, 3)
  })

  test('few are under way near it, and few while nothing is known', () => {
    const quota = aQuota()
    assert.equal(quota.mostInFlight(), 16)
    learn(quota, known(100_000, 0))
    assert.equal(quota.mostInFlight(), Number.POSITIVE_INFINITY)
    learn(quota, known(100_000, 98_001))
    assert.equal(quota.mostInFlight(), 4)
    const small = aQuota()
    learn(small, known(500, 299))
    assert.equal(small.mostInFlight(), Number.POSITIVE_INFINITY)
    call(small, 1)
    assert.equal(small.mostInFlight(), 4)
  })
})

suite('what quota/get says', () => {
  const usedAfter = (ours: number, answer: QuotaAnswer) => {
    const quota = aQuota()
    call(quota, ours)
    learn(quota, answer)
    return quota.view(start).used
  }
  test('corrects our count when others call as well', () =>
    assert.equal(usedAfter(100, known(10_000, 600)), 600))
  test('corrects it when somebody has cleared the counters', () =>
    assert.equal(usedAfter(5000, known(10_000, 3)), 3))
  test('does not when it is merely late or not exact', () =>
    assert.equal(usedAfter(5000, known(10_000, 4900)), 5000))

  test('may or may not know of the calls that are under way', () => {
    const quota = aQuota()
    for (let n = 0; n < 5; n++) quota.began(start)
    quota.asking(start)
    quota.began(start)
    quota.learn(known(100, 50), start)
    assert.equal(quota.view(start).used, 50 + 6)
  })

  test('is asked for at first use, each minute while calls are made, and less often when it is of no use', () => {
    const quota = aQuota()
    assert.ok(quota.isDue(start))
    learn(quota, known(100, 0))
    assert.ok(!quota.isDue(start + minutes - 1))
    assert.ok(quota.isDue(start + minutes))
    learn(quota, { kind: 'unknown', error: 'errcode-76021' }, start + minutes)
    assert.ok(!quota.isDue(start + 5 * minutes))
    assert.ok(quota.isDue(start + 11 * minutes))
  })
})

suite('a refusal for the day', () => {
  const overQuota = errcodeOf(45009)
  const refusedAt = (now: number, limits?: AccountLimits) => {
    const quota = aQuota(limits)
    learn(quota, known(100_000, 1000), now - minutes)
    call(quota, 1, now)
    quota.refused(overQuota, now)
    return quota
  }

  test('holds for a minute while quota/get is asked at once', () => {
    const quota = refusedAt(start)
    assert.partialDeepStrictEqual(quota.admit('urgent', start), {
      until: start + minutes,
      reason: 'errcode-45009',
      condition: 'quota wx1 /send',
    })
    assert.ok(quota.isDue(start))
  })

  test('holds until midnight when nothing is left', () => {
    const quota = refusedAt(start)
    learn(quota, known(100_000, 100_000))
    assert.equal(quota.admit('urgent', start)?.until, midnight)
    assert.equal(quota.heldUntil(start), midnight)
    assert.equal(quota.admit('urgent', midnight), undefined)
    assert.equal(quota.mostInFlight(), 1, 'the first call of the day is a probe')
    call(quota, 1, midnight)
    assert.equal(quota.mostInFlight(), Number.POSITIVE_INFINITY)
  })

  test('holds until midnight when quota/get does not answer', () => {
    const quota = refusedAt(start)
    learn(quota, { kind: 'unknown', error: 'timeout' })
    assert.equal(quota.admit('urgent', start)?.until, midnight)
  })

  test('holds for minutes only right after midnight, when WeChat’s day may begin a little later', () => {
    const quota = refusedAt(midnight + 10 * seconds)
    learn(quota, { kind: 'unknown', error: 'timeout' }, midnight + 10 * seconds)
    assert.equal(quota.admit('urgent', midnight + 10 * seconds)?.until, midnight + 10 * seconds + 5 * minutes)
  })

  test('holds a minute when plenty is left, and twice as long each time that the probe is refused', () => {
    const quota = refusedAt(start)
    let now = start
    for (const wait of [1, 2, 4, 8, 16, 30, 30]) {
      learn(quota, known(100_000, 1000), now)
      assert.equal(quota.admit('urgent', now)?.until, now + wait * minutes)
      now += wait * minutes
      assert.equal(quota.admit('urgent', now), undefined)
      assert.equal(quota.mostInFlight(), 1)
      quota.began(now)
      quota.ended(1)
      quota.refused(overQuota, now)
    }
  })

  test('of a call that was under way changes nothing', () => {
    const quota = refusedAt(start)
    learn(quota, known(100_000, 100_000))
    assert.equal(quota.refused(overQuota, start + seconds).until, midnight)
    quota.passed()
    assert.equal(quota.mostInFlight(), 1, 'nor does a late success')
  })

  test('is over as soon as quota/get shows that some are left', () => {
    const quota = refusedAt(start)
    learn(quota, known(100_000, 100_000))
    learn(quota, known(100_000, 99_900), start + 5 * minutes)
    assert.equal(quota.admit('urgent', start + 5 * minutes)?.until, midnight, 'less than its error is none')
    learn(quota, known(100_000, 0), start + 10 * minutes)
    assert.equal(quota.admit('urgent', start + 10 * minutes), undefined)
    assert.equal(quota.mostInFlight(), 1)
  })
})

suite('the limit of the minute', () => {
  test('comes from quota/get or from settings, the lower', () => {
    const quota = aQuota({ perMinute: 30 })
    learn(quota, known(1000, 0, 20))
    call(quota, 20)
    const until = start + minutes
    assert.deepEqual(quota.admit('urgent', start), { until, reason: 'minute-limit' })
    assert.equal(quota.admit('urgent', until), undefined)
  })

  test('is guessed from a refusal, and the guess grows again', () => {
    const quota = aQuota()
    call(quota, 100)
    assert.deepEqual(quota.refused(errcodeOf(45011), start), {
      until: start + minutes,
      reason: 'errcode-45011',
    })
    assert.equal(quota.view(start).perMinute, 90)
    assert.equal(quota.view(start + minutes).perMinute, 100)
    assert.equal(quota.view(start + 2 * hours).perMinute, undefined)
  })
})

suite('the forecast', () => {
  test('says when normal messages run out at the recent rate', () => {
    const quota = aQuota()
    learn(quota, known(10_000, 0))
    for (let minute = 0; minute < 30; minute++) call(quota, 100, start + minute * minutes)
    const now = start + 30 * minutes
    const { exhaustedAt } = quota.view(now)
    // 9,500 for normal messages, of which 3,000 are used, at 100 a minute.
    assert.ok(Math.abs(exhaustedAt! - (now + 65 * minutes)) < minutes, String(exhaustedAt! - now))
  })

  test('says nothing when the day ends earlier', () => {
    const quota = aQuota()
    learn(quota, known(1_000_000, 0))
    call(quota, 10)
    assert.equal(quota.view(start + minutes).exhaustedAt, undefined)
    assert.equal(aQuota().view(start).exhaustedAt, undefined)
  })
})

suite('whatever happens', () => {
  const aLane = fc.constantFrom(...lanes)
  const anAction = fc.oneof(
    { weight: 20, arbitrary: fc.record({ kind: fc.constant('send' as const), lane: aLane }) },
    { weight: 10, arbitrary: fc.record({ kind: fc.constant('end' as const) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(2 * minutes) }) },
    // Counters of WeChat lag behind by what is under way, and are up to 1 % off.
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('learn' as const), off: fc.integer({ min: -10, max: 10 }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('refuse' as const) }) },
  )

  test('no more is admitted in a day than the limit, and none of the reserve to bulk', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.array(anAction, { maxLength: 600 }),
        (daily, urgentShare, actions) => {
          const quota = aQuota({ urgentShare })
          learn(quota, known(daily, 0))
          let now = start
          let begun = 0
          let ended = 0
          let bulk = 0
          for (const action of actions) {
            if (now >= midnight) break
            if (action.kind === 'send' && quota.admit(action.lane, now) === undefined) {
              assert.ok(begun < daily)
              if (action.lane !== 'urgent') assert.ok(begun < daily - Math.floor(daily * urgentShare))
              quota.began(now)
              begun++
              if (action.lane !== 'urgent') bulk++
            } else if (action.kind === 'end' && ended < begun) {
              quota.ended(1)
              quota.passed()
              ended++
            } else if (action.kind === 'pass') now += action.ms
            else if (action.kind === 'learn') {
              const told = Math.round(ended * (1 + action.off / 1000))
              learn(quota, known(daily, Math.max(0, Math.min(daily, told))), now)
            } else if (action.kind === 'refuse') quota.refused(errcodeOf(45009), now)
            assert.ok(quota.mostInFlight() >= 1)
          }
          assert.ok(begun <= daily)
          assert.ok(bulk <= daily - Math.floor(daily * urgentShare))
        },
      ),
      { numRuns: 300 },
    )
  })
})
