import { setTimeout as pause } from 'node:timers/promises'
import type { HistoryEvent } from '../../src/history.ts'
import type { HistoryBatch, HistorySource } from '../../src/recorder.ts'

/** Events in memory, as an engine would keep them: what has been taken is still there until it is acknowledged. */
export const memorySource = (events: readonly HistoryEvent[]) => {
  let waiting = events
  let acknowledged = 0
  const nextBatch = (max: number): HistoryBatch => {
    const batch = waiting.slice(0, max)
    return {
      events: batch,
      more: waiting.length > batch.length,
      async acknowledge() {
        waiting = waiting.slice(batch.length)
        acknowledged++
      },
    }
  }
  const source: HistorySource & {
    rest(): number
    acknowledged(): number
    add(more: readonly HistoryEvent[]): void
  } = {
    rest: () => waiting.length,
    acknowledged: () => acknowledged,
    add(more) {
      waiting = [...waiting, ...more]
    },
    isComplete: () => true,
    release: async () => {},
    next: async (max) => (waiting.length === 0 ? undefined : nextBatch(max)),
    async take({ max, signal }) {
      if (waiting.length === 0) {
        await pause(5, undefined, { signal }).catch(() => {})
        return undefined
      }
      return nextBatch(max)
    },
  }
  return source
}
