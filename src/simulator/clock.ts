/**
 * The simulated clock: real time, moved and sped up on request. Token lives, quotas and the
 * client_msg_id window follow it; network delays and time limits of the admin API stay real.
 */
export interface Clock {
  /** Milliseconds since 1970, simulated. */
  now(): number
  advance(ms: number): void
  /** How many simulated seconds go by in a real one; 0 stops the clock. */
  setSpeed(speed: number): void
  speed(): number
  /** Back to real time; answers by how much the clock jumped, in milliseconds. */
  restart(): number
  state(): ClockState
  restore(state: ClockState): void
}

/** At real time `real` the clock showed `simulated` and ran at `speed`. */
export interface ClockState {
  readonly real: number
  readonly simulated: number
  readonly speed: number
}

export const createClock = (realNow: () => number = Date.now): Clock => {
  let anchor: ClockState = { real: 0, simulated: 0, speed: 1 }
  const now = (): number => anchor.simulated + (realNow() - anchor.real) * anchor.speed
  const setAt = (simulated: number, speed: number): void => {
    anchor = { real: realNow(), simulated, speed }
  }
  return {
    now: () => Math.floor(now()),
    advance: (ms) => setAt(now() + ms, anchor.speed),
    setSpeed: (speed) => setAt(now(), speed),
    speed: () => anchor.speed,
    restart: () => {
      const before = now()
      anchor = { real: 0, simulated: 0, speed: 1 }
      return now() - before
    },
    state: () => anchor,
    restore: (state) => {
      anchor = state
    },
  }
}
