/**
 * The rules of access tokens, without their effects: how long one is used, what a refusal means, and what to
 * do about a token that WeChat has rejected.
 *
 * The facts (WeChat's pages on getAccessToken and getStableAccessToken): a token lives for two hours.
 * `stable_token` answers the same token until its last five minutes, when it makes a new one; both then work
 * for five minutes. With `force_refresh` the old one dies at once; that is allowed twenty times a day, thirty
 * seconds apart. `/cgi-bin/token` makes a new token with every call, two thousand times a day. The two APIs
 * know nothing of each other's tokens.
 */
import type { Random } from '../clock.ts'
import type { Account } from '../directory.ts'
import { errcodeOf } from '../errcodes.ts'
import { nextBeijingMidnight } from '../retry.ts'
import { errcodeReason } from '../verdict.ts'
import type { TokenAnswer } from './token-answer.ts'

const seconds = 1000
const minutes = 60 * seconds
const hours = 60 * minutes

/** What somebody who wants to send is told. */
export type TokenResult =
  | { readonly kind: 'token'; readonly token: string }
  /** There is none, and nobody asks for one before `until`: milliseconds since 1970 UTC. */
  | {
      readonly kind: 'unavailable'
      readonly error: string
      readonly until: number
      readonly errcode?: number
    }

/** A token and when it is used. Times are milliseconds since 1970 UTC. */
export interface Held {
  readonly token: string
  /** From here on a successor is looked for. */
  readonly renewAt: number
  readonly expiresAt: number
}

/**
 * A token is renewed in its last five minutes, less up to one so that a fleet spreads out. `stable_token`
 * answers the life that is left, which can be shorter than any margin: half of it is used at least, and ten
 * seconds in any case, so that no answer makes us ask in a tight loop. A token that somebody else looks after
 * is looked up again every five minutes, whatever life it is said to have.
 */
export const hold = (
  { token, lifeMs }: { readonly token: string; readonly lifeMs: number },
  { source, now, random }: { readonly source: TokenSource; readonly now: number; readonly random: Random },
): Held => {
  const untilRenewal = Math.max(lifeMs - 5 * minutes + random() * minutes, lifeMs / 2, leastUseMs)
  return {
    token,
    renewAt: now + (source === 'foreign' ? Math.min(untilRenewal, foreignUseMs) : untilRenewal),
    expiresAt: now + Math.max(lifeMs, leastUseMs),
  }
}

const leastUseMs = 10 * seconds
const foreignUseMs = 5 * minutes

/** Why there is no new token, and until when nobody asks for one. */
export interface Refusal {
  readonly error: string
  readonly errcode?: number
  readonly waitMs: number
  /** A person has to do something, or something out of the ordinary goes on. */
  readonly alert: boolean
}

export interface Circumstances {
  readonly now: number
  /** Without an answer, in a row, this one included. */
  readonly failures: number
  readonly forced: boolean
}

export const refusalOf = (
  answer: Exclude<TokenAnswer, { kind: 'token' }>,
  circumstances: Circumstances,
): Refusal => {
  const refusal = ownRefusalOf(answer, circumstances)
  if (answer.kind === 'lacking' || answer.shared === undefined) return refusal
  // Whoever has asked is the one to tell of it, and to wait for as long as it takes.
  return { ...refusal, waitMs: Math.min(refusal.waitMs, answer.newsMs ?? refusal.waitMs), alert: false }
}

const ownRefusalOf = (
  answer: Exclude<TokenAnswer, { kind: 'token' }>,
  { now, failures, forced }: Circumstances,
): Refusal => {
  switch (answer.kind) {
    case 'failed':
      return {
        error: answer.error,
        waitMs: Math.min(5 * seconds * 2 ** (failures - 1), 60 * seconds),
        // Seconds without an answer are weather; after about a minute somebody should know.
        alert: failures === 4,
      }
    case 'lacking': {
      const { error, errcode, until } = answer
      const waitMs = clamp(until - now, seconds, hours)
      return { error, ...(errcode !== undefined && { errcode }), waitMs, alert: ownLacks.has(error) }
    }
    case 'refused': {
      const { errcode } = answer
      // The daily limit of forced calls is not the limit of the others: those are not to wait for midnight.
      const longest = forced ? longestRejectionMs : Number.POSITIVE_INFINITY
      const waitMs = Math.min(refusedWaitMs(errcode, now), longest)
      return { error: errcodeReason(errcode), errcode, waitMs, alert: waitMs > 60 * seconds }
    }
  }
}

