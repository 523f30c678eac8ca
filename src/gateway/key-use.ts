import type { Clock } from '../clock.ts'

/** Keys remembered at once; beyond that the one that was first used longest ago is forgotten. */
const maxKeys = 100_000
const minuteMs = 60_000

/** When each key was last used, to the minute, since this process started. Kept in memory: no request writes for it. */
export const createKeyUse = (clock: Clock) => {
  const minutes = new Map<string, number>()
  return {
    note(keyId: string): void {
      if (minutes.size >= maxKeys && !minutes.has(keyId)) minutes.delete(minutes.keys().next().value!)
      minutes.set(keyId, Math.floor(clock.now() / minuteMs))
    },
    /** Milliseconds since 1970 UTC. */
    lastUsed(keyId: string): number | undefined {
      const minute = minutes.get(keyId)
      return minute === undefined ? undefined : minute * minuteMs
    },
    forget(keyId: string): void {
      minutes.delete(keyId)
    },
  }
}

export type KeyUse = ReturnType<typeof createKeyUse>
