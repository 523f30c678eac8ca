import type { AccountKind } from './channels.ts'

/** Who may call us: a key and its secrets belong to one tenant. */
export interface AccessKey {
  readonly id: string
  readonly tenant: string
  readonly name: string
  readonly scopes: readonly Scope[]
  /** The live ones, newest first: two while a key is being rotated. */
  readonly secrets: readonly string[]
  /** Milliseconds since 1970 UTC. */
  readonly createdAt: number
}

/** `send` messages and cancel them · `read` what became of them · `admin` keys and accounts. */
export const scopes = ['send', 'read', 'admin'] as const
export type Scope = (typeof scopes)[number]

/** One WeChat appid that a tenant sends with. */
export interface Account {
  readonly appid: string
  readonly tenant: string
  /** The tenant's own name for it. */
  readonly name: string
  readonly kind: AccountKind
  readonly secret: string
  /** Which of WeChat's two token APIs to use: they live in separate worlds. */
  readonly tokenApi: 'stable' | 'plain'
  readonly templates: readonly KnownTemplate[]
}

export interface KnownTemplate {
  readonly templateId: string
  readonly alias?: string
  readonly title?: string
}

/** Keys and accounts. Read from memory, because every request asks; written through to the records. */
export interface Directory {
  key(id: string): AccessKey | undefined
  keys(tenant: string): readonly AccessKey[]
  putKey(key: AccessKey): Promise<void>
  removeKey(id: string): Promise<void>
  /** By its appid, whoever owns it. */
  account(appid: string): Account | undefined
  /** By name or appid, among a tenant's own. */
  accountOf(tenant: string, name: string): Account | undefined
  accounts(tenant: string): readonly Account[]
  putAccount(account: Account): Promise<void>
}

/** Where the directory is kept: texts by kind and id. */
export interface DirectoryRecords {
  list(kind: string): Promise<readonly string[]>
  put(kind: string, id: string, value: string): Promise<void>
  remove(kind: string, id: string): Promise<void>
}

/** Seals secrets before they are stored. `context` binds a sealed text to its place: elsewhere it does not open. */
export interface Vault {
  seal(text: string, context: string): string
  /** Throws when the master key or the context is another one. */
  open(sealed: string, context: string): string
}

export const openDirectory = async (records: DirectoryRecords, vault: Vault): Promise<Directory> => {
  const keys = new Map<string, AccessKey>()
  const accounts = new Map<string, Account>()

  for (const text of await records.list('key')) {
    const key = JSON.parse(text) as AccessKey
    const secrets = key.secrets.map((secret) => vault.open(secret, keyContext(key)))
    keys.set(key.id, { ...key, secrets })
  }
  for (const text of await records.list('account')) {
    const account = JSON.parse(text) as Account
    accounts.set(account.appid, { ...account, secret: vault.open(account.secret, accountContext(account)) })
  }

  return {
    key: (id) => keys.get(id),
    keys: (tenant) => [...keys.values()].filter((key) => key.tenant === tenant),
    async putKey(key) {
      const secrets = key.secrets.map((secret) => vault.seal(secret, keyContext(key)))
      await records.put('key', key.id, JSON.stringify({ ...key, secrets }))
      keys.set(key.id, key)
    },
    async removeKey(id) {
      await records.remove('key', id)
      keys.delete(id)
    },
    account: (appid) => accounts.get(appid),
    accountOf(tenant, name) {
      const byAppid = accounts.get(name)
      if (byAppid?.tenant === tenant) return byAppid
      return [...accounts.values()].find((account) => account.tenant === tenant && account.name === name)
    },
    accounts: (tenant) => [...accounts.values()].filter((account) => account.tenant === tenant),
    async putAccount(account) {
      const secret = vault.seal(account.secret, accountContext(account))
      await records.put('account', account.appid, JSON.stringify({ ...account, secret }))
      accounts.set(account.appid, account)
    },
  }
}

/** The template that a caller means by an id or an alias; an id we do not know is taken as it is. */
export const templateIdOf = (account: Account, idOrAlias: string): string =>
  account.templates.find(({ alias }) => alias === idOrAlias)?.templateId ?? idOrAlias

const keyContext = ({ tenant, id }: AccessKey): string => `${tenant}/key/${id}/secret/v1`
const accountContext = ({ tenant, appid }: Account): string => `${tenant}/account/${appid}/secret/v1`
