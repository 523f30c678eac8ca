import type { Random } from './clock.ts'

/** How often and how long, as data. Durations in milliseconds. */
export interface RetryPolicy {
  /** Refused for now (`backoff` codes, codes we do not know): tries before the message is dead. */
  readonly maxTries: number
  readonly baseMs: number
  readonly capMs: number
  /** In doubt, where WeChat recognises a repeat: the waits before each repeat. */
  readonly inDoubtMs: readonly number[]
  /** In doubt: no call later than this after the first that may have been taken. WeChat remembers for 10 minutes. */
  readonly inDoubtWindowMs: number
  /** In doubt, where a repeat is not safe: how long a receipt may take before we say `unknown`. */
  readonly receiptWaitMs: number
}

const seconds = 1000
const minutes = 60 * seconds

export const defaultRetryPolicy: RetryPolicy = {
  maxTries: 6,
  baseMs: 1 * seconds,
  capMs: 5 * minutes,
  inDoubtMs: [2, 5, 15, 45, 120, 240].map((wait) => wait * seconds),
  inDoubtWindowMs: 8 * minutes,
  receiptWaitMs: 2 * minutes,
}

/** Exponential backoff with full jitter: anything from 0 to `baseMs` × 2^tries, but never above `capMs`. */
export const backoffMs = (
  { baseMs, capMs }: Pick<RetryPolicy, 'baseMs' | 'capMs'>,
  tries: number,
  random: Random,
): number => Math.floor(random() * Math.min(capMs, baseMs * 2 ** Math.min(tries, 30)))

/** Half of `waitMs` for certain, the other half by chance, so that a crowd spreads out. */
export const jitterMs = (waitMs: number, random: Random): number =>
  Math.floor(waitMs / 2 + (random() * waitMs) / 2)

const beijingOffsetMs = 8 * 60 * minutes
const dayMs = 24 * 60 * minutes

/** The next midnight in Beijing, when WeChat's daily counters are believed to start again. China has no summer time. */
export const nextBeijingMidnight = (now: number): number =>
  (Math.floor((now + beijingOffsetMs) / dayMs) + 1) * dayMs - beijingOffsetMs

export const nextMinute = (now: number): number => (Math.floor(now / minutes) + 1) * minutes
