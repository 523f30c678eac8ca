/**
 * The embedded engine: one process, one folder, no server. SQLite in a thread of its own keeps queue and
 * records in one file; every answer waits for a synced commit, which many share.
 *
 * Label: survives the crash of the process and of the machine; does not survive the loss of the disk.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../../clock.ts'
import type { Coordination } from '../../coordination.ts'
import type { DirectoryRecords } from '../../directory.ts'
import type { EndedAmong, Ledger } from '../../ledger.ts'
import type { Sharing } from '../../node-registry.ts'
import type { Queue } from '../../queue.ts'
import type { Recipients } from '../../recipients.ts'
import { openGroupCommit, type StorageFailed } from './group-commit.ts'
import { createEmbeddedLedger } from './ledger.ts'
import { lockFolder } from './lock.ts'
import { createLoneNode } from './lone-node.ts'
import { assertNotMoved } from './mark.ts'
import { createNonces } from './nonces.ts'
import { createEmbeddedRecipients } from './people.ts'
import { createEmbeddedQueue } from './queue.ts'

export { StorageFailed } from './group-commit.ts'
export { FolderInUse } from './lock.ts'
export { FolderMoved } from './mark.ts'

export interface EmbeddedOptions {
  /** Made if it is not there. */
  readonly folder: string
  readonly clock: Clock
  readonly leaseMs: number
  /** How long a message is kept after it became final. */
  readonly retentionMs: number
  /** The file could not be written: what is not answered is in doubt, and only a new start can tell what is there. */
  readonly onFailure: (error: StorageFailed) => void
}

export interface Engine {
  readonly queue: Queue
  readonly ledger: Ledger
  readonly recipients: Recipients
  readonly coordination: Coordination
  readonly directoryRecords: DirectoryRecords
  /** Absent where all that ends messages is in this process, and observed there. */
  readonly endedAmong?: EndedAmong
  readonly sharing: Sharing
  /** Operations that wait for the disk: a measure of how far it is behind. */
  pending(): number
  /** Why nothing can be accepted now, if so. */
  fault?(): string | undefined
  close(): Promise<void>
}

/** Every so often, and every second while more is past its time than one sweep takes away. */
const sweepEveryMs = 1000
const sweepsToSkip = 9
const sweepRows = 2000
/** Idempotency keys go with their messages, so messages stay this much longer than promised. */
const keyGraceMs = 24 * 3_600_000

/** Throws `FolderInUse` when another process has the folder, which it makes if it is not there. */
export const assertFolderFree = (folder: string): void => {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  lockFolder(folder).release()
}

/** Throws `FolderInUse` when another process has the folder, and `FolderMoved` when it has been migrated. */
export const openEmbedded = async (options: EmbeddedOptions): Promise<Engine> => {
  const { folder, clock, leaseMs, retentionMs, onFailure } = options
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const lock = lockFolder(folder)
  const file = join(folder, 'hongyan.db')
  const openStore = async () => {
    assertNotMoved(folder)
    return openGroupCommit(file, onFailure)
  }
  const store = await openStore().catch((error) => {
    lock.release()
    throw error
  })
  const nonces = await store.run('start', clock.now())

  let toSkip = sweepsToSkip
  const sweep = () => {
    if (toSkip-- > 0) return
    toSkip = sweepsToSkip
    const now = clock.now()
    store.run('sweep', { now, before: now - retentionMs - keyGraceMs, max: sweepRows }).then(
      (more) => {
        if (more) toSkip = 0
      },
      () => {},
    )
  }
  const sweeping = setInterval(sweep, sweepEveryMs).unref()

  const ledger = createEmbeddedLedger(file, store)
  const queue = createEmbeddedQueue({ store, clock, leaseMs })
  return {
    queue,
    ledger,
    recipients: createEmbeddedRecipients({ store, clock, wake: queue.wake }),
    coordination: createNonces({ store, clock, known: nonces }),
    directoryRecords: {
      list: async (kind) => (await store.run('entries', kind)).map(({ value }) => value),
      put: (kind, id, value) => store.run('put', { kind, id, value }),
      remove: (kind, id) => store.run('remove', { kind, id }),
    },
    sharing: createLoneNode(queue),
    pending: store.pending,
    async close() {
      clearInterval(sweeping)
      await ledger.close()
      await store.close()
      lock.release()
    },
  }
}
