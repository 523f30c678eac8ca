import type { Clock } from '../clock.ts'
import { Problem } from './problems.ts'

const windowMs = 60_000
const maxFailures = 1000
/** Addresses remembered at once; beyond that the oldest is forgotten. */
const maxAddresses = 10_000

export interface FailureLimit {
  /** Throws a `Problem` while the address is held off. */
  check(address: string): void
  count(address: string): void
}

/**
 * Holds off an address that has sent too many wrong signatures or secrets. The address, never the key: a limit on the
 * key would let a stranger lock its owner out.
 */
export const createFailureLimit = (clock: Clock): FailureLimit => {
  const failures = new Map<string, { count: number; until: number }>()

  return {
    check(address) {
      const entry = failures.get(address)
      if (!entry || entry.count < maxFailures) return
      const restMs = entry.until - clock.now()
      if (restMs > 0) throw new Problem('rate-limited', { retryAfterSeconds: Math.ceil(restMs / 1000) })
      failures.delete(address)
    },
    count(address) {
      const now = clock.now()
      const entry = failures.get(address)
      if (entry && entry.until > now) {
        entry.count++
        return
      }
      failures.delete(address)
      if (failures.size >= maxAddresses) failures.delete(failures.keys().next().value!)
      failures.set(address, { count: 1, until: now + windowMs })
    },
  }
}
