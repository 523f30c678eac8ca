/** The paths of the simulated API, and what every business API checks before its own rules. */
import { type Account, type AccountKind, ipAllowed } from './account.ts'
import type { Call } from './call.ts'
import type { Reply } from './reply.ts'
import type { World } from './world.ts'

export interface Route {
  readonly method: 'GET' | 'POST'
  /** Whose API it is; nothing: everybody's. */
  readonly kind?: AccountKind
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
  /** POST without it. */
  readonly method?: 'GET'
  /** Whose API it is; nothing: everybody's. */
  readonly kind?: AccountKind
  /** Whether it sends messages, which an account may be forbidden to do: 48004. */
  readonly sends?: true
  /** The permission sets, any one of which a platform needs; nothing: every platform may. */
  readonly funcs?: readonly number[]
  /** The rules of the API itself. */
  handle(business: Business): Reply
}

const nothing: Readonly<Record<string, unknown>> = {}

/** Wraps an API into the checks that come first, in the order of precedence we assume (I). */
export const businessRoute = (world: World, api: BusinessApi): Route => {
  const method = api.method ?? 'POST'
  return {
    method,
    ...(api.kind && { kind: api.kind }),
    handle: (call) => {
      const { refuse, quota } = world
      const account = callerOf(world, call)
      if (typeof account === 'number') return refuse(account)
      const denied = denial(world, account, { call, api })
      if (denied !== undefined) return denied
      const metered = { appid: account.appid, path: api.path, component: call.token?.component }
      const over = quota.refusal(metered, world.limitsOf(account))
      if (over !== 0) return refuse(over)
      const json = method === 'GET' ? nothing : call.json
      const reply = typeof json === 'number' ? refuse(json) : api.handle({ call, account, json })
      if (reply.errcode === 0 || world.switches.failedCallsCount) quota.count(metered)
      return reply
    },
  }
}

/** The account whose token it is, or the refusal. A platform's own token is no account's: 61015. */
const callerOf = ({ accounts }: World, { token }: Call): Account | number => {
  if (token === undefined) return 41001
  if (token.errcode !== 0) return token.errcode
  if (token.world === 'component') return 61015
  return accounts.get(token.appid ?? '') ?? 40001
}

interface Claim {
  readonly call: Call
  readonly api: BusinessApi
}

const denial = (world: World, account: Account, { call, api }: Claim): Reply | undefined => {
  const { refuse, switches } = world
  const { flags } = account
  const component = call.token?.component
  const stranger = component === undefined ? ownerDenial(world, account, call) : undefined
  if (stranger !== undefined) return stranger
  if (component !== undefined) {
    const errcode = world.components.denial(component, {
      appid: account.appid,
      funcs: api.funcs,
      clientIp: call.clientIp,
    })
    if (errcode !== 0) return refuse(errcode)
  }
  if (flags.frozen) return refuse(50007)
  if (api.sends && flags.apiBanned) return refuse(48004)
  if (api.kind === undefined || account.kind === undefined || account.kind === api.kind) return undefined
  return refuse(switches.otherKindErrcode)
}

/** Official accounts have their address checked on every call, mini programs only where the secret is shown (D). */
const ownerDenial = ({ refuse }: World, account: Account, { clientIp }: Call): Reply | undefined =>
  account.kind === 'official' && !ipAllowed(account.flags, clientIp)
    ? refuse(40164, notWhitelisted(clientIp()))
    : undefined

/** The errmsg tells which address to add (C). */
export const notWhitelisted = (ip: string): string => `invalid ip ${ip} ipv6 ::ffff:${ip}, not in whitelist`
