/**
 * Tokens by way of a third-party platform (第三方平台). WeChat pushes the platform a ticket every ten minutes; with
 * the ticket it gets a component_access_token, and with that and an account's refresh token the account's own
 * access token (official pages on component_access_token and authorisation).
 *
 * The refresh token that comes back with each access token is stored before the access token is used: lost, it
 * could only be replaced by the account's owner. One process asks at a time for each account (the token centre sees to
 * that in one process, `shared-token.ts` among several), and with what was stored last, whoever stored it: a refresh
 * token may be good for one use.
 */
import type { Clock } from '../clock.ts'
import type { Account, Directory } from '../directory.ts'
import { errcodeOf } from '../errcodes.ts'
import type { Observe } from '../observe.ts'
import type { WechatClient, WechatRequest } from './client.ts'
import type { TokenResult } from './token.ts'
import { isToken, parseTokenAnswer, parseTokenBody, readToken, type TokenAnswer } from './token-answer.ts'
import type { AskForToken, TokenCentre } from './token-centre.ts'

export interface Platforms {
  /** The component_access_token of an account that is a platform. */
  readonly askPlatform: AskForToken
  /** The access token of an account that has authorised a platform. */
  readonly askAsAuthorised: AskForToken
  /**
   * WeChat has pushed this ticket to the platform. `at`: its CreateTime, in milliseconds since 1970 UTC. `older`:
   * one that was pushed later is there already. Rejects when it cannot be stored.
   */
  putTicket(platform: string, ticket: string, at: number): Promise<'taken' | 'older' | 'unknown' | 'invalid'>
  /** An account has authorised the platform: exchanges the code of that event. Rejects when it cannot be stored. */
  authorize(platform: string, code: string): Promise<Authorization>
  /** An account has taken its authorisation back: its messages wait for a new one. Rejects as the others do. */
  withdraw(platform: string, appid: string): Promise<void>
}

export type Authorization =
  | { readonly kind: 'authorized'; readonly appid: string }
  /** It has authorised the platform, but it is none of the accounts that get their tokens from it. */
  | { readonly kind: 'unknown-account'; readonly appid: string }
  | { readonly kind: 'failed'; readonly error: string; readonly errcode?: number }

export interface PlatformParts {
  readonly client: Pick<WechatClient, 'call'>
  readonly directory: Pick<Directory, 'account' | 'changeAccount'> & {
    /** Takes in what other processes have written. */
    refresh(): Promise<unknown>
  }
  readonly clock: Clock
  readonly observe: Observe
}

type Tokens = Pick<TokenCentre, 'get' | 'heal'>

