import { isFinal, type MessageId, type State } from '../message.ts'
import type { Observer } from '../observe.ts'

/** Callers that wait at once; more are answered without waiting. */
const maxWaiters = 10_000

/** For `Prefer: wait`: callers that would rather hear the end of the story than its beginning. */
export const createWaiters = (observer: Observer) => {
  const waiters = new Map<MessageId, () => void>()

  observer.subscribe((observation) => {
    if (waiters.size === 0) return
    if (observation.kind === 'settled' && endsIn(observation.settlement.kind))
      waiters.get(observation.delivery.message.id)?.()
    else if (observation.kind === 'cancelled' || observation.kind === 'sharpened')
      waiters.get(observation.id)?.()
  })

  return {
    /** Begin before publishing, or the end may come first. `within` answers whether it came in time. */
    expect(id: MessageId): { within(ms: number): Promise<boolean>; forget(): void } {
      if (waiters.size >= maxWaiters) return { within: async () => false, forget: () => {} }
      const { promise, resolve } = Promise.withResolvers<boolean>()
      waiters.set(id, () => resolve(true))
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

const endsIn = (kind: string): boolean => isFinal(kind as State)

const maxWaitSeconds = 60

/** The seconds of `Prefer: wait=5`, bounded; nothing when it is not asked for. */
export const preferredWaitMs = (prefer: string | string[] | undefined): number | undefined => {
  const match = /(?:^|[,;]\s*)wait\s*=\s*"?(\d{1,4})/i.exec([prefer].flat().join(', '))
  return match ? Math.min(Number(match[1]), maxWaitSeconds) * 1000 : undefined
}
