/**
 * Keeps one access token per account, asks for it once however many want it, and heals it when WeChat rejects
 * it. There are no timers: a token is renewed when somebody uses it near its end.
 *
 * A token that WeChat has rejected is not used until the token API has stood by it or replaced it; a token
 * that could not be renewed goes on being used while it lives.
 */
import type { Clock, Random } from '../clock.ts'
import type { Account } from '../directory.ts'
import type { Observe } from '../observe.ts'
import type { WechatClient } from './client.ts'
import {
  hold,
  isRivalry,
  parseTokenAnswer,
  type Refusal,
  recentForces,
  refusalOf,
  remedyFor,
  type TokenAnswer,
  type TokenResult,
  tokenRequest,
} from './token.ts'
import {
  detailOf,
  type Entry,
  newEntry,
  standing,
  unavailable,
  unknownAccount,
  usableToken,
} from './token-entry.ts'

export interface TokenCentre {
  /** The token to send with now, if there is one at hand. */
  current(appid: string): string | undefined
  /** The token to send with now, asked for if need be. Never rejects. */
  get(appid: string): Promise<TokenResult>
  /** WeChat has rejected this token. Answers the one to try instead, which may be the same. Never rejects. */
  heal(appid: string, rejected: string): Promise<TokenResult>
  /** WeChat has accepted a message with this token, so an earlier rejection was a passing fault. */
  accepted(appid: string, token: string): void
}

export interface TokenCentreParts {
  readonly client: Pick<WechatClient, 'call'>
  readonly accountOf: (appid: string) => Account | undefined
  readonly clock: Clock
  readonly random: Random
  readonly observe: Observe
}

export const createTokenCentre = (parts: TokenCentreParts): TokenCentre => {
  const { client, accountOf, clock, random, observe } = parts
  const entries = new Map<string, Entry>()

  const current = (appid: string): string | undefined => {
    const entry = entries.get(appid)
    if (entry?.held === undefined || entry.rejected) return undefined
    const now = clock.now()
    if (now >= entry.held.renewAt) renew(entry, now)
    return usableToken(entry, now)
  }

  const renew = (entry: Entry, now: number): void => {
    const account = accountOf(entry.appid)
    if (account && standing(entry, account, now) === undefined) void refresh(entry, account)
  }

  /** For an account that has no token to use at once. */
  const obtain = (appid: string, rejected?: string): Promise<TokenResult> | TokenResult => {
    const now = clock.now()
    const account = accountOf(appid)
    if (account === undefined) return unknownAccount(now)
    const entry = entries.get(appid) ?? newEntry(appid)
    entries.set(appid, entry)
    if (rejected !== undefined && entry.held?.token === rejected) entry.rejected = true
    if (entry.refreshing) return entry.refreshing
    const refusal = standing(entry, account, now)
    if (refusal) return unavailable(refusal)
    return entry.rejected ? relieve(entry, account, now) : refresh(entry, account)
  }

  const relieve = (entry: Entry, account: Account, now: number): Promise<TokenResult> | TokenResult => {
    const remedy = remedyFor({ ...entry, tokenApi: account.tokenApi }, now)
    switch (remedy.kind) {
      case 'keep':
        entry.rejected = false
        return { kind: 'token', token: entry.held!.token }
      case 'ask':
        return refresh(entry, account)
      case 'force':
        return refresh(entry, account, true)
      case 'wait':
        return refuse(
          entry,
          account,
          { error: 'token-rejected', waitMs: remedy.waitMs, alert: true },
          forceSpent,
        )
    }
  }

  /** One question at a time per account, shared by all who want to know. */
  const refresh = (entry: Entry, account: Account, forced = false): Promise<TokenResult> => {
    entry.refreshing ??= ask(entry, account, forced)
    return entry.refreshing
  }

  const ask = async (entry: Entry, account: Account, forced: boolean): Promise<TokenResult> => {
    const answer = parseTokenAnswer(await client.call(tokenRequest(account, forced)))
    entry.refreshing = undefined
    const now = clock.now()
    if (forced) entry.forcedAt = [...recentForces(entry.forcedAt, now), now]
    if (answer.kind === 'token') return take(entry, answer, forced, now)
    entry.failures = answer.kind === 'failed' ? entry.failures + 1 : 0
    const refusal = refusalOf(answer, { now, failures: entry.failures, forced })
    const refused = refuse(entry, account, refusal, detailOf(answer))
    const token = usableToken(entry, now)
    return token === undefined ? refused : { kind: 'token', token }
  }

  const take = (
    entry: Entry,
    answer: TokenAnswer & { kind: 'token' },
    forced: boolean,
    now: number,
  ): TokenResult => {
    const { token, lifeMs } = answer
    const { held, rejected, appid } = entry
    const same = held?.token === token
    entry.confirmedAt = rejected && same ? now : undefined
    if (rejected && !same && !forced && held && now < held.renewAt) suspectRival(entry, now)
    entry.held = hold(token, lifeMs, now, random)
    entry.rejected = false
    entry.askedAt = now
    entry.failures = 0
    entry.refusal = undefined
    observe({ kind: 'token', account: appid, event: 'refreshed', forced })
    return { kind: 'token', token }
  }

  const suspectRival = (entry: Entry, now: number): void => {
    entry.changedAt = [...entry.changedAt.slice(-2), now]
    if (!isRivalry(entry.changedAt, now)) return
    entry.changedAt = []
    observe({ kind: 'alert', code: 'token-rival', account: entry.appid, detail: rivalry })
  }

  const refuse = (entry: Entry, account: Account, refusal: Refusal, detail: string): TokenResult => {
    const { appid } = entry
    const since = clock.now()
    const until = since + refusal.waitMs
    entry.refusal = { ...refusal, since, until, account }
    const errcode = refusal.errcode === undefined ? {} : { errcode: refusal.errcode }
    observe({ kind: 'token', account: appid, event: 'refused', until, ...errcode })
    if (refusal.alert) observe({ kind: 'alert', code: alertCode(refusal), account: appid, detail })
    return unavailable(entry.refusal)
  }

  return {
    current,

    async get(appid) {
      const token = current(appid)
      return token === undefined ? obtain(appid) : { kind: 'token', token }
    },

    async heal(appid, rejected) {
      const token = current(appid)
      if (token === undefined || token === rejected) return obtain(appid, rejected)
      observe({ kind: 'token', account: appid, event: 'healed' })
      return { kind: 'token', token }
    },

    accepted(appid, token) {
      const entry = entries.get(appid)
      if (entry?.confirmedAt !== undefined && entry.held?.token === token) entry.confirmedAt = undefined
    },
  }
}

const alertCode = ({ error, errcode }: Refusal): string => (errcode === undefined ? error : `token-${error}`)

const forceSpent =
  'WeChat keeps rejecting a token that its token API stands by, and no further forced refresh is allowed yet'
const rivalry =
  "another system keeps changing this account's token; let one system ask for it, or use the stable token API everywhere"
