/** Those who play in a run: processes that are killed and started again on the same files. */
import type { Exit } from './child-process.ts'

export type Kind = 'service' | 'gateway' | 'worker' | 'store'

export interface Actor {
  readonly kind: Kind
  readonly name: string
  spawn(): Life
  /** The life that goes on, or was the last. */
  life(): Life
}

/** One life of an actor. */
export interface Life {
  readonly spawnedAt: number
  /** Milliseconds from its start to the moment at which it did its work, once there was one. */
  readyMs(): number | undefined
  /** Whether it became ready; false if it was killed before. Rejects if it ended by itself or takes too long. */
  readonly ready: Promise<boolean>
  signal(signal: NodeJS.Signals): void
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>
  /** SIGTERM; resolves with how it ended, and how long that took. */
  stop(): Promise<Exit & { readonly ms: number }>
}
