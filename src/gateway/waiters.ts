import type { EndedAmong } from '../ledger.ts'
import { isFinal, type MessageId, type State } from '../message.ts'
import type { Observer } from '../observe.ts'

/** Callers that wait at once; more are answered without waiting. */
const maxWaiters = 10_000
/** How often it is looked at messages that others may end: so many reads a second for all who wait, and none for nobody. */
const lookEveryMs = 100
/** So many messages are looked at in one read; if more are waited for, they take turns. */
const looksAtOnce = 1000

/**
 * For `Prefer: wait`: callers that would rather hear the end of the story than its beginning. What this process ends
 * itself it hears of; where others may end a message, `endedAmong` is asked as well.
 */
export const createWaiters = (observer: Observer, endedAmong?: EndedAmong) => {
  const waiters = new Map<MessageId, () => void>()

  observer.subscribe((observation) => {
    if (waiters.size === 0) return
    if (observation.kind === 'settled' && endsIn(observation.settlement.kind))
      waiters.get(observation.delivery.message.id)?.()
    else if (observation.kind === 'cancelled' || observation.kind === 'sharpened')
      waiters.get(observation.id)?.()
  })

  let looking = false
  const look = async (ask: EndedAmong): Promise<void> => {
    looking = true
    while (waiters.size > 0) {
      await pause(lookEveryMs)
      const ids = [...waiters.keys()].slice(0, looksAtOnce)
      if (waiters.size > ids.length) for (const id of ids) moveToEnd(waiters, id)
      // What cannot be read now may be readable the next time; who waits has a limit of their own.
      const ended = ids.length > 0 ? await ask(ids).catch(() => []) : []
      for (const id of ended) waiters.get(id)?.()
    }
    looking = false
  }

  return {
    /** Begin before publishing, or the end may come first. `within` answers whether it came in time. */
    expect(id: MessageId): { within(ms: number): Promise<boolean>; forget(): void } {
      if (waiters.size >= maxWaiters) return { within: async () => false, forget: () => {} }
      const { promise, resolve } = Promise.withResolvers<boolean>()
      waiters.set(id, () => resolve(true))
      if (endedAmong && !looking) void look(endedAmong)
      return {
        async within(ms) {
          const timer = setTimeout(resolve, ms, false)
          const ended = await promise
          clearTimeout(timer)
          waiters.delete(id)
          return ended
        },
        forget: () => waiters.delete(id),
      }
    },
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const moveToEnd = <Key, Value>(map: Map<Key, Value>, key: Key): void => {
  const value = map.get(key)!
  map.delete(key)
  map.set(key, value)
}

const endsIn = (kind: string): boolean => isFinal(kind as State)

const maxWaitSeconds = 60

/** The seconds of `Prefer: wait=5`, bounded; nothing when it is not asked for. */
export const preferredWaitMs = (prefer: string | string[] | undefined): number | undefined => {
  const match = /(?:^|[,;]\s*)wait\s*=\s*"?(\d{1,4})/i.exec([prefer].flat().join(', '))
  return match ? Math.min(Number(match[1]), maxWaitSeconds) * 1000 : undefined
}
