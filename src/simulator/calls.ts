/** Every HTTP call that reached the simulated WeChat, whatever became of it. */

import { createRing } from './ring.ts'
import { matches, type Selection } from './selection.ts'

export interface CallRow {
  readonly appid: string | null
  readonly touser: string | null
  readonly template_id: string | null
  readonly client_msg_id: string | null
  /** Of the message that this call led to, if it was accepted. */
  readonly msgid: string | null
  readonly data: unknown
  /** Milliseconds since 1970, simulated. */
  readonly at: number
  readonly path: string
  /** What the answer said; `null` if no such answer was given. */
  readonly errcode: number | null
  /** The fault that was played, such as `hang:after`, or `null`. */
  readonly fault: string | null
  /** Of the call's X-Tags header. */
  readonly tags?: readonly string[]
}

export interface Calls {
  record(row: CallRow): void
  /** All that match among those still kept, oldest first. */
  select(selection: Selection): CallRow[]
  /** How many there ever were. */
  total(): number
  clear(): void
}

/** The last 200,000 calls are kept, or none where they are only counted. */
const callsKept = 200_000

export const createCalls = ({ keepsRows }: { readonly keepsRows: boolean }): Calls => {
  const kept = createRing<CallRow>(keepsRows ? callsKept : 0)
  return {
    record: kept.push,
    select: (selection) => {
      const found: CallRow[] = []
      for (const row of kept.items()) if (matches(row, selection)) found.push(row)
      return found
    },
    total: kept.total,
    clear: kept.clear,
  }
}
