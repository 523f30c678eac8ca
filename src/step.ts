import type { Step } from './message.ts'
import type { Delivery } from './queue.ts'
import type { Outcome, Settlement } from './settlement.ts'

/** A settlement that says what became of the message; one that is handed back leaves no step. */
export type Ruling = Exclude<Settlement, { kind: 'returned' }>

/** What a settlement adds to the timeline of its message. `at`: milliseconds since 1970 UTC. */
export const stepOf = ({ leasedAt }: Delivery, settlement: Ruling, at: number): Step => {
  const { kind: state, reason, attempts } = settlement
  return {
    at,
    state,
    ...(reason !== undefined && { reason }),
    ...(comesBack(settlement) && { until: settlement.until }),
    leasedAt,
    ...(attempts && { attempts }),
  }
}

/** Since when WeChat may have the message without our knowing, once this is settled; nothing: it does not, or we know. */
export const doubtAfter = ({ leasedAt, doubtSince }: Delivery, settlement: Ruling): number | undefined => {
  const inDoubt = comesBack(settlement) ? settlement.inDoubt : settlement.kind === 'unknown'
  return inDoubt ? (doubtSince ?? leasedAt) : doubtSince
}

/** Whether the message waits for a later time. */
export const comesBack = (settlement: Ruling): settlement is Ruling & { kind: 'retry' | 'parked' } =>
  settlement.kind === 'retry' || settlement.kind === 'parked'

/** Whether a settlement leaves its message to be worked on. */
export const goesOn = ({ kind }: Outcome): boolean =>
  kind === 'retry' || kind === 'parked' || kind === 'returned'
