import type { Account } from '../directory.ts'
import type { Held, Refusal, TokenAnswer, TokenResult } from './token.ts'

/** What the token centre knows of one account. Times are milliseconds since 1970 UTC. */
export interface Entry {
  readonly appid: string
  held: Held | undefined
  /** WeChat has rejected the held token, and nothing has spoken for it since. */
  rejected: boolean
  /** When a token was last answered. */
  askedAt: number
  /** See `TokenHistory`. */
  confirmedAt: number | undefined
  forcedAt: readonly number[]
  /** When the token turned out to have been changed by somebody else. */
  changedAt: readonly number[]
  /** Questions in a row that no answer came to. */
  failures: number
  refusal: StandingRefusal | undefined
  refreshing: Promise<TokenResult> | undefined
}

export interface StandingRefusal extends Refusal {
  readonly since: number
  readonly until: number
  readonly account: Account
}

export const newEntry = (appid: string): Entry => ({
  appid,
  held: undefined,
  rejected: false,
  askedAt: Number.NEGATIVE_INFINITY,
  confirmedAt: undefined,
  forcedAt: [],
  changedAt: [],
  failures: 0,
  refusal: undefined,
  refreshing: undefined,
})

/**
 * The refusal in the way of a new question. It falls with its time, when the clock has been set back to
 * before it, and when somebody has changed the account, whose secret may be right now.
 */
export const standing = ({ refusal }: Entry, account: Account, now: number): StandingRefusal | undefined =>
  refusal && refusal.account === account && refusal.since <= now && now < refusal.until ? refusal : undefined

export const usableToken = ({ held, rejected }: Entry, now: number): string | undefined =>
  held && !rejected && now < held.expiresAt ? held.token : undefined

export const unavailable = ({ error, errcode, until }: StandingRefusal): TokenResult =>
  errcode === undefined
    ? { kind: 'unavailable', error, until }
    : { kind: 'unavailable', error, until, errcode }

export const unknownAccount = (now: number): TokenResult => ({
  kind: 'unavailable',
  error: 'account-unknown',
  until: now + unknownAccountMs,
})

const unknownAccountMs = 60_000

export const detailOf = (answer: Exclude<TokenAnswer, { kind: 'token' }>): string =>
  answer.kind === 'refused' ? `the token API refused: ${answer.errmsg}` : 'the token API did not answer'