export const createPlatforms = (
  parts: PlatformParts,
  /** The centre that asks us; it comes to be after us. */
  tokens: () => Tokens,
): Platforms => {
  const { client, directory, clock, observe } = parts
  const startPush = createPushStarter(parts)
  /** Refresh tokens that could not be stored yet, by the one in the directory, which may not work any more. */
  const unstored = new Map<string, { readonly insteadOf: string; readonly refreshToken: string }>()

  const askWithTicket = async (platform: Account): Promise<TokenAnswer> => {
    const { appid, secret, componentTicket } = platform
    if (componentTicket === undefined) {
      await startPush(platform)
      return { kind: 'lacking', error: 'component-ticket-missing', until: clock.now() + minute }
    }
    const answer = await client.call(
      post('/cgi-bin/component/api_component_token', {
        component_appid: appid,
        component_appsecret: secret,
        component_verify_ticket: componentTicket.ticket,
      }),
    )
    return parseTokenAnswer(answer, { name: 'component_access_token' })
  }

  /** The account as it was written last, by whatever process; nothing, if that cannot be told. */
  const latestOf = async (account: Account): Promise<Account | undefined> => {
    try {
      await directory.refresh()
    } catch {
      return undefined
    }
    return directory.account(account.appid) ?? account
  }

  const askPlatform: AskForToken = async (asked) => {
    const account = (await latestOf(asked)) ?? asked
    const answer = await askWithTicket(account)
    if (!isAboutTicket(answer)) return answer
    const latest = (await latestOf(account)) ?? account
    // A ticket may have come while we asked with the one before.
    if (latest.componentTicket?.ticket !== account.componentTicket?.ticket) return askWithTicket(latest)
    await startPush(account)
    return answer
  }

  /** Calls an API of the platform with its token, once more with another one if that is rejected. */
  const callAs = async (
    platform: string,
    { path, body }: { readonly path: string; readonly body: object },
    centre: Tokens,
  ): Promise<Body | Unavailable> => {
    const call = async (token: string) => {
      const startedAt = clock.now()
      const answer = await client.call(
        post(`${path}?component_access_token=${encodeURIComponent(token)}`, body),
      )
      return { startedAt, result: parseTokenBody(answer) }
    }
    const token = await centre.get(platform)
    if (token.kind !== 'token') return token
    const { startedAt, result } = await call(token.token)
    if (!isAboutPlatformToken(result)) return result
    const other = await centre.heal(platform, token.token, startedAt)
    return other.kind === 'token' ? (await call(other.token)).result : other
  }

  const askAsAuthorised: AskForToken = async (account, { centre }) => {
    const latest = await latestOf(account)
    if (latest === undefined) return { kind: 'failed', error: 'token-shelf-away' }
    const { appid, authorizedBy } = latest
    if (!authorizedBy?.refreshToken)
      return { kind: 'lacking', error: 'authorization-missing', until: clock.now() + minute }
    const { component, refreshToken: stored } = authorizedBy
    const waiting = unstored.get(appid)
    const refreshToken = waiting?.insteadOf === stored ? waiting.refreshToken : stored
    const body = {
      component_appid: component,
      authorizer_appid: appid,
      authorizer_refresh_token: refreshToken,
    }
    const result = await callAs(component, { path: '/cgi-bin/component/api_authorizer_token', body }, centre)
    if (result.kind === 'unavailable') return withoutPlatform(result)
    if (result.kind !== 'body') return result
    const answer = readToken(result.object, { name: 'authorizer_access_token' })
    if (answer.kind !== 'token') return answer
    const renewed = result.object.authorizer_refresh_token
    if (!isToken(renewed) || renewed === stored) return answer
    const authorized = { component, refreshToken: renewed }
    if (await store(appid, authorized, stored)) return answer
    if (waiting?.refreshToken !== renewed) void keepStoring(appid, authorized, stored)
    return notStored
  }

  /**
   * Another process may come to ask before this one does again, and would ask with the refresh token that is stored: so
   * this one goes on until what it has is stored, or another has come after it.
   */
  const keepStoring = async (appid: string, authorizedBy: Authorized, insteadOf: string): Promise<void> => {
    for (let tries = 0; tries < mostStores; tries++) {
      await clock.sleep(Math.min(1000 * 2 ** tries, minute))
      if (unstored.get(appid)?.refreshToken !== authorizedBy.refreshToken) return
      if (await store(appid, authorizedBy, insteadOf)) return
    }
  }

  /**
   * Stores a refresh token in place of the one that is known there, or of any. Never rejects; what could not be
   * stored is kept, and used and stored next time.
   */
  const store = async (appid: string, authorizedBy: Authorized, insteadOf?: string): Promise<boolean> => {
    const { refreshToken, component } = authorizedBy
    if (insteadOf !== undefined) unstored.set(appid, { insteadOf, refreshToken })
    try {
      await directory.changeAccount(appid, (present) => {
        // Meanwhile the account may have authorised anew, or another platform: what came last stays.
        const known = present.authorizedBy
        const isExpected = insteadOf === undefined || known?.refreshToken === insteadOf
        return known?.component === component && isExpected ? { ...present, authorizedBy } : present
      })
      unstored.delete(appid)
      return true
    } catch (error) {
      const detail = `the refresh token of the account could not be stored: ${String(error)}`
      observe({ kind: 'alert', code: 'refresh-token-unstored', account: appid, detail })
      return false
    }
  }

  return {
    askPlatform,
    askAsAuthorised,

    async putTicket(platform, ticket, at) {
      if (!isToken(ticket)) return 'invalid'
      const outcome: { is: 'taken' | 'older' | 'unknown' } = { is: 'unknown' }
      await directory.changeAccount(platform, (present) => {
        if (present.kind !== 'component') return present
        outcome.is = (present.componentTicket?.at ?? 0) > at ? 'older' : 'taken'
        return outcome.is === 'taken' ? { ...present, componentTicket: { ticket, at } } : present
      })
      return outcome.is
    },

    async authorize(platform, code) {
      const body = { component_appid: platform, authorization_code: code }
      const result = await callAs(platform, { path: '/cgi-bin/component/api_query_auth', body }, tokens())
      if (result.kind !== 'body') return failed(result)
      const info = result.object.authorization_info
      const { authorizer_appid: appid, authorizer_refresh_token: refreshToken } =
        typeof info === 'object' && info !== null ? (info as Readonly<Record<string, unknown>>) : {}
      if (typeof appid !== 'string' || !isToken(refreshToken)) return { kind: 'failed', error: 'junk-reply' }
      if (directory.account(appid)?.authorizedBy?.component !== platform)
        return { kind: 'unknown-account', appid }
      if (!(await store(appid, { component: platform, refreshToken })))
        throw new Error('The refresh token could not be stored')
      return { kind: 'authorized', appid }
    },

    async withdraw(platform, appid) {
      await directory.changeAccount(appid, (present) =>
        present.authorizedBy?.component === platform
          ? { ...present, authorizedBy: { component: platform, refreshToken: '' } }
          : present,
      )
    },
  }
}

