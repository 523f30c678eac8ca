import type { Clock } from '../../src/clock.ts'

/** A clock that stands still until the test moves it. Who sleeps on it wakes when it has moved far enough. */
export interface TestClock extends Clock {
  advance(ms: number): void
  /** How many sleep on it. */
  asleep(): number
}

/** When time begins in tests: noon in Beijing on a working day, nowhere near a midnight. */
export const testStart = Date.parse('2026-03-04T12:00:00+08:00')

export const createTestClock = (start = testStart): TestClock => {
  const sleepers = new Set<{ readonly until: number; wake(): void }>()
  let now = start
  return {
    now: () => now,
    asleep: () => sleepers.size,
    advance(ms) {
      now += ms
      for (const { until, wake } of sleepers) if (until <= now) wake()
    },
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (ms <= 0 || signal?.aborted) return resolve()
        const wake = () => {
          sleepers.delete(sleeper)
          signal?.removeEventListener('abort', wake)
          resolve()
        }
        const sleeper = { until: now + ms, wake }
        signal?.addEventListener('abort', wake, { once: true })
        sleepers.add(sleeper)
      }),
  }
}
