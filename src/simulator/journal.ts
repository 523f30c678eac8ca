/**
 * What the simulated WeChat must not forget when its process dies: one JSON object a line, written
 * before the HTTP answer leaves. A write without fsync survives `kill -9`, not a power cut.
 *
 * The file grows until a reset. Only its last line can be torn, and is then dropped.
 */
import { closeSync, ftruncateSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { ClockState } from './clock.ts'
import type { AuthorizedChange } from './components.ts'
import type { Effect } from './effects.ts'
import type { Held, Permission } from './grants.ts'
import type { SimulatedTemplate } from './template.ts'
import type { IssuedToken } from './tokens.ts'

export type JournalRecord =
  /** `used`: the permission that the message took. `guarded`: its client_msg_id keeps repeats out. */
  | {
      readonly kind: 'effect'
      readonly effect: Effect
      readonly used?: Permission
      readonly guarded?: boolean
    }
  | { readonly kind: 'grant'; readonly held: Held }
  | { readonly kind: 'template'; readonly appid: string; readonly template: SimulatedTemplate }
  | { readonly kind: 'template-gone'; readonly appid: string; readonly templateId: string }
  | { readonly kind: 'authorized'; readonly change: AuthorizedChange }
  /** The messages were deleted. */
  | { readonly kind: 'forgotten' }
  | { readonly kind: 'token'; readonly token: IssuedToken }
  | { readonly kind: 'clock'; readonly clock: ClockState }
  | { readonly kind: 'msgid'; readonly last: string }

export interface Journal {
  /** Returns once the operating system has the record. */
  append(record: JournalRecord): void
  clear(): void
  close(): void
}

/** For a truth that lives and dies with the process. */
export const noJournal: Journal = { append: () => {}, clear: () => {}, close: () => {} }

/** Opens the journal in this folder, handing over what it already holds, oldest first. */
export const openJournal = (home: string, replay: (record: JournalRecord) => void): Journal => {
  mkdirSync(home, { recursive: true })
  const path = join(home, 'truth.ndjson')
  const file = openSync(path, 'a+')
  let size = 0
  try {
    let line = 0
    size = readLines(file, (text) => replay(parseRecord(text, `${path}:${++line}`)))
    ftruncateSync(file, size)
  } catch (cause) {
    closeSync(file)
    throw cause
  }
  return {
    append: (record) => {
      const bytes = Buffer.from(`${JSON.stringify(record)}\n`)
      try {
        for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written)
      } catch (cause) {
        // Half a line in the middle would spoil the file for the next start.
        ftruncateSync(file, size)
        throw new Error(`cannot write ${path}`, { cause })
      }
      size += bytes.length
    },
    clear: () => {
      ftruncateSync(file, 0)
      size = 0
    },
    close: () => closeSync(file),
  }
}

/** Every line is our own, so its shape is known; what cannot be parsed at all is damage. */
const parseRecord = (text: string, where: string): JournalRecord => {
  try {
    return JSON.parse(text) as JournalRecord
  } catch (cause) {
    throw new Error(`${where} is damaged; move the file away to start with an empty truth`, { cause })
  }
}

/** Calls `onLine` for each whole line and answers how many bytes they take up. */
const readLines = (file: number, onLine: (text: string) => void): number => {
  const chunk = Buffer.allocUnsafe(1 << 20)
  let rest: Buffer = Buffer.alloc(0)
  let position = 0
  for (;;) {
    const count = readSync(file, chunk, 0, chunk.length, position)
    if (count === 0) return position - rest.length
    position += count
    const bytes = Buffer.concat([rest, chunk.subarray(0, count)])
    const end = bytes.lastIndexOf(10)
    if (end >= 0) for (const text of bytes.toString('utf8', 0, end).split('\n')) onLine(text)
    rest = bytes.subarray(end + 1)
  }
}
