/**
 * The rules of access tokens, without their effects: how one is asked for, how long it is used, what a
 * refusal means, and what to do about a token that WeChat has rejected.
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
import type { Answer } from './call.ts'
import type { WechatRequest } from './client.ts'
import { parseErrcode, parseErrmsg, parseObject, statusReason } from './reply.ts'

const seconds = 1000
const minutes = 60 * seconds
const hours = 60 * minutes

export const tokenRequest = ({ appid, secret, tokenApi }: Account, forced: boolean): WechatRequest => {
  const grant_type = 'client_credential'
  if (tokenApi === 'plain')
    return { method: 'GET', path: `/cgi-bin/token?${new URLSearchParams({ grant_type, appid, secret })}` }
  const body = JSON.stringify({ grant_type, appid, secret, force_refresh: forced })
  return { method: 'POST', path: '/cgi-bin/stable_token', body }
}

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

/** What the token API said. */
export type TokenAnswer =
  | { readonly kind: 'token'; readonly token: string; readonly lifeMs: number }
  | { readonly kind: 'refused'; readonly errcode: number; readonly errmsg: string }
  /** There was no answer, or none that can be used. */
  | { readonly kind: 'failed'; readonly error: string }

/** Both APIs answer `{"access_token":"…","expires_in":7200}`, seconds, and no errcode when all is well. */
export const parseTokenAnswer = (answer: Answer): TokenAnswer => {
  if (answer.kind !== 'answered') return { kind: 'failed', error: answer.error }
  if (answer.status !== 200) return { kind: 'failed', error: statusReason(answer.status) }
  const object = parseObject(answer.body.toString('utf8'))
  const errcode = parseErrcode(object?.errcode)
  if (errcode !== undefined && errcode !== 0)
    return { kind: 'refused', errcode, errmsg: parseErrmsg(object?.errmsg).errmsg }
  const token = object?.access_token
  const life = object?.expires_in
  const usable = typeof token === 'string' && token !== '' && token.length <= maxTokenChars
  if (!usable || typeof life !== 'number' || !(life > 0)) return { kind: 'failed', error: 'junk-reply' }
  return { kind: 'token', token, lifeMs: Math.min(life * seconds, maxLifeMs) }
}

const maxTokenChars = 1024
const maxLifeMs = 24 * hours

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
 * seconds in any case, so that no answer makes us ask in a tight loop.
 */
export const hold = (token: string, lifeMs: number, now: number, random: Random): Held => {
  const untilRenewal = lifeMs - 5 * minutes + random() * minutes
  return {
    token,
    renewAt: now + Math.max(untilRenewal, lifeMs / 2, leastUseMs),
    expiresAt: now + Math.max(lifeMs, leastUseMs),
  }
}

const leastUseMs = 10 * seconds

/** Why there is no new token, and until when nobody asks for one. */
export interface Refusal {
  readonly error: string
  readonly errcode?: number
  readonly waitMs: number
  /** A person has to do something, or something out of the ordinary goes on. */
  readonly alert: boolean
}

/** `failures` counts those without an answer in a row, this one included. */
export const refusalOf = (
  answer: Exclude<TokenAnswer, { kind: 'token' }>,
  { now, failures, forced }: { readonly now: number; readonly failures: number; readonly forced: boolean },
): Refusal => {
  if (answer.kind === 'failed') {
    const waitMs = Math.min(5 * seconds * 2 ** (failures - 1), 60 * seconds)
    return { error: answer.error, waitMs, alert: false }
  }
  const { errcode } = answer
  // The daily limit of forced calls is not the limit of the others: those are not to wait for midnight.
  const waitMs = Math.min(refusedWaitMs(errcode, now), forced ? longestRejectionMs : Number.POSITIVE_INFINITY)
  return { error: errcodeReason(errcode), errcode, waitMs, alert: waitMs > 60 * seconds }
}

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

/** What is known of the held token when WeChat rejects it. */
export interface TokenHistory {
  readonly tokenApi: Account['tokenApi']
  /** When a token was last answered. */
  readonly askedAt: number
  /** When the token API answered the rejected token once more, unless the token has been accepted since. */
  readonly confirmedAt: number | undefined
  /** The forced refreshes of the last day, oldest first. */
  readonly forcedAt: readonly number[]
}

export type Remedy =
  /** The token is fresh: what rejected it had not heard of it yet, or erred. Use it once more. */
  | { readonly kind: 'keep' }
  | { readonly kind: 'ask' }
  | { readonly kind: 'force' }
  | { readonly kind: 'wait'; readonly waitMs: number }

/**
 * Ask first: if another system has changed the token, that is how we learn of the new one, and if not, the
 * rejection may have been a passing fault. Only a token that is rejected again, after the token API has just
 * stood by it, is replaced by force, for that kills it under everybody else who uses it.
 */
export const remedyFor = (history: TokenHistory, now: number): Remedy => {
  const { tokenApi, askedAt, confirmedAt, forcedAt } = history
  const sinceConfirmed = now - (confirmedAt ?? Number.NEGATIVE_INFINITY)
  if (tokenApi === 'stable' && sinceConfirmed < confirmationMs) {
    if (sinceConfirmed < disbeliefMs) return { kind: 'keep' }
    const waitMs = forceWaitMs(forcedAt, now)
    return waitMs <= 0
      ? { kind: 'force' }
      : { kind: 'wait', waitMs: clamp(waitMs, seconds, longestRejectionMs) }
  }
  return now - askedAt < askGapMs[tokenApi] ? { kind: 'keep' } : { kind: 'ask' }
}

/** Those of the last day. */
export const recentForces = (forcedAt: readonly number[], now: number): readonly number[] =>
  forcedAt.filter((at) => at > now - 24 * hours)

/** WeChat allows twenty a day; the rest is left for people. Not positive: one is allowed now. */
const forceWaitMs = (forcedAt: readonly number[], now: number): number => {
  const recent = recentForces(forcedAt, now)
  const spaced = (recent.at(-1) ?? Number.NEGATIVE_INFINITY) + 30 * seconds - now
  const budgeted = (recent.at(-forcesPerDay) ?? Number.NEGATIVE_INFINITY) + 24 * hours - now
  return Math.max(spaced, budgeted)
}

/** Whether somebody else changes the token again and again: three times in ten minutes. */
export const isRivalry = (changedAt: readonly number[], now: number): boolean =>
  changedAt.filter((at) => at > now - 10 * minutes).length >= 3

const clamp = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most)

const forcesPerDay = 15
/** For this long after a confirmation, a new rejection does not count: its call may have been under way. */
const disbeliefMs = 3 * seconds
/** For this long, a confirmation is news. Later, asking comes first again. */
const confirmationMs = 60 * seconds
/** The longest that a rejected token stays out of use before things are looked at again. */
const longestRejectionMs = 5 * minutes
/**
 * Between two questions about the same account. The plain API makes a new token each time, 2,000 times a day.
 */
const askGapMs: Readonly<Record<Account['tokenApi'], number>> = {
  stable: 5 * seconds,
  plain: 60 * seconds,
  foreign: 5 * seconds,
  component: 5 * seconds,
}
