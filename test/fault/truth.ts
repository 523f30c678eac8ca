/** What the service says of every message at the end, and waiting until there is an end. */
import type { State } from '../../src/message.ts'
import { until } from '../support/waiting.ts'
import type { Caller } from './caller.ts'
import type { FinalRecord, TimelineEvent } from './checker.ts'

interface Summary {
  readonly id: string
  readonly client_msg_id: string | null
  readonly state: State
  readonly reason: string | null
}

interface Page {
  readonly data: readonly Summary[]
  readonly next_cursor: string | null
}

const pageRows = 200
const readers = 12

/** Every record, with its timeline. */
export const readRecords = async (caller: Caller): Promise<readonly FinalRecord[]> => {
  const summaries = await readAll(caller, '')
  const records: FinalRecord[] = []
  const rest = summaries.values()
  const reader = async () => {
    for (const { id } of rest) records.push(await readRecord(caller, id))
  }
  await Promise.all(Array.from({ length: readers }, reader))
  return records
}

export const readRecord = async (caller: Caller, id: string): Promise<FinalRecord> => {
  const view = (await caller.read(`/v1/messages/${id}`)) as unknown as Summary & {
    readonly timeline: readonly { readonly at: string; readonly event: string }[]
  }
  const timeline = view.timeline.map(({ at, event }): TimelineEvent => ({ at: Date.parse(at), event }))
  const { client_msg_id, state, reason } = view
  return { id, key: client_msg_id ?? '', state, reason, timeline }
}

const readAll = async (caller: Caller, filter: string): Promise<readonly Summary[]> => {
  const rows: Summary[] = []
  let cursor = ''
  do {
    const page = (await caller.read(`/v1/messages?limit=${pageRows}${filter}${cursor}`)) as unknown as Page
    rows.push(...page.data)
    cursor = page.next_cursor === null ? '' : `&cursor=${encodeURIComponent(page.next_cursor)}`
  } while (cursor !== '')
  return rows
}

const underway: readonly State[] = ['scheduled', 'queued', 'leased', 'retry']

export interface QuietOptions {
  readonly limitMs: number
  /** Whether a message that waits for its receipt is quiet enough. */
  readonly receiptsMayWait: boolean
}

/** Resolves when every message is at rest. Rejects when that takes longer than `limitMs`. */
export const untilQuiet = (caller: Caller, { limitMs, receiptsMayWait }: QuietOptions): Promise<void> =>
  until(async () => {
    for (const state of underway) if (await hasAny(caller, state)) return false
    const parked = await readAll(caller, '&state=parked')
    return receiptsMayWait ? parked.every(({ reason }) => reason === 'awaiting-receipt') : parked.length === 0
  }, limitMs)

const hasAny = async (caller: Caller, state: State): Promise<boolean> => {
  const page = (await caller.read(`/v1/messages?limit=1&state=${state}`)) as unknown as Page
  return page.data.length > 0
}