/** What the platform lacks is told of the platform, not of every account that depends on it. */
const ownLacks: ReadonlySet<string> = new Set([
  'authorization-missing',
  'token-endpoint-invalid',
  'token-rejected',
])

/**
 * Codes of the token APIs. 40001, on them, says that the secret is wrong: asking again at once is of no use.
 */
const refusedWaitMs = (code: number, now: number): number => {
  const errcode = errcodeOf(code)
  switch (errcode.action) {
    case 'backoff':
      return Math.max(errcode.waitMs ?? 0, 5 * seconds)
    case 'slow':
      return errcode.waitMs ?? 60 * seconds
    case 'quota':
      return nextBeijingMidnight(now) - now
    case 'hold':
      return errcode.waitMs ?? 5 * minutes
    case 'token':
    case 'drop':
    case 'duplicate':
    case 'sent':
      return 5 * minutes
  }
}

/** Where an account's tokens come from; `platform`: the account is a third-party platform itself. */
export type TokenSource = Account['tokenApi'] | 'platform'

export const sourceOf = ({ kind, tokenApi }: Account): TokenSource =>
  kind === 'component' ? 'platform' : tokenApi

interface AskRule {
  /**
   * The least time between an answer and the next question about a token that is rejected: the first entry
   * when messages went through in between, the next ones for each question in a row that helped nobody.
   */
  readonly gapsMs: readonly number[]
  /** So many questions may come as close together as that; one more becomes possible every `refillMs`. */
  readonly burst: number
  readonly refillMs: number
  /** Whether a token can be replaced by force. */
  readonly forces: boolean
}

/** How a rejected token is asked about, by where it comes from. */
export const askRules: Readonly<Record<TokenSource, AskRule>> = {
  // Asking is harmless and cheap: 10,000 a minute and 500,000 a day, for all processes that use the account.
  // So it is asked at once, four times a second at most; twenty processes whose token is rejected day and
  // night ask 346,000 times a day.
  stable: { gapsMs: [250, 500, 1000], burst: 60, refillMs: 5 * seconds, forces: true },
  // Every question makes a new token and takes one of 2,000 a day, which the rival uses too. The first comes
  // at once; a token that dies before it was of any use to anybody makes us hesitate, up to a minute; and the
  // refill alone is 1,440 a day.
  plain: {
    gapsMs: [500, 1 * seconds, 5 * seconds, 15 * seconds, minutes],
    burst: 100,
    refillMs: minutes,
    forces: false,
  },
  // Somebody else's service. It learns of a new token when its own people do, so patience is of more use than
  // questions; the first still comes quickly, because it may have changed the token already.
  foreign: {
    gapsMs: [500, 1 * seconds, 2 * seconds, 5 * seconds, 15 * seconds],
    burst: 60,
    refillMs: 10 * seconds,
    forces: false,
  },
  // WeChat publishes no limit for api_authorizer_token and api_component_token, and each answers a new token:
  // as `plain`, with more respect.
  component: {
    gapsMs: [500, 2 * seconds, 5 * seconds, 15 * seconds, minutes],
    burst: 30,
    refillMs: minutes,
    forces: false,
  },
  platform: {
    gapsMs: [500, 2 * seconds, 5 * seconds, 15 * seconds, minutes],
    burst: 30,
    refillMs: minutes,
    forces: false,
  },
}

/** How many quick questions are left of a burst, counted at `at`. */
export interface Budget {
  readonly left: number
  readonly at: number
}

export const budgetAt = (budget: Budget | undefined, source: TokenSource, now: number): Budget => {
  const { burst, refillMs } = askRules[source]
  if (budget === undefined) return { left: burst, at: now }
  const refilled = Math.max(0, now - budget.at) / refillMs
  return { left: Math.min(burst, budget.left + refilled), at: now }
}

