/**
 * Third-party platforms (第三方平台): which accounts have authorised them, and what of theirs changes hands.
 * Tickets live twelve hours, authorisation codes and pre-authorisation codes ten minutes (D; samples of the
 * pages also show thirty).
 */
import { randomBytes } from 'node:crypto'
import { type Accounts, type Authorization, ipAllowed } from './account.ts'
import type { Switches } from './switches.ts'

export interface Components {
  /** The ticket that was pushed last, made on first asking. */
  ticket(component: string): Ticket
  /** A new ticket takes its place; the old one stays good until it is twelve hours old. */
  renewTicket(component: string, text?: string): Ticket
  /** 0, 61005 for a ticket that is too old, 61006 for one that never was. */
  checkTicket(component: string, text: string): 0 | 61005 | 61006
  preAuthCode(component: string): Code
  /** An account authorises the platform: the code for api_query_auth. */
  authorize(component: string, authorization: Authorization): Code
  /** `false` if it had not. */
  unauthorize(component: string, appid: string): boolean
  /** Exchanges a code, once: 61009 for one that never was, 61010 for one that is too old. */
  redeem(component: string, code: string): Authorized | 61009 | 61010
  find(component: string, appid: string): Authorized | undefined
  list(component: string): Authorized[]
  /** A new refresh token, if they rotate. */
  refreshed(authorized: Authorized): Authorized
  /** 0 if the platform may call for this account: else 61003, 61004 or 61007. */
  denial(component: string, claim: ComponentClaim): 0 | 61003 | 61004 | 61007
  /** Takes in what the journal remembers. */
  restore(change: AuthorizedChange): void
  /** Back to the authorisations of the configuration. */
  reset(): void
}

export interface Ticket {
  readonly text: string
  readonly at: number
}

export interface Code {
  readonly code: string
  /** Milliseconds since 1970, simulated. */
  readonly expiresAt: number
}

export interface Authorized extends Authorization {
  readonly component: string
  readonly refreshToken: string
  readonly at: number
}

/** `gone`: it was withdrawn. */
export type AuthorizedChange = Authorized & { readonly gone?: true }

interface ComponentClaim {
  readonly appid: string
  readonly funcs: readonly number[] | undefined
  readonly clientIp: () => string
}

const ticketLifeMs = 12 * 3_600_000
export const codeLifeMs = 600_000
/** Codes and tickets kept; older ones are forgotten. */
const kept = 1_000

const secretText = (prefix: string): string => prefix + randomBytes(32).toString('base64url')

interface ComponentParts {
  readonly now: () => number
  readonly switches: Switches
  readonly accounts: Accounts
  readonly onChange: (change: AuthorizedChange) => void
}

export const createComponents = ({ now, switches, accounts, onChange }: ComponentParts): Components => {
  const tickets = new Map<string, Ticket[]>()
  const codes = new Map<string, { readonly grant: Authorized; readonly expiresAt: number }>()
  const authorized = new Map<string, Authorized>()

  const keep = (next: Authorized): Authorized => {
    authorized.set(`${next.component} ${next.appid}`, next)
    return next
  }
  const change = (next: Authorized): Authorized => {
    onChange(next)
    return keep(next)
  }
  const find = (component: string, appid: string) => authorized.get(`${component} ${appid}`)

  const renewTicket = (component: string, text = secretText('ticket@@@')): Ticket => {
    const ticket = { text, at: now() }
    tickets.set(component, [...(tickets.get(component) ?? []).slice(1 - kept), ticket])
    return ticket
  }

  const reset = (): void => {
    tickets.clear()
    codes.clear()
    authorized.clear()
    // The same after every start, so that a platform that kept its refresh tokens still has the right ones.
    for (const { appid: component, authorized: given } of accounts.list())
      for (const each of given)
        keep({ ...each, component, refreshToken: `refreshtoken@@@${component}-${each.appid}`, at: now() })
  }
  reset()

  return {
    ticket: (component) => tickets.get(component)?.at(-1) ?? renewTicket(component),
    renewTicket,
    checkTicket: (component, text) => {
      const found = tickets.get(component)?.find((ticket) => ticket.text === text)
      if (found === undefined) return 61006
      return now() - found.at < ticketLifeMs ? 0 : 61005
    },
    preAuthCode: () => ({ code: secretText('preauthcode@@@'), expiresAt: now() + codeLifeMs }),
    authorize: (component, authorization) => {
      const code = { code: secretText('queryauthcode@@@'), expiresAt: now() + codeLifeMs }
      const refreshToken = secretText('refreshtoken@@@')
      const grant = change({ ...authorization, component, refreshToken, at: now() })
      if (codes.size >= kept) codes.clear()
      codes.set(code.code, { grant, expiresAt: code.expiresAt })
      return code
    },
    unauthorize: (component, appid) => {
      const found = find(component, appid)
      if (found === undefined) return false
      onChange({ ...found, gone: true })
      authorized.delete(`${component} ${appid}`)
      return true
    },
    redeem: (component, text) => {
      const code = codes.get(text)
      if (code === undefined || code.grant.component !== component) return 61009
      if (now() >= code.expiresAt) return 61010
      codes.delete(text)
      return find(component, code.grant.appid) ?? 61009
    },
    find,
    list: (component) => [...authorized.values()].filter((each) => each.component === component),
    refreshed: (before) =>
      switches.refreshTokenRotates
        ? change({ ...before, refreshToken: secretText('refreshtoken@@@') })
        : before,
    denial: (component, { appid, funcs, clientIp }) => {
      const found = find(component, appid)
      if (found === undefined) return 61003
      if (!ipAllowed(accounts.get(component)?.flags ?? {}, clientIp)) return 61004
      const missing =
        funcs !== undefined && found.funcs !== undefined && !funcs.some((func) => found.funcs?.includes(func))
      return missing ? 61007 : 0
    },
    restore: ({ gone, ...change }) => {
      if (gone) authorized.delete(`${change.component} ${change.appid}`)
      else keep(change)
    },
    reset,
  }
}
