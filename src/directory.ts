import { type AccountKind, channelTraits } from './channels.ts'
import { createKnown, openBooks } from './directory-books.ts'
import type { DirectoryRecords, Vault } from './directory-records.ts'
import type { GrantPolicy } from './grants.ts'
import type { Message } from './message.ts'
import { type Stored, storedAccount, storedKey, storedTenant } from './sealed-records.ts'
import type { Tenant } from './tenants.ts'

export type { DirectoryRecords, Vault } from './directory-records.ts'

/** Who may call us: a key and its secrets belong to one tenant. */
export interface AccessKey {
  readonly id: string
  readonly tenant: string
  readonly name: string
  readonly scopes: readonly Scope[]
  /** Newest first: two while a key is being rotated. `keys.ts` says which of them count now. */
  readonly secrets: readonly string[]
  /** Until when the older of two secrets is taken; without it, as long as it stands here. */
  readonly olderSecretUntil?: number
  /** Milliseconds since 1970 UTC. */
  readonly createdAt: number
  /** From when on it is refused. */
  readonly expiresAt?: number
}

/** `send` messages and cancel them · `read` what became of them · `admin` keys and accounts · `operator` tenants. */
export const scopes = ['send', 'read', 'admin', 'operator'] as const
export type Scope = (typeof scopes)[number]

/** One sender of a tenant's: a WeChat appid, or a webhook. */
export interface Account {
  /** For a webhook, an id of ours: `wh_` and 16 hex digits. */
  readonly appid: string
  readonly tenant: string
  /** The tenant's own name for it. */
  readonly name: string
  readonly kind: AccountKind
  /** The AppSecret; of a webhook, what its posts are signed with: `whsec_` and base64. */
  readonly secret: string
  /**
   * Where its tokens come from: one of WeChat's two token APIs, which live in separate worlds; the tenant's own token
   * endpoint (`foreign`); or the third-party platform it has authorised (`component`).
   */
  readonly tokenApi: 'stable' | 'plain' | 'foreign' | 'component'
  /** For `foreign`: GET answers `{"access_token", "expires_in"}`. `authorization` goes as the header of that name. */
  readonly tokenEndpoint?: { readonly url: string; readonly authorization?: string }
  /** For `component`: which platform, an account of the same tenant, and the authoriser's refresh token. */
  readonly authorizedBy?: { readonly component: string; readonly refreshToken: string }
  /** Of a platform: the latest ticket that WeChat has pushed. */
  readonly componentTicket?: { readonly ticket: string; readonly at: number }
  readonly callback?: CallbackSettings
  /** Which of two reports of the same popup counts: WeChat's events, or `POST /v1/grants`. Events when there are callbacks. */
  readonly grantsFrom?: 'events' | 'reports'
  readonly limits?: AccountLimits
  /** Of a webhook: where it posts to. */
  readonly url?: string
  readonly templates: readonly KnownTemplate[]
}

/** How WeChat signs and encrypts what it pushes: the settings of its console. */
export interface CallbackSettings {
  readonly token: string
  /** EncodingAESKeys, newest first: the former one is tried as well while it is being changed. None in plain mode. */
  readonly aesKeys: readonly string[]
  readonly mode: 'plain' | 'compat' | 'safe'
}

/** What the tenant knows better than quota/get. */
export interface AccountLimits {
  /** Calls a day and API. */
  readonly daily?: number
  /** Calls a minute and API. */
  readonly perMinute?: number
  /** The share of the day's calls that only urgent messages may use, 0 to 1. */
  readonly urgentShare?: number
}

export interface KnownTemplate {
  readonly templateId: string
  readonly alias?: string
  readonly title?: string
  /** WeChat's text, lines of `Label:{{key.DATA}}`, once it has been synchronised. */
  readonly content?: string
  readonly example?: string
  /** Of a subscribe template: whether one grant is one message, or any number. */
  readonly grants?: 'once' | 'lasting'
  /** Of fields that take approved words only: these. */
  readonly words?: Readonly<Record<string, readonly string[]>>
  /** The tenant's own names of the keys: `{"order": "character_string1"}`. */
  readonly names?: Readonly<Record<string, string>>
  /** What to do when the books hold no grant; `try` by default. */
  readonly whenNoGrant?: GrantPolicy
  /** Whether values that are too long are cut where a message does not say. */
  readonly shorten?: boolean
  /** Counts the contents seen, from 1. */
  readonly version?: number
  /** When WeChat last listed it; milliseconds since 1970 UTC. */
  readonly syncedAt?: number
  /** Since when WeChat does not list it any more. */
  readonly missingSince?: number
  /** Earlier contents, newest first, a few. */
  readonly earlier?: readonly { readonly version: number; readonly content: string; readonly until: number }[]
}

/**
 * What is to be written, or how it is made of what is there when its turn comes. That may be asked for again, may throw,
 * and may answer what is there already.
 */
export type Made<Thing> = Thing | (() => Thing)

/**
 * Tenants, keys and accounts. Read from memory, because every request asks; written through to the records. What
 * other processes write is known after `refresh`. A change is decided on the latest of what all have written, so that
 * none undoes another and no two take the last room or the same name.
 */
