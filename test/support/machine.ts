import { setTimeout as sleep } from 'node:timers/promises'
import type { Machine } from '../../src/steady-clock.ts'

/** The clocks of a machine that a test sets; between, they go as those of this one. */
export interface TestMachine extends Machine {
  /** Somebody sets the wall clock: so much ahead of the right time, in milliseconds. */
  setWall(aheadMs: number): void
}

export const createTestMachine = (aheadMs = 0): TestMachine => {
  let ahead = aheadMs
  return {
    wall: () => Date.now() + ahead,
    monotonic: () => performance.now(),
    uptime: () => performance.now(),
    sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}),
    setWall(ms) {
      ahead = ms
    },
  }
}
