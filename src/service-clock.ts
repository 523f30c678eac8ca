/** The time of a service, for engine, worker and gateway alike, so that leases, deadlines and signatures agree. */
import type { Observe } from './observe.ts'
import { createSteadyClock, type Machine, type SteadyClock } from './steady-clock.ts'

/**
 * How long the wall clock of a machine must stand where it was set before a process that is alone follows it: what is put
 * right sooner has moved nothing.
 */
const wallPatienceMs = 10 * 60_000

export const createServiceClock = (options: {
  readonly machine: Machine
  /** Whose time it is: that of a store that several processes use, or this machine's own. */
  readonly follows: 'store' | 'machine'
  readonly observe: Observe
}): SteadyClock => {
  const { machine, follows, observe } = options
  return createSteadyClock({
    machine,
    patienceMs: follows === 'store' ? 0 : wallPatienceMs,
    onJump: (byMs) =>
      observe({ kind: 'alert', code: 'clock-jumped', detail: `${owner[follows]} by ${secondsText(byMs)}` }),
  })
}

const owner = {
  store: 'The clock of Redis, which counts here, is off from the one known here',
  machine: 'The clock of this machine was set, and is followed now,',
}

const secondsText = (ms: number): string => `${ms < 0 ? '−' : '+'}${(Math.abs(ms) / 1000).toFixed(1)} s`
