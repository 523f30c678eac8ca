/** Where the time comes from. Everything that needs to know the time, or to wait, is given one of these. */
export interface Clock {
  /** Wall time, in milliseconds since 1970 UTC. */
  now(): number
  /** Resolves after `ms`, or as soon as the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** A number in [0, 1), as `Math.random` gives. */
export type Random = () => number