type Body = ReturnType<typeof parseTokenBody>
type Unavailable = Extract<TokenResult, { kind: 'unavailable' }>
type Authorized = NonNullable<Account['authorizedBy']>

const minute = 60_000
/** Two hours; after that, the next question tries once more. */
const mostStores = 120
const hour = 60 * minute

const post = (path: string, body: object): WechatRequest => ({
  method: 'POST',
  path,
  body: JSON.stringify(body),
})

/** Asks WeChat to push tickets again, at most once an hour for each platform. What it answers, the next ticket tells. */
const createPushStarter = ({ client, clock, observe }: PlatformParts) => {
  const startedAt = new Map<string, number>()
  return async ({ appid, secret }: Account): Promise<void> => {
    const now = clock.now()
    const last = startedAt.get(appid)
    if (last !== undefined && last <= now && now - last < hour) return
    startedAt.set(appid, now)
    const detail = 'WeChat’s tickets do not arrive, or are not taken; it has been asked to push them again'
    observe({ kind: 'alert', code: 'component-ticket', account: appid, detail })
    await client.call(
      post('/cgi-bin/component/api_start_push_ticket', { component_appid: appid, component_secret: secret }),
    )
  }
}

/** "component ticket is expired", "… is invalid", "invalid component ticket". */
const ticketErrcodes: ReadonlySet<number> = new Set([61005, 61006, 40091])
const isAboutTicket = (answer: TokenAnswer): boolean =>
  answer.kind === 'refused' && ticketErrcodes.has(answer.errcode)

/** Of calls that carry a component_access_token, so that every code about a token is about that one. */
const isAboutPlatformToken = (result: Body): boolean =>
  result.kind === 'refused' &&
  errcodeOf(result.errcode).action === 'token' &&
  !ticketErrcodes.has(result.errcode)

const withoutPlatform = ({ errcode, until }: Unavailable): TokenAnswer => ({
  kind: 'lacking',
  error: 'component-unavailable',
  until,
  ...(errcode !== undefined && { errcode }),
})

const failed = (result: Exclude<Body, { kind: 'body' }> | Unavailable): Authorization => {
  if (result.kind === 'refused') return { kind: 'failed', error: result.errmsg, errcode: result.errcode }
  const errcode = result.kind === 'unavailable' ? result.errcode : undefined
  return { kind: 'failed', error: result.error, ...(errcode !== undefined && { errcode }) }
}

const notStored: TokenAnswer = { kind: 'failed', error: 'refresh-token-unstored' }
