/**
 * The truth: what users really saw, after WeChat's own dedupe. Whether a message was lost or seen
 * twice is decided by comparing with this list.
 */

import { createRing } from './ring.ts'
import { matches, type Selection } from './selection.ts'

export interface Effect {
  readonly appid: string
  readonly touser: string
  readonly template_id: string
  readonly client_msg_id: string | null
  /** Text, because the number does not fit into a JavaScript number. */
  readonly msgid: string
  /** As it was sent; `null` where bodies are not kept. */
  readonly data: unknown
  /** Milliseconds since 1970, simulated. */
  readonly at: number
  /** Of the API that accepted it. */
  readonly path: string
  /** What the receipt says of it, if that is not `success`. */
  readonly receipt?: string
  /** Of the call's X-Tags header. */
  readonly tags?: readonly string[]
}

export interface Effects {
  record(effect: Effect): void
  /** All that match, as far as they are still kept, oldest first. */
  select(selection: Selection): Effect[]
  /** How many there ever were. */
  total(): number
  /** Resolves with the matching effects once there are `count`, or with `undefined` when `signal` aborts first. */
  wait(selection: Selection, count: number, signal: AbortSignal): Promise<Effect[] | undefined>
  clear(): void
}

interface Waiter {
  readonly selection: Selection
  missing: number
  readonly ready: () => void
}

export const createEffects = ({ capacity }: { readonly capacity: number }): Effects => {
  const kept = createRing<Effect>(capacity)
  const waiters = new Set<Waiter>()

  const select = (selection: Selection): Effect[] => {
    const found: Effect[] = []
    for (const effect of kept.items()) if (matches(effect, selection)) found.push(effect)
    return found
  }

  return {
    record: (effect) => {
      kept.push(effect)
      for (const waiter of waiters)
        if (matches(effect, waiter.selection) && --waiter.missing <= 0) waiter.ready()
    },
    select,
    total: kept.total,
    wait: async (selection, count, signal) => {
      const missing = count - select(selection).length
      if (missing > 0 && !(await arrival({ waiters, selection, missing, signal }))) return undefined
      return select(selection)
    },
    clear: kept.clear,
  }
}

interface Arrival {
  readonly waiters: Set<Waiter>
  readonly selection: Selection
  readonly missing: number
  readonly signal: AbortSignal
}

/** Whether the missing effects came before `signal` aborted. */
const arrival = ({ waiters, selection, missing, signal }: Arrival): Promise<boolean> =>
  new Promise((resolve) => {
    const end = (arrived: boolean) => () => {
      waiters.delete(waiter)
      signal.removeEventListener('abort', gaveUp)
      resolve(arrived)
    }
    const gaveUp = end(false)
    const waiter: Waiter = { selection, missing, ready: end(true) }
    if (signal.aborted) return resolve(false)
    waiters.add(waiter)
    signal.addEventListener('abort', gaveUp)
  })
