/**
 * The storage thread. It alone writes to the file, one transaction for each batch that arrives (group
 * commit), and answers a batch only after its commit has been synced to the disk.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { openWriter } from './schema.ts'
import { createStore, type Store } from './store.ts'
import { createUpkeep } from './upkeep.ts'

type Upkeep = ReturnType<typeof createUpkeep>
type Work = Store & Upkeep

/** One thing to do in a transaction: the name of a transition and its argument. */
export type Operation = { [Name in keyof Work]: readonly [Name, Parameters<Work[Name]>[0]] }[keyof Work]

/** What an operation came to. */
export type Result = { readonly value: unknown } | { readonly error: string }

export type Answer = { readonly results: readonly Result[] } | { readonly fatal: string }

if (parentPort) serve(parentPort, (workerData as { file: string }).file)

function serve(port: NonNullable<typeof parentPort>, file: string): void {
  const db = openWriter(file)
  const store = createStore(db)
  const work: Work = { ...store, ...createUpkeep(db, () => store.straysForgotten(null)) }

  const perform = ([name, argument]: Operation): unknown =>
    (work[name] as (argument: unknown) => unknown)(argument)

  const transaction = (operations: readonly Operation[]): readonly Result[] => {
    db.exec('BEGIN IMMEDIATE')
    try {
      const results = operations.map((operation) => ({ value: perform(operation) }))
      db.exec('COMMIT')
      return results
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK')
      work.rolledBack(null)
      throw error
    }
  }

  /** A batch in which something throws is done again one by one, so that only the culprit fails. */
  const batch = (operations: readonly Operation[]): readonly Result[] => {
    try {
      return transaction(operations)
    } catch (error) {
      if (isStorageFailure(error)) throw error
      if (operations.length === 1) return [{ error: String(error) }]
      return operations.flatMap((operation) => batch([operation]))
    }
  }

  const close = () => {
    if (!failed) db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    db.close()
    port.close()
  }

  // After a failed write nobody knows what the file holds until it is opened again, so nothing more is done to it.
  let failed = false
  port.on('message', (operations: readonly Operation[] | 'close') => {
    if (operations === 'close') return close()
    if (failed) return
    try {
      port.postMessage({ results: batch(operations) } satisfies Answer)
    } catch (error) {
      failed = true
      port.postMessage({ fatal: String(error) } satisfies Answer)
    }
  })
  port.postMessage({ results: [] } satisfies Answer)
}

/** SQLite's primary result codes for a disk that failed or a file that is damaged. A full disk (13) only refuses. */
const storageFailures = new Set([10, 11, 26])

function isStorageFailure(error: unknown): boolean {
  const code = (error as { errcode?: number }).errcode
  return code !== undefined && storageFailures.has(code & 0xff)
}