/** What is known of the held token when WeChat rejects it. */
export interface TokenHistory {
  readonly source: TokenSource
  /** When a token was last answered. */
  readonly askedAt: number
  /** Questions in a row about a rejected token, without a message that went through. */
  readonly fruitless: number
  readonly budget: Budget | undefined
  /** Since when the token API has been standing by the rejected token, unless it has been accepted since. */
  readonly confirmedAt: number | undefined
  /** The forced refreshes of the last day, oldest first. */
  readonly forcedAt: readonly number[]
}

export type Remedy =
  /** Ask, after a moment that those who want to send can wait for. */
  | { readonly kind: 'ask'; readonly afterMs: number }
  | { readonly kind: 'force' }
  | { readonly kind: 'wait'; readonly waitMs: number; readonly why: 'force-spent' | 'asked-often' }

/**
 * Ask first: if another system has changed the token, that is how we learn of the new one, and if not, the
 * rejection may have been a passing fault. Only a token that the token API has stood by for three seconds, and
 * that is rejected still, is replaced by force, for that kills it under everybody else who uses it.
 */
export const remedyFor = (history: TokenHistory, now: number): Remedy => {
  const { source, askedAt, forcedAt } = history
  const rule = askRules[source]
  if (rule.forces && isStoodBy(history, now)) {
    const waitMs = forceWaitMs(forcedAt, now)
    if (waitMs <= 0) return { kind: 'force' }
    return { kind: 'wait', waitMs: clamp(waitMs, seconds, longestRejectionMs), why: 'force-spent' }
  }
  // A clock that was set back says nothing about how long ago that was.
  if (askedAt > now) return { kind: 'ask', afterMs: 0 }
  const gapMs = rule.gapsMs[Math.min(history.fruitless, rule.gapsMs.length - 1)]!
  const { left } = budgetAt(history.budget, source, now)
  const waitMs = Math.max(askedAt + gapMs - now, left < 1 ? (1 - left) * rule.refillMs : 0, 0)
  if (waitMs <= longestPauseMs) return { kind: 'ask', afterMs: waitMs }
  return { kind: 'wait', waitMs, why: 'asked-often' }
}

const isStoodBy = ({ confirmedAt, askedAt }: TokenHistory, now: number): boolean =>
  confirmedAt !== undefined && askedAt - confirmedAt >= disbeliefMs && now - askedAt < confirmationMs

/** Since when the token API stands by a token, now that it has answered the same one again. */
export const confirmedSince = (
  { confirmedAt, askedAt }: Pick<TokenHistory, 'confirmedAt' | 'askedAt'>,
  now: number,
): number => (confirmedAt !== undefined && now - askedAt < confirmationMs ? confirmedAt : now)

/** Those of the last day. */
export const recentForces = (forcedAt: readonly number[], now: number): readonly number[] =>
  forcedAt.filter((at) => at > now - 24 * hours)

/** WeChat allows twenty a day; the rest is left for people. Not positive: one is allowed now. */
export const forceWaitMs = (forcedAt: readonly number[], now: number): number => {
  const recent = recentForces(forcedAt, now)
  const spaced = (recent.at(-1) ?? Number.NEGATIVE_INFINITY) + 30 * seconds - now
  const budgeted = (recent.at(-forcesPerDay) ?? Number.NEGATIVE_INFINITY) + 24 * hours - now
  return Math.max(spaced, budgeted)
}

const clamp = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most)

const forcesPerDay = 15
/** For this long the token API must stand by a token that is rejected, before it is believed to be wrong. */
const disbeliefMs = 3 * seconds
/** For this long, a confirmation is news. Later, asking comes first again. */
const confirmationMs = 60 * seconds
/** The longest that a rejected token stays out of use before things are looked at again. */
export const longestRejectionMs = 5 * minutes
/** The longest that somebody who wants to send is kept waiting for the next question. */
export const longestPauseMs = 1 * seconds
