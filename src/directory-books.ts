/**
 * What is known of the directory, and how it is changed. Where several processes write, a change is made only if its
 * writer has seen every change before it. Otherwise it takes in what it has missed and decides again, so whatever a
 * decision rests on (that a name is free, that there is room, what a record was) is still so when it takes effect.
 */
import type { AccessKey, Account } from './directory.ts'
import type { DirectoryRecords, RecordChange, Vault } from './directory-records.ts'
import {
  masterKeySample,
  openedRecord,
  type Stored,
  sealedRecord,
  storedAccount,
  storedKey,
  storedKinds,
  storedTenant,
} from './sealed-records.ts'
import type { Tenant } from './tenants.ts'
import { createTurns } from './turns.ts'

/** A thing to be written, a key to be removed, or nothing to be done. */
export type Decision =
  | Stored
  | { readonly kind: 'key'; readonly id: string; readonly value?: never }
  | undefined

export interface Books {
  /** `decide` looks at what is known; it is asked again when that was not the latest, and may throw. */
  change(decide: () => Decision): Promise<void>
  /** See `Directory`. */
  refresh(): Promise<readonly string[]>
}

/** Another process must be faster so often in a row before a change is given up. */
const maxTries = 100

export const openBooks = async (records: DirectoryRecords, vault: Vault, known: Known): Promise<Books> => {
  const { shared } = records
  const inTurn = createTurns()
  /** Records that another master key has sealed, by `kind/id`. */
  const unopened = new Map<string, unknown>()
  let version = (await shared?.version()) ?? 0

  const take = ({ kind, id, value }: RecordChange): void => {
    const stored = storedKinds.find((each) => each === kind)
    if (stored === undefined) return
    unopened.delete(nameOf({ kind, id }))
    try {
      if (value === undefined) known.drop(stored, id)
      else known.learn(openedRecord(stored, value, vault).stored)
    } catch (error) {
      unopened.set(nameOf({ kind, id }), error)
    }
  }

  const catchUp = async (): Promise<void> => {
    if (shared === undefined) return
    const { version: latest, changes } = await shared.since(version)
    for (const change of changes) take(change)
    version = latest
  }

  /** Answers whether it was made. */
  const write = async (change: RecordChange): Promise<boolean> => {
    const { kind, id, value } = change
    if (shared === undefined) {
      await (value === undefined ? records.remove(kind, id) : records.put(kind, id, value))
      return true
    }
    const written = await shared.write(change, version)
    if (written !== undefined) version = written
    return written !== undefined
  }

  const changeNow = async (decide: () => Decision): Promise<void> => {
    for (let tries = 0; tries < maxTries; tries++) {
      const decision = decide()
      if (decision === undefined) return
      // Written on top of what is known here, it would undo what was sealed under the other master key.
      if (decision.value !== undefined && unopened.has(nameOf(decision))) throw unopened.get(nameOf(decision))
      const { kind, id } = decision
      const change = decision.value === undefined ? { kind, id } : sealedRecord(decision, vault)
      if (await write(change)) {
        if (decision.value === undefined) known.drop(kind, id)
        else known.learn(decision)
        return
      }
      await catchUp()
    }
    throw new Error(`The directory has been changed ${maxTries} times by others meanwhile`)
  }
  const change = (decide: () => Decision): Promise<void> => inTurn(() => changeNow(decide))

  for (const { kind, id } of await readAll(records, vault, known)) await change(() => known.find(kind, id))
  if (shared) await change(() => (known.find('master-key', masterKeySample.id) ? undefined : masterKeySample))

  return {
    change,
    refresh: () =>
      inTurn(async () => {
        await catchUp()
        return [...unopened.keys()]
      }),
  }
}

const nameOf = ({ kind, id }: Pick<RecordChange, 'kind' | 'id'>): string => `${kind}/${id}`

/** Throws when a secret does not open. Answers what has to be sealed anew. */
const readAll = async (records: DirectoryRecords, vault: Vault, known: Known): Promise<readonly Stored[]> => {
  const stale: Stored[] = []
  for (const kind of storedKinds)
    for (const text of await records.list(kind)) {
      const { stored, isCurrent } = openedRecord(kind, text, vault)
      known.learn(stored)
      if (!isCurrent) stale.push(stored)
    }
  return stale
}

export type Known = ReturnType<typeof createKnown>

/** Everything that is known, by id. */
export const createKnown = () => {
  const tenants = new Map<string, Tenant>()
  const keys = new Map<string, AccessKey>()
  const accounts = new Map<string, Account>()
  let sample: Stored | undefined

  return {
    tenants: tenants as ReadonlyMap<string, Tenant>,
    keys: keys as ReadonlyMap<string, AccessKey>,
    accounts: accounts as ReadonlyMap<string, Account>,

    learn(stored: Stored): void {
      switch (stored.kind) {
        case 'tenant':
          tenants.set(stored.id, stored.value)
          return
        case 'key':
          keys.set(stored.id, stored.value)
          if (!tenants.has(stored.value.tenant)) tenants.set(stored.value.tenant, tenantOf(stored.value))
          return
        case 'account':
          accounts.set(stored.id, stored.value)
          return
        case 'master-key':
          sample = stored
      }
    },

    drop(kind: Stored['kind'], id: string): void {
      if (kind === 'tenant') tenants.delete(id)
      if (kind === 'key') keys.delete(id)
      if (kind === 'account') accounts.delete(id)
    },

    find(kind: Stored['kind'], id: string): Stored | undefined {
      const [tenant, key, account] = [tenants.get(id), keys.get(id), accounts.get(id)]
      switch (kind) {
        case 'tenant':
          return tenant && storedTenant(tenant)
        case 'key':
          return key && storedKey(key)
        case 'account':
          return account && storedAccount(account)
        case 'master-key':
          return sample
      }
    },
  }
}

/** A tenant that nobody has put on record: it came with its first key. */
const tenantOf = ({ tenant: id, createdAt }: AccessKey): Tenant => ({ id, name: id, createdAt })
