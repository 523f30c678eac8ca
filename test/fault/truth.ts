/** What the service says of every message at the end, and waiting until there is an end. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Channel, State } from '../../src/message.ts'
import { until } from '../support/waiting.ts'
import type { Caller } from './caller.ts'
import { type FinalRecord, isAtRest, type TimelineEvent } from './checker.ts'

interface Summary {
  readonly id: string
  readonly client_msg_id: string | null
  readonly channel: Channel
  readonly touser: string
  readonly state: State
  readonly reason: string | null
}

interface Page {
  readonly data: readonly Summary[]
  readonly next_cursor: string | null
}

const pageRows = 200
const readers = 12

/** Every record, with its timeline. Those that are not at rest are looked at again for a while. */
export const readRecords = async (
  caller: Caller,
  receiptsMayWait: boolean,
): Promise<readonly FinalRecord[]> => {
  const summaries = await readAll(caller, '')
  const records: FinalRecord[] = []
  const rest = summaries.values()
  const reader = async () => {
    for (const { id } of rest) records.push(await readAtRest(caller, id, receiptsMayWait))
  }
  await Promise.all(Array.from({ length: readers }, reader))
  return records
}

const settleLimitMs = 15_000

/** A wait for a receipt may be over just now, and the message on its way to its end. */
const readAtRest = async (caller: Caller, id: string, receiptsMayWait: boolean): Promise<FinalRecord> => {
  const deadline = performance.now() + settleLimitMs
  while (true) {
    const record = await readRecord(caller, id)
    if (isAtRest(record, receiptsMayWait) || performance.now() > deadline) return record
    await pause(50)
  }
}

const readRecord = async (caller: Caller, id: string): Promise<FinalRecord> => {
  const view = (await caller.read(`/v1/messages/${id}`)) as unknown as Summary & {
    readonly timeline: readonly { readonly at: string; readonly event: string }[]
  }
  const timeline = view.timeline.map(({ at, event }): TimelineEvent => ({ at: Date.parse(at), event }))
  const { client_msg_id, channel, state, reason } = view
  return { id, key: client_msg_id ?? '', channel, state, reason, timeline }
}

/** What the list of messages shows, all of it. */
export const readAll = async (caller: Caller, filter: string): Promise<readonly Summary[]> => {
  const rows: Summary[] = []
  for await (const page of pagesOf(caller, filter)) rows.push(...page)
  return rows
}

const pagesOf = async function* (caller: Caller, filter: string): AsyncGenerator<readonly Summary[]> {
  let cursor = ''
  do {
    const page = (await caller.read(`/v1/messages?limit=${pageRows}${filter}${cursor}`)) as unknown as Page
    yield page.data
    cursor = page.next_cursor === null ? '' : `&cursor=${encodeURIComponent(page.next_cursor)}`
  } while (cursor !== '')
}

export interface QuietOptions {
  readonly limitMs: number
  /** Whether a message that waits for its receipt is quiet enough. */
  readonly receiptsMayWait: boolean
}

/** Resolves when every message is at rest. Rejects, and names some that are not, when that takes longer than `limitMs`. */
export const untilQuiet = async (
  caller: Caller,
  { limitMs, receiptsMayWait }: QuietOptions,
): Promise<void> => {
  let restless: readonly Summary[] = []
  try {
    await until(async () => {
      restless = await someRestless(caller, receiptsMayWait)
      return restless.length === 0
    }, limitMs)
  } catch (cause) {
    throw new Error(`Not at rest after ${limitMs} ms: ${JSON.stringify(restless.slice(0, 3))}`, { cause })
  }
}

/**
 * All pages are looked at: a search for a state may end before it has found one, and whatever waits longest stands on
 * the last of them.
 */
const someRestless = async (caller: Caller, receiptsMayWait: boolean): Promise<readonly Summary[]> => {
  for await (const page of pagesOf(caller, '')) {
    const restless = page.filter((summary) => !isAtRest(summary, receiptsMayWait))
    if (restless.length > 0) return restless
  }
  return []
}
