import { Worker } from 'node:worker_threads'
import type { Ledger, LedgerPage, LedgerQuery } from '../../ledger.ts'
import type { State } from '../../message.ts'
import type { GroupCommit } from './group-commit.ts'
import type { Question, Reply } from './reader.ts'
import { recordOf } from './rows.ts'
import type { FoundRows } from './search.ts'

/** A reading thread costs memory, so it is started by the first search and let go after a quiet time. */
const idleMs = 30_000
/** There are more searches than can be answered soon. */
export class StorageBusy extends Error {
  constructor() {
    super('Too many searches are waiting')
    this.name = 'StorageBusy'
  }
}

/** Searches that wait for the reading thread; more are refused. */
const maxWaiting = 100

export const createEmbeddedLedger = (
  file: string,
  store: GroupCommit,
): Ledger & { close(): Promise<void> } => {
  const reader = createReader(file)
  return {
    async find({ tenant, id }) {
      const row = await store.run('find', { tenant, id })
      return row && recordOf(row)
    },
    async search(query): Promise<LedgerPage> {
      const { cursor, ...rest } = query
      const beforeSeq = cursor === undefined ? undefined : parseCursor(cursor)
      const asked: LedgerQuery & { beforeSeq?: number } = {
        ...rest,
        ...(beforeSeq !== undefined && { beforeSeq }),
      }
      const { rows, nextSeq } = (await reader.ask({ kind: 'search', query: asked })) as FoundRows
      const records = rows.map(recordOf)
      return nextSeq === null ? { records } : { records, nextCursor: cursorOf(nextSeq) }
    },
    async counts(tenant) {
      return (await reader.ask({ kind: 'counts', tenant })) as Readonly<Record<State, number>>
    },
    close: () => reader.close(),
  }
}

/** A cursor is opaque to callers; a text that is none is as good as the beginning of time. */
const cursorOf = (seq: number): string => Buffer.from(`s${seq}`).toString('base64url')

const parseCursor = (cursor: string): number => {
  const match = /^s(\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString())
  return match ? Number(match[1]) : 0
}

type Asker = { resolve(value: unknown): void; reject(error: Error): void }
type Reader = { readonly thread: Worker; readonly waiting: Map<number, Asker> }

const createReader = (file: string) => {
  let reader: Reader | undefined
  let idle: NodeJS.Timeout | undefined
  let lastId = 0

  const stop = async () => {
    clearTimeout(idle)
    const stopping = reader
    reader = undefined
    await stopping?.thread.terminate()
  }

  const start = (): Reader => {
    const waiting = new Map<number, Asker>()
    const started = new Worker(new URL('./reader.ts', import.meta.url), { workerData: { file } })
    started.on('message', (reply: Reply) => {
      const caller = waiting.get(reply.id)
      waiting.delete(reply.id)
      if ('error' in reply) caller?.reject(new Error(`The embedded ledger could not read: ${reply.error}`))
      else caller?.resolve(reply.value)
    })
    const lost = () => {
      for (const { reject } of waiting.values()) reject(new Error('The reading thread has ended'))
      waiting.clear()
      if (reader?.thread === started) reader = undefined
    }
    started.on('error', lost)
    started.on('exit', lost)
    started.unref()
    return { thread: started, waiting }
  }

  return {
    ask: (question: Question): Promise<unknown> =>
      new Promise((resolve, reject) => {
        reader ??= start()
        const { thread, waiting } = reader
        if (waiting.size >= maxWaiting) return reject(new StorageBusy())
        clearTimeout(idle)
        idle = setTimeout(() => waiting.size === 0 && void stop(), idleMs).unref()
        const id = ++lastId
        waiting.set(id, { resolve, reject })
        thread.postMessage({ id, question })
      }),
    close: stop,
  }
}
