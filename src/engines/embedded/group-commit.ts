import { Worker } from 'node:worker_threads'
import type { Store } from './store.ts'
import type { Answer, Operation, Result } from './thread.ts'
import type { createUpkeep } from './upkeep.ts'

type Work = Store & ReturnType<typeof createUpkeep>

/** The storage can no longer be trusted or reached; what was asked of it is in doubt. */
export class StorageFailed extends Error {
  readonly full: boolean
  constructor(message: string) {
    super(`The embedded store failed: ${message}`)
    this.name = 'StorageFailed'
    this.full = /database or disk is full/.test(message)
  }
}

/**
 * The way to the storage thread. What is asked while a commit runs waits and goes together in the next
 * one, so the disk is synced once for many, and a slow disk never blocks this thread.
 */
export interface GroupCommit {
  run<Name extends keyof Work>(
    name: Name,
    argument: Parameters<Work[Name]>[0],
  ): Promise<ReturnType<Work[Name]>>
  /** How many operations wait for their commit. */
  pending(): number
  close(): Promise<void>
}

/** Batches on their way at once: one that is committed and one that is ready to follow it. */
const maxInFlight = 2
/** Bounds the time of one transaction, and with it the wait of what comes after. */
const maxBatch = 500

type Waiting = { resolve(value: never): void; reject(error: Error): void }

export const openGroupCommit = async (
  file: string,
  onFailure: (error: StorageFailed) => void,
): Promise<GroupCommit> => {
  const thread = new Worker(new URL('./thread.ts', import.meta.url), { workerData: { file } })
  let waiting: { operation: Operation; caller: Waiting }[] = []
  const inFlight: Waiting[][] = []
  let scheduled = false
  let failed: StorageFailed | undefined
  let closing = false

  const send = () => {
    scheduled = false
    if (failed || inFlight.length >= maxInFlight || waiting.length === 0) return
    const batch = waiting.slice(0, maxBatch)
    waiting = waiting.slice(maxBatch)
    inFlight.push(batch.map(({ caller }) => caller))
    thread.postMessage(batch.map(({ operation }) => operation))
  }

  const schedule = () => {
    if (scheduled || inFlight.length >= maxInFlight) return
    scheduled = true
    setImmediate(send)
  }

  const fail = (message: string) => {
    if (failed) return
    failed = new StorageFailed(message)
    const callers = [...inFlight.flat(), ...waiting.map(({ caller }) => caller)]
    inFlight.length = 0
    waiting = []
    for (const { reject } of callers) reject(failed)
    if (!closing) onFailure(failed)
  }

  const answer = (results: readonly Result[]) => {
    const callers = inFlight.shift()!
    for (const [index, result] of results.entries()) {
      const { resolve, reject } = callers[index]!
      if ('value' in result) resolve(result.value as never)
      else reject(new StorageFailed(result.error))
    }
    if (waiting.length > 0) schedule()
  }

  const ended = new Promise<void>((resolve) => thread.once('exit', () => resolve()))
  await new Promise<void>((resolve, reject) => {
    thread.once('message', () => resolve())
    thread.once('error', reject)
  })
  thread.on('message', (message: Answer) =>
    'fatal' in message ? fail(message.fatal) : answer(message.results),
  )
  thread.on('error', (error) => fail(String(error)))
  thread.on('exit', () => fail('its thread has ended'))

  const run: GroupCommit['run'] = (name, argument) =>
    new Promise((resolve, reject) => {
      if (failed || closing) return reject(failed ?? new StorageFailed('it is closed'))
      waiting.push({
        operation: [name, argument] as unknown as Operation,
        caller: { resolve, reject } as Waiting,
      })
      schedule()
    })

  const end = async () => {
    const idle = waiting.length === 0 && inFlight.length === 0
    const last = idle ? Promise.resolve() : run('entries', 'none').catch(() => {})
    closing = true
    await last
    thread.postMessage('close')
    await ended
  }
  let closed: Promise<void> | undefined

  return {
    run,
    pending: () => waiting.length + inFlight.reduce((sum, callers) => sum + callers.length, 0),
    close: () => {
      closed ??= end()
      return closed
    },
  }
}
