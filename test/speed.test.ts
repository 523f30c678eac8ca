import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { createWorkMeter, measuredSpeed, type Speed } from '../src/speed.ts'
import { createTestClock } from './support/clock.ts'

/** What is told after seconds in each of which so many calls ended, all of them busy. */
const after = (perSecond: readonly number[], known?: Speed): Speed | undefined =>
  perSecond.reduce<Speed | undefined>(
    (speed, endedBusy) => measuredSpeed(speed, { busyMs: 0, endedBusy: 0 }, { busyMs: 1000, endedBusy }),
    known,
  )

suite('the speed of a node', () => {
  test('is what it does while it is busy, and not what it is given to do', () => {
    const before = { busyMs: 0, endedBusy: 0 }
    assert.deepEqual(measuredSpeed(undefined, before, { busyMs: 250, endedBusy: 50 }), {
      smoothed: 200,
      told: 200,
    })
    assert.equal(measuredSpeed(undefined, before, { busyMs: 100, endedBusy: 50 }), undefined)
    const known = { smoothed: 1, told: 1 }
    assert.equal(measuredSpeed(known, before, { busyMs: 0, endedBusy: 0 }), known)
  })

  test('is told anew when it has changed much, and stays for a while otherwise', () => {
    assert.equal(after([100, 110, 90, 105, 120])!.told, 100)
    assert.ok(after([100, 20, 20, 20, 20, 20, 20, 20, 20])!.told < 30)
    assert.ok(after([20, 100, 100, 100, 100, 100, 100, 100, 100])!.told > 80)
  })

  test('does not wander while the truth stays within a tenth', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 95, max: 105 }), { minLength: 1, maxLength: 100 }),
        (seconds) => {
          assert.equal(after(seconds)!.told, seconds[0])
        },
      ),
    )
  })
})

suite('the work of a worker', () => {
  test('counts the time in which messages waited, and the calls that ended in it', () => {
    const clock = createTestClock()
    const meter = createWorkMeter(clock.now)
    meter.ended()
    meter.turn(true)
    clock.advance(100)
    meter.turn(true)
    meter.ended()
    assert.deepEqual(meter.work(), { busyMs: 100, endedBusy: 1 })
    meter.turn(false)
    clock.advance(1000)
    meter.ended()
    assert.deepEqual(meter.work(), { busyMs: 100, endedBusy: 1 })
  })

  test('is not undone by a clock that is set back', () => {
    const clock = createTestClock()
    const meter = createWorkMeter(clock.now)
    meter.turn(true)
    clock.advance(-3_600_000)
    assert.equal(meter.work().busyMs, 0)
    meter.turn(false)
    assert.equal(meter.work().busyMs, 0)
  })
})
