import type { Account } from '../directory.ts'
import type { Rivalry } from './rivalry.ts'
import type { Budget, Held, Refusal, TokenResult, TokenSource } from './token.ts'
import type { TokenAnswer } from './token-answer.ts'

/** What the token centre knows of one account. Times are milliseconds since 1970 UTC. */
export interface Entry {
  readonly appid: string
  held: Held | undefined
  /** WeChat has rejected the held token, and nothing has spoken for it since. */
  rejected: boolean
  /** Tokens that were held before, newest first, a few: they are never taken back. */
  former: readonly string[]
  /** When a token was last answered. */
  askedAt: number
  /** See `TokenHistory`. */
  confirmedAt: number | undefined
  fruitless: number
  budget: Budget | undefined
  forcedAt: readonly number[]
  rivalry: Rivalry | undefined
  /** Questions in a row that no answer came to. */
  failures: number
  refusal: StandingRefusal | undefined
  refreshing: Promise<TokenResult> | undefined
}

export interface StandingRefusal extends Refusal {
  readonly since: number
  readonly until: number
  readonly account: Account
  /** The platform that the account depends on. */
  readonly platform: Account | undefined
  /** What the other side said. */
  readonly detail: string
}

export const newEntry = (appid: string): Entry => ({
  appid,
  held: undefined,
  rejected: false,
  former: [],
  askedAt: Number.NEGATIVE_INFINITY,
  confirmedAt: undefined,
  fruitless: 0,
  budget: undefined,
  forcedAt: [],
  rivalry: undefined,
  failures: 0,
  refusal: undefined,
  refreshing: undefined,
})

export const formerKept = 16

/**
 * The refusal in the way of a new question. It falls with its time, when the clock has been set back to
 * before it, and when somebody has changed the account, whose secret may be right now, or the platform that
 * could not help, which may have a ticket now.
 */
export const standing = (
  { refusal }: Entry,
  { account, platform }: { readonly account: Account; readonly platform: Account | undefined },
  now: number,
): StandingRefusal | undefined => {
  if (refusal === undefined || refusal.account !== account) return undefined
  if (refusal.error === 'component-unavailable' && refusal.platform !== platform) return undefined
  return refusal.since <= now && now < refusal.until ? refusal : undefined
}

/** Why nobody asks about a rejected token, although it is rejected still. */
export const waitDetails = {
  'force-spent':
    'WeChat keeps rejecting a token that its token API stands by, and no further forced refresh is allowed yet',
  'asked-often': 'WeChat keeps rejecting the token, and asking for it more often would be of no use',
}

/**
 * A token that we have held before and replaced is older than what we hold: who still answers it is behind. While
 * ours lives it goes on being used; a rejected one is as good as answered once more.
 */
export const unlessFormer = (
  { former, held, rejected }: Entry,
  answer: TokenAnswer,
  now: number,
): TokenAnswer => {
  if (answer.kind !== 'token' || !former.includes(answer.token)) return answer
  if (!held || now >= held.expiresAt) return { kind: 'failed', error: 'stale-token' }
  return rejected || now < held.renewAt
    ? { kind: 'token', token: held.token, lifeMs: held.expiresAt - now }
    : { kind: 'failed', error: 'stale-token' }
}

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

export const detailOf = (answer: Exclude<TokenAnswer, { kind: 'token' }>, source: TokenSource): string => {
  switch (answer.kind) {
    case 'refused':
      return `${speakerOf[source]} refused: ${answer.errmsg}`
    case 'failed':
      return `${speakerOf[source]} did not answer: ${answer.detail ?? answer.error}`
    case 'lacking':
      return answer.detail ?? `there is nothing to ask for a token with: ${answer.error}`
  }
}

const speakerOf: Readonly<Record<TokenSource, string>> = {
  stable: 'the token API',
  plain: 'the token API',
  foreign: "the account's own token endpoint",
  component: 'the API for authorised accounts',
  platform: 'the API for third-party platforms',
}

/** What an alert about a refusal is called. */
export const alertCode = ({ error, errcode }: Refusal): string => {
  if (errcode !== undefined) return `token-${error}`
  return selfExplaining.has(error) ? error : 'token-unreachable'
}

const selfExplaining: ReadonlySet<string> = new Set([
  'token-rejected',
  'authorization-missing',
  'token-endpoint-invalid',
])
