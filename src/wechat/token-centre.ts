/**
 * Keeps one access token per account, asks for it once however many want it, and heals it when WeChat rejects
 * it. There are no timers: a token is renewed when somebody uses it near its end.
 *
 * A token that WeChat has rejected is not used until the token API has stood by it or replaced it; a token
 * that could not be renewed goes on being used while it lives. A rejection of a call that began before the last
 * answer of the token API says nothing about that answer, and does not count.
 */
import type { Clock, Random } from '../clock.ts'
import type { Account } from '../directory.ts'
import type { Observe } from '../observe.ts'
import { anotherChange, isRivalry, isWorthTelling, type Rivalry, rivalryText } from './rivalry.ts'
import {
  budgetAt,
  confirmedSince,
  hold,
  type Refusal,
  recentForces,
  refusalOf,
  remedyFor,
  sourceOf,
  type TokenResult,
} from './token.ts'
import { isShared, type TokenAnswer } from './token-answer.ts'
import {
  alertCode,
  detailOf,
  type Entry,
  formerKept,
  newEntry,
  type StandingRefusal,
  standing,
  unavailable,
  unknownAccount,
  unlessFormer,
  usableToken,
  waitDetails,
} from './token-entry.ts'

export interface TokenCentre {
  /** The token to send with now, if there is one at hand. */
  current(appid: string): string | undefined
  /** The token to send with now, asked for if need be. Never rejects. */
  get(appid: string): Promise<TokenResult>
  /**
   * WeChat has rejected this token in a call that began at `startedAt`; without that, it counts as a call that
   * began after everything we know. Answers the token to try instead, which may be the same. Never rejects.
   */
  heal(appid: string, rejected: string, startedAt?: number): Promise<TokenResult>
  /** WeChat has accepted a message with this token, so an earlier rejection was a passing fault. */
  accepted(appid: string, token: string): void
  /** As `get`, but asks again even while an earlier refusal stands, for a person who may have repaired its cause. */
  retry(appid: string): Promise<TokenResult>
  /** What a person should know about the account's token now. */
  notes(appid: string): TokenNotes
}

export interface TokenNotes {
  /** Another system keeps changing the token. */
  readonly rivalry?: Rivalry
  /** There is no new token before `until`. */
  readonly refusal?: Pick<StandingRefusal, 'error' | 'errcode' | 'until' | 'detail'>
}

/** Asks once where an account's tokens come from. Never rejects. */
export type AskForToken = (account: Account, how: HowToAsk) => Promise<TokenAnswer>

export interface HowToAsk {
  /** A new token is wanted in place of the one that the source stands by. */
  readonly forced: boolean
  /** WeChat rejects the token that was answered last. */
  readonly rejected: boolean
  /** A person wants to know: an earlier refusal is no answer. */
  readonly insisting: boolean
  /** For the token of the platform that the account depends on. */
  readonly centre: Pick<TokenCentre, 'get' | 'heal'>
}

export interface TokenCentreParts {
  readonly ask: AskForToken
  readonly accountOf: (appid: string) => Account | undefined
  readonly clock: Clock
  readonly random: Random
  readonly observe: Observe
  /** The longest that a question of several steps keeps a sender waiting; as long as one call may take. */
  readonly patienceMs?: number
  /** Every question takes several steps, not only those that go through a platform. */
  readonly inSteps?: boolean
}

