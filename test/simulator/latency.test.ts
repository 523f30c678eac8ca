import { suite, test } from 'node:test'
import { createDelays, usualLatency } from '../../src/simulator/latency.ts'
import { createRandom } from '../../src/simulator/random.ts'

const drawn = (seed: number, count: number): number[] => {
  const next = createDelays(usualLatency, createRandom(seed))
  return Array.from({ length: count }, next)
}

suite('delays', () => {
  test('have the median and the 99th percentile that were asked for', (t) => {
    const sorted = drawn(1, 20_000).sort((a, b) => a - b)
    const within = (value: number, low: number, high: number) =>
      t.assert.equal(value >= low && value <= high, true, `${value} is not within ${low} and ${high}`)
    within(sorted[10_000]!, 58, 62)
    within(sorted[19_800]!, 370, 430)
  })

  test('are the same for the same seed', (t) => t.assert.deepEqual(drawn(3, 50), drawn(3, 50)))
  test('differ for another one', (t) => t.assert.notDeepEqual(drawn(3, 50), drawn(4, 50)))
  test('can be fixed', (t) => t.assert.equal(createDelays({ fixedMs: 7 }, createRandom(1))(), 7))
  test('refuse a p99 below the median', (t) =>
    t.assert.throws(() => createDelays({ medianMs: 60, p99Ms: 50 }, createRandom(1)), /p99Ms/))
})
