import { setTimeout as pause } from 'node:timers/promises'

/**
 * Asks again and again until `condition` holds, for what tells nobody when it happens (another process, a
 * file). Bounded: fails at the deadline. Where there is an event or a promise, wait for that instead.
 */
export const until = async (
  condition: () => boolean | Promise<boolean>,
  deadlineMs: number,
): Promise<void> => {
  const deadline = performance.now() + deadlineMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`Still not so after ${deadlineMs} ms: ${condition}`)
    await pause(10)
  }
}

/** How long anything may take that should happen at once, on the slowest machine we care about. */
const soonMs = 3000

/** What `promise` comes to, which should be at once: fails with `what` if it takes seconds. */
export const soon = async <T>(promise: Promise<T>, what: string): Promise<T> => {
  const giveUp = new AbortController()
  const late = pause(soonMs, undefined, { signal: giveUp.signal }).then(() => {
    throw new Error(`Not within ${soonMs} ms: ${what}`)
  })
  late.catch(() => {})
  try {
    return await Promise.race([promise, late])
  } finally {
    giveUp.abort()
  }
}
