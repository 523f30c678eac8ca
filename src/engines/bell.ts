/** Counts its strokes, so that one who looked before it rang need not have listened to know that it did. */
export interface Bell {
  strokes(): number
  ring(): void
  /** Resolves once it has rung after stroke `since`, `withinMs` have passed, or the signal aborts. */
  next(options: {
    readonly since: number
    readonly withinMs: number
    readonly signal?: AbortSignal | undefined
  }): Promise<void>
}

export const createBell = (): Bell => {
  const listeners = new Set<() => void>()
  let strokes = 0
  return {
    strokes: () => strokes,
    ring() {
      strokes++
      for (const wake of listeners) wake()
    },
    next: ({ since, withinMs, signal }) =>
      new Promise((resolve) => {
        if (strokes !== since || signal?.aborted) return resolve()
        const done = () => {
          clearTimeout(timer)
          signal?.removeEventListener('abort', done)
          listeners.delete(done)
          resolve()
        }
        const timer = setTimeout(done, Math.min(withinMs, longestTimerMs))
        signal?.addEventListener('abort', done, { once: true })
        listeners.add(done)
      }),
  }
}

const longestTimerMs = 2 ** 31 - 1
