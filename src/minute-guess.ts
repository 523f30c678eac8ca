/** What a refusal for the minute says about its limit, where nobody tells it. */
export interface MinuteGuess {
  /** Infinite without one. */
  perMinute(): number
  /** So many calls seem to be right. The lowest of a minute counts. */
  note(perMinute: number, now: number, minuteEnd: number): void
  /** So many minutes have passed. */
  grow(minutes: number, now: number): void
}

/** It grows again by this a minute, and is forgotten after an hour. */
const growth = 1.1
const lifeMs = 3_600_000
const minuteMs = 60_000

export const createMinuteGuess = (): MinuteGuess => {
  let guess: { readonly perMinute: number; readonly at: number } | undefined
  return {
    perMinute: () => guess?.perMinute ?? Number.POSITIVE_INFINITY,
    note(perMinute, now, minuteEnd) {
      if (!guess || guess.at < minuteEnd - minuteMs || perMinute < guess.perMinute)
        guess = { perMinute, at: now }
    },
    grow(minutes, now) {
      if (guess === undefined) return
      const { perMinute, at } = guess
      guess = now - at > lifeMs ? undefined : { perMinute: Math.ceil(perMinute * growth ** minutes), at }
    },
  }
}
