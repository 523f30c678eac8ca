/** Events on their way out: each waits its time, then has three attempts, a bounded number of events at once. */
import type { Outlet, PushAnswer } from './push-outlet.ts'
import type { PushRequest } from './push-request.ts'

/** One event to one account. */
export interface Push {
  /** Whether it may go out now; otherwise the account has dealt with it. */
  begin(): boolean
  /** A new one for every attempt. */
  request(): PushRequest
  timeoutMs(): number
  answered(answer: PushAnswer, attempt: number): void
  /** It was taken, or after the last attempt it was not. */
  ended(taken: boolean): void
}

export interface PushQueue {
  /**
   * Puts an event on its way after so many real milliseconds. Resolves once its first attempt is over, or will
   * never be; false: the queue is full and the event is gone.
   */
  add(push: Push, delayMs: number): Promise<boolean>
  /** How many are on their way. */
  waiting(): number
  /** Forgets those that have not begun. */
  clear(): void
}

const attempts = 3
const mostWaiting = 100_000

interface Job {
  readonly push: Push
  readonly begun: () => void
  timer?: NodeJS.Timeout
}

export const createPushQueue = (outlet: Outlet, concurrency: number): PushQueue => {
  const all = new Set<Job>()
  /** Whose time has come, in order. */
  const ready = new Set<Job>()
  let running = 0

  const drain = (): void => {
    for (const job of ready) {
      if (running >= concurrency) return
      ready.delete(job)
      if (job.push.begin()) void run(job)
      else forget(job)
    }
  }

  const run = async (job: Job): Promise<void> => {
    running++
    const taken = await attempt(job)
    running--
    forget(job)
    job.push.ended(taken)
    drain()
  }

  /** The next attempt follows at once (D: the connection is dropped and the request comes again). */
  const attempt = async ({ push, begun }: Job): Promise<boolean> => {
    for (let number = 1; number <= attempts; number++) {
      const answer = await outlet.post(push.request(), push.timeoutMs())
      push.answered(answer, number)
      begun()
      if (answer === 'taken') return true
    }
    return false
  }

  const forget = (job: Job): void => {
    clearTimeout(job.timer)
    all.delete(job)
    ready.delete(job)
    job.begun()
  }

  const due = (job: Job): void => {
    ready.add(job)
    drain()
  }

  return {
    add: (push, delayMs) => {
      if (all.size >= mostWaiting) return Promise.resolve(false)
      const { promise, resolve } = Promise.withResolvers<boolean>()
      const job: Job = { push, begun: () => resolve(true) }
      all.add(job)
      if (delayMs > 0) job.timer = setTimeout(due, delayMs, job)
      else due(job)
      return promise
    },
    waiting: () => all.size,
    clear: () => {
      for (const job of all) if (job.timer !== undefined || ready.has(job)) forget(job)
    },
  }
}
