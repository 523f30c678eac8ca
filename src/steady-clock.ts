/**
 * A clock that goes on steadily whatever happens to the clock of this machine, and follows another one: that of the
 * store where several processes must agree on leases and deadlines, the wall clock of the machine where one is all.
 *
 * It is the monotonic clock of this process and an offset. A look at the other clock bounds the offset: the other clock
 * was read after we had asked and before the answer was here. So a look that took long is worth little, and one
 * that does not contradict the offset changes nothing. A contradiction is made up for by going a little faster or
 * slower, never backwards. A large one says that the other clock was set, or that this machine stood still: then the
 * time jumps, at once or when it has lasted for `patienceMs`. While a machine sleeps its monotonic clock stands, but its
 * uptime goes on; that time has really passed, and counts as soon as it is seen.
 */
import type { Clock } from './clock.ts'

export interface SteadyClock extends Clock {
  /**
   * Looks at the other clock: `read` answers milliseconds since 1970 UTC. The first time it looks several times, and takes
   * over what it has seen. Rejects when `read` does.
   */
  follow(read: () => Promise<number> | number): Promise<void>
}

/** The clocks of a machine, in milliseconds. */
export interface Machine {
  /** Since 1970 UTC; somebody may set it. */
  wall(): number
  /** Since some moment; never goes backwards, and stands while the machine sleeps. */
  monotonic(): number
  /** Since some moment; goes on while the machine sleeps, and need not be exact. */
  uptime(): number
  readonly sleep: Clock['sleep']
}

export interface SteadyClockParts {
  readonly machine: Machine
  /** How long a large contradiction must last before it counts. */
  readonly patienceMs: number
  /** The time has jumped by so many milliseconds. */
  readonly onJump: (byMs: number) => void
}

/** A correction of so much and less is made slowly. */
const largestSlowMs = 2000
/** How much faster or slower the clock may go. A lease outlasts a message's sending by more than this share. */
const slewRate = 0.04
const firstLooks = 5
/** What uptime and the monotonic clock differ by without a sleep of the machine. */
const uptimeSlackMs = 1000

/** Between these lies what the other clock is ahead of ours. */
interface Bounds {
  readonly low: number
  readonly high: number
}

export const createSteadyClock = ({ machine, patienceMs, onJump }: SteadyClockParts): SteadyClock => {
  const ticks = createTicks(machine)
  const start = machine.wall() - ticks.now()
  /** The offset goes from `from`, at `since`, to `to`. */
  let course = { from: start, to: start, since: ticks.now() }
  let hasLooked = false
  let contradictedSince: number | undefined

  const offsetAt = (at: number): number => {
    const { from, to, since } = course
    const most = Math.max(0, at - since) * slewRate
    return from + Math.min(Math.max(to - from, -most), most)
  }

  const jumpTo = (to: number): void => {
    const at = ticks.now()
    const by = to - offsetAt(at)
    course = { from: to, to, since: at }
    contradictedSince = undefined
    if (Math.abs(by) > largestSlowMs) onJump(by)
  }

  const learn = (bounds: Bounds): void => {
    const at = ticks.now()
    const offset = offsetAt(at)
    const wanted = Math.min(Math.max(offset, bounds.low), bounds.high)
    if (Math.abs(wanted - offset) <= largestSlowMs) {
      contradictedSince = undefined
      course = { from: offset, to: wanted, since: at }
      return
    }
    contradictedSince ??= at
    if (at - contradictedSince >= patienceMs) jumpTo(middleOf(bounds))
  }

  const look = async (read: () => Promise<number> | number): Promise<Bounds> => {
    const askedAt = ticks.now()
    const time = await read()
    return { low: time - ticks.now(), high: time - askedAt }
  }

  return {
    // Whole milliseconds, as everybody expects of a time.
    now() {
      const at = ticks.now()
      return Math.floor(at + offsetAt(at))
    },
    sleep: machine.sleep,
    async follow(read) {
      ticks.countSleep()
      if (hasLooked) return learn(await look(read))
      let best = await look(read)
      for (let looks = 1; looks < firstLooks; looks++) best = narrower(best, await look(read))
      hasLooked = true
      jumpTo(middleOf(best))
    },
  }
}

const middleOf = ({ low, high }: Bounds): number => (low + high) / 2
const narrower = (a: Bounds, b: Bounds): Bounds => (a.high - a.low <= b.high - b.low ? a : b)

/** The monotonic clock, and what the machine has slept. */
const createTicks = ({ monotonic, uptime }: Machine) => {
  const ahead = () => uptime() - monotonic()
  const aheadAtStart = ahead()
  let sleptMs = 0
  return {
    now: (): number => monotonic() + sleptMs,
    countSleep(): void {
      const slept = ahead() - aheadAtStart
      if (slept > sleptMs + uptimeSlackMs) sleptMs = slept
    },
  }
}