export interface Directory {
  /** A tenant that has keys is one, even without a record of its own. */
  tenant(id: string): Tenant | undefined
  tenants(): readonly Tenant[]
  putTenant(tenant: Made<Tenant>): Promise<Tenant>
  key(id: string): AccessKey | undefined
  keys(tenant: string): readonly AccessKey[]
  putKey(key: Made<AccessKey>): Promise<AccessKey>
  removeKey(id: Made<string>): Promise<void>
  /** By its appid, whoever owns it. */
  account(appid: string): Account | undefined
  /** By name or appid, among a tenant's own. */
  accountOf(tenant: string, name: string): Account | undefined
  /** Of this name among all tenants, while there is only one. */
  onlyAccountNamed(name: string): Account | undefined
  accounts(tenant: string): readonly Account[]
  /** Of all tenants. */
  everyAccount(): readonly Account[]
  putAccount(account: Made<Account>): Promise<Account>
  /** `change` answers the changed account, or the same when there is nothing to do. Nothing if it is unknown. */
  changeAccount(appid: string, change: (account: Account) => Account): Promise<Account | undefined>
  /**
   * Takes in what other processes have written. Answers which records do not open, as `kind/id`: they stay as they were
   * known, and cannot be changed here. Rejects when the records cannot be read.
   */
  refresh(): Promise<readonly string[]>
}

/**
 * Reads everything into memory. Throws when a secret does not open; nothing is changed then. What was sealed under a
 * former master key is sealed anew, so that the former one is not needed any more once this has resolved.
 */
export const openDirectory = async (records: DirectoryRecords, vault: Vault): Promise<Directory> => {
  const known = createKnown()
  const { tenants, keys, accounts } = known
  const { change, refresh } = await openBooks(records, vault, known)

  const put = async <Thing>(made: Made<Thing>, stored: (thing: Thing) => Stored): Promise<Thing> => {
    const box: { thing?: Thing } = {}
    await change(() => {
      box.thing = typeof made === 'function' ? (made as () => Thing)() : made
      const next = stored(box.thing)
      return known.find(next.kind, next.id)?.value === next.value ? undefined : next
    })
    return box.thing!
  }

  return {
    tenant: (id) => tenants.get(id),
    tenants: () => [...tenants.values()],
    putTenant: (tenant) => put(tenant, storedTenant),
    key: (id) => keys.get(id),
    keys: (tenant) => [...keys.values()].filter((key) => key.tenant === tenant),
    putKey: (key) => put(key, storedKey),
    removeKey: (id) => change(() => ({ kind: 'key', id: typeof id === 'function' ? id() : id })),
    account: (appid) => accounts.get(appid),
    accountOf(tenant, name) {
      const byAppid = accounts.get(name)
      if (byAppid?.tenant === tenant) return byAppid
      return [...accounts.values()].find((account) => account.tenant === tenant && account.name === name)
    },
    onlyAccountNamed(name) {
      const [account, ...others] = [...accounts.values()].filter((each) => each.name === name)
      return others.length === 0 ? account : undefined
    },
    accounts: (tenant) => [...accounts.values()].filter((account) => account.tenant === tenant),
    everyAccount: () => [...accounts.values()],
    putAccount: (account) => put(account, storedAccount),
    async changeAccount(appid, make) {
      let changed: Account | undefined
      await change(() => {
        const present = accounts.get(appid)
        changed = present && make(present)
        return changed === undefined || changed === present ? undefined : storedAccount(changed)
      })
      return changed
    },
    refresh,
  }
}

/** The template that a caller means by an id or an alias; an id we do not know is taken as it is. */
export const templateIdOf = (account: Account, idOrAlias: string): string =>
  knownTemplate(account, idOrAlias)?.templateId ?? idOrAlias

/** What is known of the template that goes by this alias or, if none does, by this id. */
export const knownTemplate = ({ templates }: Account, idOrAlias: string): KnownTemplate | undefined => {
  let byName = templateIndexes.get(templates)
  if (byName === undefined) {
    byName = new Map(templates.map((template) => [template.templateId, template]))
    // Of two with one alias the first counts.
    for (const template of templates.toReversed())
      if (template.alias !== undefined) byName.set(template.alias, template)
    templateIndexes.set(templates, byName)
  }
  return byName.get(idOrAlias)
}

/** Every message asks; a list of templates is never changed, only replaced. */
const templateIndexes = new WeakMap<readonly KnownTemplate[], Map<string, KnownTemplate>>()

/**
 * What to do with a message when the books hold no grant for it. A window for customer messages is known to be closed
 * when callbacks tell of every interaction; without them nothing is known.
 */
export const whenNoGrant = (
  account: Account | undefined,
  { channel, templateId }: Pick<Message, 'channel' | 'templateId'>,
): GrantPolicy => {
  if (channelTraits[channel].grant === 'window') return account?.callback ? 'refuse' : 'try'
  return account?.templates.find((known) => known.templateId === templateId)?.whenNoGrant ?? 'try'
}
