import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { backoffMs, defaultRetryPolicy, jitterMs, nextBeijingMidnight, nextMinute } from '../src/retry.ts'

suite('the next midnight in Beijing', () => {
  const cases: readonly [now: string, midnight: string][] = [
    ['2026-03-04T12:00:00+08:00', '2026-03-05T00:00:00+08:00'],
    ['2026-03-04T00:00:00+08:00', '2026-03-05T00:00:00+08:00'],
    ['2026-03-04T00:00:00.001+08:00', '2026-03-05T00:00:00+08:00'],
    ['2026-03-04T23:59:59.999+08:00', '2026-03-05T00:00:00+08:00'],
    ['2026-03-04T07:59:59.999+08:00', '2026-03-05T00:00:00+08:00'],
    ['2026-03-04T08:00:00+08:00', '2026-03-05T00:00:00+08:00'],
    ['2026-03-04T15:59:59.999Z', '2026-03-04T16:00:00Z'],
    ['2026-03-04T16:00:00Z', '2026-03-05T16:00:00Z'],
    ['2026-12-31T23:59:59+08:00', '2027-01-01T00:00:00+08:00'],
    ['2028-02-28T12:00:00+08:00', '2028-02-29T00:00:00+08:00'],
    ['2026-02-28T12:00:00+08:00', '2026-03-01T00:00:00+08:00'],
    ['1970-01-01T00:00:00Z', '1970-01-01T16:00:00Z'],
  ]
  for (const [now, midnight] of cases)
    test(`after ${now} is ${midnight}`, () =>
      assert.equal(
        new Date(nextBeijingMidnight(Date.parse(now))).toISOString(),
        new Date(midnight).toISOString(),
      ))
})

suite('the next minute', () => {
  const cases: readonly [now: number, next: number][] = [
    [0, 60_000],
    [59_999, 60_000],
    [60_000, 120_000],
  ]
  for (const [now, next] of cases)
    test(`after ${now} ms is ${next} ms`, () => assert.equal(nextMinute(now), next))
})

const aChance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

suite('backoff', () => {
  const policy = { ...defaultRetryPolicy, baseMs: 1000, capMs: 300_000 }

  test('grows twofold up to the cap', () => {
    const almostOne = () => 1 - Number.EPSILON
    const bounds = [0, 1, 2, 8, 9, 40].map((tries) => Math.ceil(backoffMs(policy, tries, almostOne) / 1000))
    assert.deepEqual(bounds, [1, 2, 4, 256, 300, 300])
  })

  test('is a whole number from 0 to the cap, whatever the tries', () => {
    fc.assert(
      fc.property(fc.nat(10_000), aChance, (tries, chance) => {
        const wait = backoffMs(policy, tries, () => chance)
        assert.ok(Number.isSafeInteger(wait) && wait >= 0 && wait <= policy.capMs)
      }),
    )
  })

  test('uses all of its range', () => {
    assert.equal(
      backoffMs(policy, 3, () => 0),
      0,
    )
    assert.equal(
      backoffMs(policy, 3, () => 0.5),
      4000,
    )
  })
})

test('jitter keeps half of the wait for certain and never exceeds it', () => {
  fc.assert(
    fc.property(fc.nat(10 * 86_400_000), aChance, (waitMs, chance) => {
      const wait = jitterMs(waitMs, () => chance)
      assert.ok(Number.isSafeInteger(wait) && wait >= Math.floor(waitMs / 2) && wait <= waitMs)
    }),
  )
})

test('the repeats of a doubt fit into its window, and the window into WeChat’s ten minutes', () => {
  const { inDoubtMs, inDoubtWindowMs } = defaultRetryPolicy
  assert.ok(inDoubtMs.reduce((sum, wait) => sum + wait) <= inDoubtWindowMs)
  assert.ok(inDoubtWindowMs < 10 * 60_000)
})