export const createTokenCentre = (parts: TokenCentreParts): TokenCentre => {
  const { accountOf, clock, random, observe, patienceMs = 10_000, inSteps = false } = parts
  const entries = new Map<string, Entry>()

  const entryOf = (appid: string): Entry => {
    const entry = entries.get(appid) ?? newEntry(appid)
    entries.set(appid, entry)
    return entry
  }

  const standingOver = (entry: Entry, account: Account, now: number) =>
    standing(entry, { account, platform: platformOf(account) }, now)

  const platformOf = ({ authorizedBy }: Account) => authorizedBy && accountOf(authorizedBy.component)

  const current = (appid: string): string | undefined => {
    const entry = entries.get(appid)
    if (entry?.held === undefined || entry.rejected) return undefined
    const now = clock.now()
    if (now >= entry.held.renewAt) renew(entry, now)
    return usableToken(entry, now)
  }

  const renew = (entry: Entry, now: number): void => {
    const account = accountOf(entry.appid)
    if (account && standingOver(entry, account, now) === undefined) void refresh(entry, account)
  }

  /** For an account that has no token to use at once. */
  const obtain = (appid: string, how: How = {}): Promise<TokenResult> | TokenResult => {
    const account = accountOf(appid)
    if (account === undefined) return unknownAccount(clock.now())
    const result = question(appid, account, how)
    return inSteps || sourceOf(account) === 'component' ? withPatience(result) : result
  }

  /** Several calls, or the turn of another process, may take longer than one call. Who sends is told to come back, and they go on. */
  const withPatience = async (result: Promise<TokenResult> | TokenResult): Promise<TokenResult> => {
    const inTime = new AbortController()
    const late = clock.sleep(patienceMs, inTime.signal).then(() => notYet(clock.now()))
    const first = await Promise.race([result, late])
    inTime.abort()
    return first
  }

  const question = (appid: string, account: Account, how: How): Promise<TokenResult> | TokenResult => {
    const now = clock.now()
    const entry = entryOf(appid)
    if (entry.refreshing) return entry.refreshing
    const refusal = standingOver(entry, account, now)
    if (refusal) return unavailable(refusal)
    return entry.rejected ? relieve(entry, account, how, now) : refresh(entry, account, how)
  }

  const relieve = (
    entry: Entry,
    account: Account,
    how: How,
    now: number,
  ): Promise<TokenResult> | TokenResult => {
    const remedy = remedyFor({ ...entry, source: sourceOf(account) }, now)
    switch (remedy.kind) {
      case 'ask':
        return refresh(entry, account, { ...how, afterMs: remedy.afterMs })
      case 'force':
        return refresh(entry, account, { ...how, forced: true })
      case 'wait':
        return refuse(
          entry,
          account,
          { error: 'token-rejected', waitMs: remedy.waitMs, alert: true },
          waitDetails[remedy.why],
        )
    }
  }

  interface How {
    readonly forced?: boolean
    readonly insisting?: boolean
    readonly afterMs?: number
  }

  /** One question at a time per account, shared by all who want to know. */
  const refresh = (entry: Entry, account: Account, how: How = {}): Promise<TokenResult> => {
    entry.refreshing ??= ask(entry, account, how)
    return entry.refreshing
  }

  const ask = async (
    entry: Entry,
    asked: Account,
    { forced = false, insisting = false, afterMs = 0 }: How,
  ): Promise<TokenResult> => {
    if (afterMs > 0) await clock.sleep(afterMs)
    const account = accountOf(entry.appid) ?? asked
    const reply = await parts.ask(account, { forced, rejected: entry.rejected, insisting, centre })
    entry.refreshing = undefined
    const now = clock.now()
    const answer = unlessFormer(entry, reply, now)
    if (forced && !isShared(reply) && reply.kind !== 'lacking')
      entry.forcedAt = [...recentForces(entry.forcedAt, now), now]
    if (answer.kind === 'token') return take(entry, account, { answer, forced, now })
    entry.failures = answer.kind === 'failed' ? entry.failures + 1 : 0
    const refusal = refusalOf(answer, { now, failures: entry.failures, forced })
    const refused = refuse(entry, account, refusal, detailOf(answer, sourceOf(account)))
    const token = usableToken(entry, now)
    return token === undefined ? refused : { kind: 'token', token }
  }

  const take = (
    entry: Entry,
    account: Account,
    { answer, forced, now }: { answer: TokenAnswer & { kind: 'token' }; forced: boolean; now: number },
  ): TokenResult => {
    const { held, rejected, appid } = entry
    if (rejected && held) noteRejection(entry, account, { answer, forced, now })
    else if (held?.token !== answer.token) entry.confirmedAt = undefined
    if (held && held.token !== answer.token) entry.former = [held.token, ...entry.former].slice(0, formerKept)
    entry.held = hold(answer, { source: sourceOf(account), now, random })
    entry.rejected = false
    entry.askedAt = now
    entry.failures = 0
    entry.refusal = undefined
    if (answer.shared === undefined) observe({ kind: 'token', account: appid, event: 'refreshed', forced })
    else observe({ kind: 'token', account: appid, event: 'shared' })
    return { kind: 'token', token: answer.token }
  }

  /** What the answer to a question about a rejected token says about the questions to come. */
  const noteRejection = (
    entry: Entry,
    account: Account,
    { answer, forced, now }: { answer: TokenAnswer & { kind: 'token' }; forced: boolean; now: number },
  ): void => {
    const held = entry.held!
    const source = sourceOf(account)
    const budget = budgetAt(entry.budget, source, now)
    entry.budget = { ...budget, left: Math.max(0, budget.left - 1) }
    entry.fruitless++
    if (answer.token === held.token) {
      entry.confirmedAt = confirmedSince(entry, now)
      return
    }
    entry.confirmedAt = undefined
    const ourOwn = answer.shared === 'forced' || (forced && answer.shared === undefined)
    if (!ourOwn && source !== 'foreign' && now < held.renewAt) suspectRival(entry, account, { answer, now })
  }

  const suspectRival = (
    entry: Entry,
    account: Account,
    { answer, now }: { answer: TokenAnswer & { kind: 'token' }; now: number },
  ): void => {
    const rivalry = anotherChange(entry.rivalry, now)
    const tell = answer.shared === undefined && isWorthTelling(rivalry, now)
    entry.rivalry = tell ? { ...rivalry, toldAt: now } : rivalry
    if (!tell) return
    const detail = rivalryText(account, rivalry).en
    observe({ kind: 'alert', code: 'token-rival', account: entry.appid, detail })
  }

  const refuse = (entry: Entry, account: Account, refusal: Refusal, detail: string): TokenResult => {
    const { appid } = entry
    const since = clock.now()
    const until = since + refusal.waitMs
    entry.refusal = { ...refusal, since, until, account, platform: platformOf(account), detail }
    const errcode = refusal.errcode === undefined ? {} : { errcode: refusal.errcode }
    observe({ kind: 'token', account: appid, event: 'refused', until, ...errcode })
    if (refusal.alert) observe({ kind: 'alert', code: alertCode(refusal), account: appid, detail })
    return unavailable(entry.refusal)
  }

  const centre: TokenCentre = {
    current,

    async get(appid) {
      const token = current(appid)
      return token === undefined ? obtain(appid) : { kind: 'token', token }
    },

    async heal(appid, rejected, startedAt = Number.POSITIVE_INFINITY) {
      const entry = entries.get(appid)
      // A clock that was set back makes the last answer lie in the future; it must not excuse every rejection.
      const excused = entry !== undefined && startedAt <= entry.askedAt && entry.askedAt <= clock.now()
      if (entry?.held?.token === rejected && !excused) entry.rejected = true
      const token = current(appid)
      if (token === undefined) return obtain(appid)
      if (token !== rejected) observe({ kind: 'token', account: appid, event: 'healed' })
      return { kind: 'token', token }
    },

    accepted(appid, token) {
      const entry = entries.get(appid)
      if (entry === undefined || entry.fruitless === 0 || entry.held?.token !== token) return
      entry.fruitless = 0
      entry.confirmedAt = undefined
    },

    async retry(appid) {
      const entry = entries.get(appid)
      const { refusal } = entry ?? {}
      if (entry && refusal && clock.now() - refusal.since >= leastRetryMs) entry.refusal = undefined
      const token = current(appid)
      return token === undefined ? obtain(appid, { insisting: true }) : { kind: 'token', token }
    },

    notes(appid) {
      const entry = entries.get(appid)
      const account = accountOf(appid)
      if (entry === undefined || account === undefined) return {}
      const now = clock.now()
      const refusal = standingOver(entry, account, now)
      const { rivalry } = entry
      return {
        ...(rivalry && isRivalry(rivalry, now) && { rivalry }),
        ...(refusal && { refusal }),
      }
    },
  }
  return centre
}

const notYet = (now: number): TokenResult => ({
  kind: 'unavailable',
  error: 'token-unavailable',
  until: now + 1000,
})

/** Between two questions that a person asks for. */
const leastRetryMs = 2000
