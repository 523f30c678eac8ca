/** What a worker has done so far; both only grow. */
export interface Work {
  /** How long there was more to send than hands. */
  readonly busyMs: number
  /** Calls that ended in that time. */
  readonly endedBusy: number
}

/** How fast a node is, in messages a second while it is busy. */
export interface Speed {
  readonly smoothed: number
  /** What others are told, and shards are dealt by. It changes in steps, so that shards do not wander about. */
  readonly told: number
}

/** Of the newest second; the rest is what was known before. */
const newest = 0.3
/** Seldom busy is not measured: a few milliseconds say nothing. */
const leastBusyMs = 200
/** What is told changes when the truth is this much above or below it. */
const step = 1.25

/** What is known after some work between two moments. A node that had nothing to wait for stays what it was. */
export const measuredSpeed = (known: Speed | undefined, before: Work, after: Work): Speed | undefined => {
  const busyMs = after.busyMs - before.busyMs
  if (busyMs < leastBusyMs) return known
  const now = (1000 * (after.endedBusy - before.endedBusy)) / busyMs
  if (known === undefined) return { smoothed: now, told: now }
  const smoothed = (1 - newest) * known.smoothed + newest * now
  const far = smoothed > step * known.told || smoothed < known.told / step
  return { smoothed, told: far ? smoothed : known.told }
}

/** Counts the work of a worker. `now`: in milliseconds, of a clock that does not jump far. */
export const createWorkMeter = (now: () => number) => {
  let busyMs = 0
  let endedBusy = 0
  let busySince: number | undefined

  const upToNow = (): number => {
    if (busySince === undefined) return 0
    // A clock that is set back has not undone any work.
    return Math.max(0, now() - busySince)
  }

  return {
    /** Whether messages wait for hands from now on. */
    turn(busy: boolean): void {
      if (busy === (busySince !== undefined)) return
      busyMs += upToNow()
      busySince = busy ? now() : undefined
    },
    /** A call has ended. */
    ended(): void {
      if (busySince !== undefined) endedBusy++
    },
    work: (): Work => ({ busyMs: busyMs + upToNow(), endedBusy }),
  }
}
