/**
 * How tenants, keys and accounts stand in the records: as JSON, their secrets sealed. `master-key` is a text that says
 * nothing: whoever cannot open it has another master key than the process that came first.
 */
import type { AccessKey, Account } from './directory.ts'
import type { RecordChange, Vault } from './directory-records.ts'
import type { Tenant } from './tenants.ts'

export type Stored =
  | { readonly kind: 'tenant'; readonly id: string; readonly value: Tenant }
  | { readonly kind: 'key'; readonly id: string; readonly value: AccessKey }
  | { readonly kind: 'account'; readonly id: string; readonly value: Account }
  | { readonly kind: 'master-key'; readonly id: string; readonly value: string }

/** In the order in which they are read: a key must not be taken for the first word of its tenant. */
export const storedKinds = ['master-key', 'tenant', 'key', 'account'] as const

export const storedTenant = (value: Tenant): Stored => ({ kind: 'tenant', id: value.id, value })
export const storedKey = (value: AccessKey): Stored => ({ kind: 'key', id: value.id, value })
export const storedAccount = (value: Account): Stored => ({ kind: 'account', id: value.appid, value })
export const masterKeySample: Stored = { kind: 'master-key', id: 'sample', value: 'hongyan' }

/** The record of a thing. */
export const sealedRecord = (stored: Stored, { seal }: Vault): RecordChange & { readonly value: string } => {
  const { kind, id, value } = stored
  return { kind, id, value: JSON.stringify(turned(kind, value, seal)) }
}

export interface Opened {
  readonly stored: Stored
  /** Whether all of it is sealed as the vault seals now. */
  readonly isCurrent: boolean
}

/** The thing of a record. Throws when a secret of it does not open. */
export const openedRecord = (kind: Stored['kind'], text: string, vault: Vault): Opened => {
  let isCurrent = true
  const value = turned(kind, JSON.parse(text), (sealed, context) => {
    if (!vault.isCurrent(sealed)) isCurrent = false
    return vault.open(sealed, context)
  })
  return { stored: storedOf(kind, value), isCurrent }
}

const storedOf = (kind: Stored['kind'], value: unknown): Stored => {
  switch (kind) {
    case 'tenant':
      return storedTenant(value as Tenant)
    case 'key':
      return storedKey(value as AccessKey)
    case 'account':
      return storedAccount(value as Account)
    case 'master-key':
      return masterKeySample
  }
}

const turned = (kind: Stored['kind'], value: unknown, turn: Turn): unknown => {
  switch (kind) {
    case 'tenant':
      return value
    case 'key':
      return withKeySecrets(value as AccessKey, turn)
    case 'account':
      return withSecrets(value as Account, turn)
    case 'master-key':
      return turn(value as string, 'master-key/sample/v1')
  }
}

/** Seals a text, or opens it. */
type Turn = (text: string, context: string) => string

/** A key with its secrets sealed, or opened: bound to tenant, kind, id and field, as those of an account are. */
const withKeySecrets = (key: AccessKey, turn: Turn): AccessKey => ({
  ...key,
  secrets: key.secrets.map((secret) => turn(secret, `${key.tenant}/key/${key.id}/secret/v1`)),
})

/** An account with every secret of it sealed, or opened. Each is bound to its place. */
const withSecrets = (account: Account, turn: Turn): Account => {
  const { tenant, appid, tokenEndpoint, authorizedBy, componentTicket, callback } = account
  const field = (text: string, name: string) => turn(text, `${tenant}/account/${appid}/${name}/v1`)
  return {
    ...account,
    secret: field(account.secret, 'secret'),
    ...(tokenEndpoint?.authorization !== undefined && {
      tokenEndpoint: {
        ...tokenEndpoint,
        authorization: field(tokenEndpoint.authorization, 'token-authorization'),
      },
    }),
    ...(authorizedBy && {
      authorizedBy: { ...authorizedBy, refreshToken: field(authorizedBy.refreshToken, 'refresh-token') },
    }),
    ...(componentTicket && {
      componentTicket: { ...componentTicket, ticket: field(componentTicket.ticket, 'component-ticket') },
    }),
    ...(callback && {
      callback: {
        ...callback,
        token: field(callback.token, 'callback-token'),
        aesKeys: callback.aesKeys.map((key) => field(key, 'callback-aes-key')),
      },
    }),
  }
}
