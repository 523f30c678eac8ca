import { BlockList, isIPv6 } from 'node:net'
import type { CallbackTarget } from './push-target.ts'
import { createTemplates, type SimulatedTemplate, type Templates } from './template.ts'

/** One appid as it is configured: an official account (公众号), a mini program (小程序) or a third-party platform. */
export interface SimulatedAccount {
  readonly name: string
  readonly appid: string
  readonly secret: string
  readonly kind: AccountKind
  readonly templates: readonly SimulatedTemplate[]
  /** Its users; followers, for an official account. */
  readonly openids: readonly string[]
  readonly flags?: AccountFlags
  /** Of a platform: the accounts that have authorised it. */
  readonly authorized?: readonly Authorization[]
  /** Where its events are pushed to. Without it nothing is. */
  readonly callback?: CallbackTarget
}

export type AccountKind = 'official' | 'miniprogram' | 'component'

/** Everything an account may have: another field is a slip of whoever wrote it. */
export const accountFields = [
  'name',
  'appid',
  'secret',
  'kind',
  'templates',
  'openids',
  'flags',
  'authorized',
  'callback',
] as const

export interface Authorization {
  readonly appid: string
  /** The permission sets it was given (7, 100 and 101 templates · 18 subscribe messages · 89 notices); all without it. */
  readonly funcs?: readonly number[]
}

export interface AccountFlags {
  /** The account is frozen: 50007. */
  readonly frozen?: boolean
  /** The secret is frozen: the token APIs answer 40243. */
  readonly secretFrozen?: boolean
  /** The sending API is banned: 48004. */
  readonly apiBanned?: boolean
  /** Subscribe messages are banned for the whole account: 43107. */
  readonly subscribeBanned?: boolean
  /** Template ids that are banned: 43116 for an official account, 43107 for a mini program. */
  readonly bannedTemplates?: readonly string[]
  /** A test account: lengths are not enforced, fewer tokens a day. */
  readonly sandbox?: boolean
  /** Who may call: an address, `a.b.c.*`, or CIDR. Without it anybody may; else 40164. */
  readonly ipWhitelist?: readonly string[]
  /** The token APIs answer with this: 50004 forbidden, or one of the risk controls 89501 to 89507. */
  readonly tokenErrcode?: number
  /** Adding templates is forbidden: 43106. */
  readonly templatesForbidden?: boolean
  /** Customer messages are blocked for the whole account: 45087. */
  readonly customerBlocked?: boolean
  /** The mini programs that messages may lead to; others are 40166. Without it any may. */
  readonly boundMiniprograms?: readonly string[]
  /** The pages of the mini program; others are 41030. Without it there is any page. */
  readonly pages?: readonly string[]
  /** For this account, instead of the switch of this name. */
  readonly grants?: 'boundless' | 'counted'
}

export const trueFalseFlags = [
  'frozen',
  'secretFrozen',
  'apiBanned',
  'subscribeBanned',
  'sandbox',
  'templatesForbidden',
  'customerBlocked',
] as const
export const listFlags = ['bannedTemplates', 'ipWhitelist', 'boundMiniprograms', 'pages'] as const

/** One appid as it lives in the simulator. */
export interface Account {
  readonly name: string
  readonly appid: string
  readonly secret: string
  /** Nothing: an account of the "accept any" mode, which may use every API. */
  readonly kind: AccountKind | undefined
  readonly openids: Set<string>
  readonly templates: Templates
  readonly authorized: readonly Authorization[]
  flags: AccountFlags
  /** Back to its configuration: templates, users and flags. */
  reset(): void
}

export interface Accounts {
  get(appid: string): Account | undefined
  /** The same for whoever only looks: in the "accept any" mode it makes no new account. */
  known(appid: string): Account | undefined
  /** Every account known by configuration, and those met in the "accept any" mode. */
  list(): Iterable<Account>
  /** Whether unknown appids, secrets, openids and templates are all right. */
  readonly acceptAny: boolean
}

/** The "accept any" mode remembers this many appids; a further one is 40013. */
const strangersKept = 10_000

export const createAccounts = (configured: readonly SimulatedAccount[], acceptAny: boolean): Accounts => {
  const known = new Map<string, Account>()
  for (const account of configured) {
    if (known.has(account.appid)) throw new Error(`accounts: ${account.appid} stands there twice`)
    known.set(account.appid, openAccount(account))
  }
  const full = known.size + strangersKept
  const meet = (appid: string): Account | undefined => {
    if (!acceptAny || appid === '' || known.size >= full) return undefined
    const stranger = openAccount({ name: appid, appid, secret: '', templates: [], openids: [] })
    known.set(appid, stranger)
    return stranger
  }
  return {
    get: (appid) => known.get(appid) ?? meet(appid),
    known: (appid) => known.get(appid),
    list: () => known.values(),
    acceptAny,
  }
}

type Configured = Omit<SimulatedAccount, 'kind'> & { readonly kind?: AccountKind }

const openAccount = ({ name, appid, secret, kind, ...configured }: Configured): Account => {
  const templates = createTemplates(configured.templates)
  const account: Account = {
    name,
    appid,
    secret,
    kind,
    openids: new Set(configured.openids),
    templates,
    authorized: configured.authorized ?? [],
    flags: configured.flags ?? {},
    reset: () => {
      templates.reset()
      account.openids.clear()
      for (const openid of configured.openids) account.openids.add(openid)
      account.flags = configured.flags ?? {}
    },
  }
  return account
}

/** Whether this address may call for the account. */
export const ipAllowed = ({ ipWhitelist }: AccountFlags, clientIp: () => string): boolean => {
  if (ipWhitelist === undefined) return true
  const ip = clientIp()
  return whitelistOf(ipWhitelist).check(ip, isIPv6(ip) ? 'ipv6' : 'ipv4')
}

const whitelists = new WeakMap<readonly string[], BlockList>()

const whitelistOf = (entries: readonly string[]): BlockList => {
  const ready = whitelists.get(entries)
  if (ready) return ready
  const list = new BlockList()
  for (const entry of entries) {
    const cidr = entry.endsWith('.*') ? `${entry.slice(0, -1)}0/24` : entry
    const [address = '', prefix] = cidr.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    if (prefix === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(prefix), family)
  }
  whitelists.set(entries, list)
  return list
}
