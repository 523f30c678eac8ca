import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { createPace, type Pace, type Sign } from '../src/pace.ts'
import { testStart as start } from './support/clock.ts'

const ceiling = 64

interface Weather {
  readonly latencyMs: number
  readonly sign?: (call: number) => Sign
}

/** As many calls at once as are allowed, round after round. Answers the time after it. */
const rounds = (
  pace: Pace,
  count: number,
  { latencyMs, sign = () => 'fine' }: Weather,
  from = start,
): number => {
  let now = from
  let calls = 0
  for (let round = 0; round < count; round++) {
    const inFlight = pace.allowed()
    const startedAt = now
    now += latencyMs
    for (let n = inFlight; n > 0; n--) pace.ended(sign(calls++), { startedAt, endedAt: now }, n)
  }
  return now
}

suite('the pace', () => {
  test('begins at its ceiling and stays there while all goes well', () => {
    const pace = createPace(ceiling)
    rounds(pace, 100, { latencyMs: 60 })
    assert.equal(pace.allowed(), ceiling)
  })

  const falls: readonly [sign: Sign, after: number][] = [
    ['busy', 44],
    ['lost', 44],
    ['slow', 32],
  ]
  for (const [sign, after] of falls)
    test(`falls once for all calls that were under way: ${sign}`, () => {
      const pace = createPace(ceiling)
      for (let n = ceiling; n > 0; n--) pace.ended(sign, { startedAt: start, endedAt: start + 60 }, n)
      assert.equal(pace.allowed(), after)
    })

  test('falls to one call when nothing goes well, and recovers by itself within 30 s of calls', () => {
    const pace = createPace(ceiling)
    const worst = rounds(pace, 100, { latencyMs: 200, sign: () => 'busy' })
    assert.equal(pace.allowed(), 1)
    const better = rounds(pace, 150, { latencyMs: 200 }, worst)
    assert.ok(pace.allowed() >= 0.9 * ceiling)
    assert.ok(better - worst <= 30_000)
  })

  test('falls when answers become slow, but not to a standstill, and recovers with them', () => {
    const pace = createPace(ceiling)
    const before = rounds(pace, 50, { latencyMs: 60 })
    const during = rounds(pace, 10, { latencyMs: 2000 }, before)
    assert.equal(pace.allowed(), ceiling / 8)
    const after = rounds(pace, 200, { latencyMs: 60 }, during)
    assert.ok(pace.allowed() >= 0.9 * ceiling)
    assert.ok(after - during <= 30_000)
  })

  test('takes answers that stay slow as usual in the end', () => {
    const pace = createPace(ceiling)
    const before = rounds(pace, 50, { latencyMs: 60 })
    rounds(pace, 300, { latencyMs: 600 }, before)
    assert.equal(pace.allowed(), ceiling)
  })

  test('does not fall for a single slow answer after a rest', () => {
    const pace = createPace(ceiling)
    const before = rounds(pace, 50, { latencyMs: 60 })
    pace.ended('fine', { startedAt: before + 60_000, endedAt: before + 63_000 }, 1)
    assert.equal(pace.allowed(), ceiling)
  })

  test('is much lower in a storm in which half of the calls are answered -1', () => {
    const pace = createPace(ceiling)
    rounds(pace, 200, { latencyMs: 60, sign: (call) => (call % 2 === 0 ? 'busy' : 'fine') })
    assert.ok(pace.allowed() <= ceiling / 8)
  })

  test('is between 1 and the ceiling whatever happens', () => {
    const aCall = fc.record({
      sign: fc.constantFrom<Sign>('fine', 'busy', 'slow', 'lost'),
      startedAt: fc.integer({ min: 0, max: 10 ** 7 }),
      latencyMs: fc.integer({ min: -1000, max: 100_000 }),
      inFlight: fc.nat(5000),
    })
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4096 }),
        fc.array(aCall, { maxLength: 200 }),
        (ceiling, calls) => {
          const pace = createPace(ceiling)
          for (const { sign, startedAt, latencyMs, inFlight } of calls) {
            pace.ended(sign, { startedAt, endedAt: startedAt + latencyMs }, inFlight)
            assert.ok(pace.allowed() >= 1 && pace.allowed() <= ceiling)
            assert.ok(Number.isFinite(pace.latencyMs()))
          }
        },
      ),
    )
  })
})
