/**
 * One time limit for many calls, on the monotonic clock, with one timer for all of them: it waits for the
 * oldest it knows of, and when it fires it looks at every call and then waits for the oldest that is left.
 *
 * Calls sit in numbered slots that are used again. A `Map` or a linked list would do, but at tens of
 * thousands of calls a second their discarded tables and nodes keep dead calls alive until the next full
 * collection.
 */
export interface Deadlines {
  /**
   * From now on, `expire` is called once the limit has passed, unless `stop` of the answered slot comes
   * first.
   */
  start(item: Expiring): number
  stop(slot: number): void
}

export interface Expiring {
  /** Ends with `stop`, as every end does. */
  expire(): void
}

export const createDeadlines = (limitMs: number): Deadlines => {
  const items: (Expiring | undefined)[] = []
  const deadlines: number[] = []
  const free: number[] = []
  let armed = false

  // The timer holds no process open: as long as a call is under way, its socket does.
  const arm = (waitMs: number): void => {
    armed = true
    setTimeout(sweep, waitMs).unref()
  }

  const sweep = (): void => {
    armed = false
    const now = performance.now()
    let next = Number.POSITIVE_INFINITY
    for (const [slot, item] of items.entries()) {
      if (item === undefined) continue
      if (deadlines[slot]! <= now) item.expire()
      else next = Math.min(next, deadlines[slot]!)
    }
    if (!armed && next < Number.POSITIVE_INFINITY) arm(next - now)
  }

  return {
    start(item) {
      const slot = free.pop() ?? items.length
      items[slot] = item
      deadlines[slot] = performance.now() + limitMs
      if (!armed) arm(limitMs)
      return slot
    },
    stop(slot) {
      items[slot] = undefined
      free.push(slot)
    },
  }
}
