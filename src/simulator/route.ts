/** The paths of the simulated API, and what every business API checks before its own rules. */
import { type Account, type AccountKind, ipAllowed } from './account.ts'
import type { Call } from './call.ts'
import type { Reply } from './reply.ts'
import type { World } from './world.ts'

export interface Route {
  readonly method: 'GET' | 'POST'
  handle(call: Call): Reply
}

/** What a business API is given once the caller has proved who it is. */
export interface Business {
  readonly call: Call
  readonly account: Account
  readonly json: Readonly<Record<string, unknown>>
}

export interface BusinessApi {
  readonly path: string
  /** Whose API it is; nothing: everybody's. */
  readonly kind?: AccountKind
  /** The rules of the API itself. */
  handle(business: Business): Reply
}

/** Wraps an API into the checks that come first, in the order of precedence we assume (I). */
export const businessRoute = (world: World, api: BusinessApi): Route => ({
  method: 'POST',
  handle: (call) => {
    const { refuse, quota } = world
    if (call.token === undefined) return refuse(41001)
    if (call.token.errcode !== 0) return refuse(call.token.errcode)
    const account = world.accounts.get(call.token.appid ?? '')
    if (account === undefined) return refuse(40001)
    const denied = denial(world, account, { call, kind: api.kind })
    if (denied !== undefined) return denied
    const over = quota.refusal(account.appid, api.path, world.limitsOf(account))
    if (over !== 0) return refuse(over)
    const reply =
      typeof call.json === 'number' ? refuse(call.json) : api.handle({ call, account, json: call.json })
    if (reply.errcode === 0 || world.switches.failedCallsCount) quota.count(account.appid, api.path)
    return reply
  },
})

interface Claim {
  readonly call: Call
  readonly kind: AccountKind | undefined
}

/** Official accounts have their address checked on every call, mini programs only where the secret is shown (D). */
const denial = ({ refuse }: World, account: Account, { call, kind }: Claim): Reply | undefined => {
  const { flags } = account
  if (account.kind === 'official' && !ipAllowed(flags, call.clientIp))
    return refuse(40164, notWhitelisted(call.clientIp()))
  if (flags.frozen) return refuse(50007)
  if (kind === undefined) return undefined
  if (flags.apiBanned) return refuse(48004)
  return account.kind === undefined || account.kind === kind ? undefined : refuse(48001)
}

/** The errmsg tells which address to add (C). */
export const notWhitelisted = (ip: string): string => `invalid ip ${ip} ipv6 ::ffff:${ip}, not in whitelist`
