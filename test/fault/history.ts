/**
 * What the harness saw, as it happened, one line each. It is written down outside the process under test, so a
 * kill takes nothing of it away.
 */

import type { Kind } from './cast.ts'

/** `ok`: answered. `fail`: certainly did not happen. `info`: may or may not have happened. */
export type Status = 'ok' | 'fail' | 'info'

export interface Line {
  /** Milliseconds since 1970 UTC. */
  readonly t: number
  /** Who did it: a client, or the harness itself. */
  readonly actor: string
  readonly op: 'accept' | 'spawn' | 'ready' | 'kill' | 'read'
  /** The caller's own key of the message; empty where there is none. */
  readonly key: string
  readonly status: Status
  readonly detail: Detail
}

export interface Detail {
  /** The id that the service gave the message. */
  readonly id?: string
  /** The state that the service told of. */
  readonly state?: string
  readonly duplicate?: boolean
  readonly error?: string
  /** Who was killed, or is ready: what it is, its name, and how many were killed at once. */
  readonly victim?: Kind
  readonly name?: string
  readonly together?: number
}

export interface History {
  add(line: Omit<Line, 't' | 'detail'> & { readonly detail?: Detail }): void
  readonly lines: readonly Line[]
}

export const createHistory = (now: () => number = Date.now): History => {
  const lines: Line[] = []
  return { lines, add: (line) => void lines.push({ t: now(), detail: {}, ...line }) }
}
