import type { Attempt } from './message.ts'

/**
 * How many calls to one API may be under way: as many as go well. WeChat publishes no limit of this kind; what it does
 * under too many calls at once is to answer -1 in bursts, 45011, slowly, or not at all (practitioners).
 *
 * Additive increase, multiplicative decrease. A decrease answers for all calls that were under way, so a sign of
 * trouble counts only from a call that began after the last one.
 */
export interface Pace {
  /** Calls that may be under way: from 1 up to the ceiling. */
  allowed(): number
  /** How long a call has taken lately, in milliseconds. */
  latencyMs(): number
  /**
   * A call has ended. `inFlight`: under way at its end, itself included; calls that the pace did not limit say little
   * about it.
   */
  ended(sign: Sign, call: CallTimes, inFlight: number): void
}

/** Milliseconds since 1970 UTC. */
export type CallTimes = Pick<Attempt, 'startedAt' | 'endedAt'>

/** `busy`: -1 and its kin. `slow`: told to slow down. `lost`: no answer, or none of WeChat's own. */
export type Sign = 'fine' | 'busy' | 'slow' | 'lost'

const factors: Readonly<Record<Exclude<Sign, 'fine'>, number>> = { busy: 0.7, lost: 0.7, slow: 0.5 }
const latencyFactor = 0.7
/**
 * Answers that are merely slow are still answers: they take the pace down to this share of the ceiling and no
 * further, or a slower network would all but stop the traffic.
 */
const latencyFloorShare = 1 / 8
/** The increase over as many good calls as are allowed, as a share of the ceiling; at least one call. */
const stepShare = 1 / 32

/** Over how long the averages of latency look back. The long one follows a rise slowly and a fall quickly. */
const shortMs = 1000
const longRisingMs = 60_000
const longFallingMs = 5000
/** One call never weighs more than this, however long there was none. */
const mostWeight = { short: 0.3, long: 0.1 }
/** Trouble: the short average is so many times the long one, and so many milliseconds above it. */
const slowRatio = 2
const slowMarginMs = 50

export const createPace = (ceiling: number): Pace => {
  const step = Math.max(1, ceiling * stepShare)
  const latencyFloor = Math.max(1, ceiling * latencyFloorShare)
  let allowed = ceiling
  let decreasedAt = Number.NEGATIVE_INFINITY
  let short = 0
  let long = 0
  let sampledAt: number | undefined

  const sample = (latencyMs: number, at: number): void => {
    if (sampledAt === undefined) short = long = latencyMs
    const sinceMs = Math.max(0, at - (sampledAt ?? at))
    sampledAt = at
    short += (latencyMs - short) * weight(sinceMs, shortMs, mostWeight.short)
    const longMs = short > long ? longRisingMs : longFallingMs
    long += (short - long) * weight(sinceMs, longMs, mostWeight.long)
  }

  const isSlow = (): boolean => short > slowRatio * long && short - long > slowMarginMs

  const decrease = (factor: number, floor: number, { startedAt, endedAt }: CallTimes): void => {
    // Unless the clock was set back since.
    if (startedAt < decreasedAt && decreasedAt <= endedAt) return
    decreasedAt = endedAt
    allowed = Math.min(allowed, Math.max(floor, allowed * factor))
  }

  return {
    allowed: () => Math.floor(allowed),
    latencyMs: () => short,
    ended(sign, call, inFlight) {
      const { startedAt, endedAt } = call
      sample(Math.max(0, endedAt - startedAt), endedAt)
      if (sign !== 'fine') return decrease(factors[sign], 1, call)
      const isLimiting = 2 * inFlight >= allowed
      if (!isLimiting) return
      if (isSlow()) decrease(latencyFactor, latencyFloor, call)
      else if (allowed < ceiling) allowed = Math.min(ceiling, allowed + step / allowed)
    },
  }
}

const weight = (sinceMs: number, windowMs: number, most: number): number =>
  Math.min(sinceMs / (windowMs + sinceMs), most)
