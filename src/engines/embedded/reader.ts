/** The reading thread: searches that may take a while, on a connection of their own, beside the writer. */
import { parentPort, workerData } from 'node:worker_threads'
import type { LedgerQuery } from '../../ledger.ts'
import { openReader } from './schema.ts'
import { countStates, searchMessages } from './search.ts'

export type Question =
  | { readonly kind: 'search'; readonly query: LedgerQuery & { readonly beforeSeq?: number } }
  | { readonly kind: 'counts'; readonly tenant: string }

export type Reply = { readonly id: number } & ({ readonly value: unknown } | { readonly error: string })

if (parentPort) answerFrom(parentPort, (workerData as { file: string }).file)

function answerFrom(port: NonNullable<typeof parentPort>, file: string): void {
  const db = openReader(file)
  port.on('message', ({ id, question }: { id: number; question: Question }) => {
    try {
      const value =
        question.kind === 'search' ? searchMessages(db, question.query) : countStates(db, question.tenant)
      port.postMessage({ id, value } satisfies Reply)
    } catch (error) {
      port.postMessage({ id, error: String(error) } satisfies Reply)
    }
  })
}
