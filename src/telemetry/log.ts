import { type Logger, pino } from 'pino'
import type { Observe } from '../observe.ts'

export type Log = Logger

/** One JSON object a line, on standard error: standard output is for data. */
export const createLog = (level: string): Log =>
  pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 2, sync: true }),
  )

/** How long the same alert of the same account is not written again. */
const quietMs = 60_000
/** Alerts remembered at once. */
const maxKinds = 1000

/** Writes what somebody should see. Messages that go well are not logged: their records tell. */
export const logObservations = (log: Logger): Observe => {
  const lastAt = new Map<string, number>()

  const isNews = (name: string): boolean => {
    const now = performance.now()
    if (now - (lastAt.get(name) ?? Number.NEGATIVE_INFINITY) < quietMs) return false
    if (lastAt.size >= maxKinds) lastAt.clear()
    lastAt.set(name, now)
    return true
  }

  return (observation) => {
    if (observation.kind === 'alert') {
      const { code, account, detail } = observation
      if (isNews(`${code} ${account ?? ''}`)) log.warn({ code, account }, detail)
    } else if (observation.kind === 'audit') {
      const { kind: _, ...rest } = observation
      log.info(rest, 'audit')
    } else if (observation.kind === 'token') {
      const { kind: _, ...rest } = observation
      log.debug(rest, 'token')
    } else if (observation.kind === 'settled' && observation.result === 'expired') {
      log.warn(
        { id: observation.delivery.message.id },
        'A settlement came after its lease had gone to another',
      )
    }
  }
}
