import type { Bilingual } from './errcodes.ts'

/** One thing that was looked at when an account was checked, and what was found. */
export interface AccountFinding {
  /** Its token; the permission to send and its quota; the way of WeChat's events to us; other systems in its way. */
  readonly check: 'account' | 'token' | 'quota' | 'callback' | 'rival'
  /** `skipped`: it could not be looked at. */
  readonly level: 'ok' | 'warning' | 'fault' | 'skipped'
  /** WeChat's, where the finding is one. */
  readonly errcode?: number
  readonly about: Bilingual
  /** What to do about it; nothing when there is nothing to do. */
  readonly next?: Bilingual
}
