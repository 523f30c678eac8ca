import { suite, test } from 'node:test'
import { dayOf } from '../../src/simulator/quota.ts'

suite('the natural day of a quota', () => {
  const cases: readonly [first: string, second: string, resetHour: number, same: boolean][] = [
    ['2026-05-01T15:59:59Z', '2026-05-01T16:00:00Z', 0, false],
    ['2026-05-01T16:00:00Z', '2026-05-02T15:59:59Z', 0, true],
    ['2026-05-01T23:59:59Z', '2026-05-02T00:00:00Z', 0, true],
    ['2026-05-01T20:59:59Z', '2026-05-01T21:00:00Z', 5, false],
    ['2026-05-01T15:59:59Z', '2026-05-01T16:00:00Z', 5, true],
  ]
  for (const [first, second, resetHour, same] of cases)
    test(`${first} and ${second} are ${same ? 'one day' : 'two days'} with a reset at ${resetHour} in Beijing`, (t) => {
      const days = [first, second].map((time) => dayOf(Date.parse(time), resetHour))
      t.assert.equal(days[0] === days[1], same)
    })
})
