/**
 * Carrying everything that one engine keeps over into another.
 *
 * What the embedded engine has in tables becomes these kinds of rows, and these keys of Redis:
 *
 * | table | kind | keys |
 * |---|---|---|
 * | `messages`, `queue`, `steps`, `outcomes`, `receipts` | `messages` | `m:`, `t:`, `due:`, `c:`, `conditions`, `tenant:`, `counts:`, `p:`, `w:`, `open` or `final` |
 * | `idempotency` | `idempotency_keys` | `i:` |
 * | `grants` | `grants` | `g:`, `grants`, `books` of every shard |
 * | `owed_grants` | `owed_grants` | `o:`, `owed` |
 * | `contacts` | `contacts` | `h:` |
 * | `stray_receipts` | `stray_receipts` | `y:`, `strays` |
 * | `note_keys` | `note_keys` | `notes` of every shard, because whose they are is not on record |
 * | `nonces` | `nonces` | `nonces` |
 * | `directory` | `directory` | `d:`: tenants, keys, accounts with their templates; sealed secrets stay as they are |
 * | `recipients` | none: an index that Redis does not need | |
 *
 * `ready:`, `telling` and `events` begin empty: what is due goes into the streams when it is first looked for.
 * `epoch` and `shards` belong to the shards themselves.
 *
 * A message on lease comes over as the start of the embedded engine would leave it: still `leased`, and ready, so that the
 * next worker finds a lease that was lost, and a doubt where a call may have begun.
 */
import type { GrantKind } from './grants.ts'
import type { MessageId, MessageRecord, State } from './message.ts'
import type { Contact, Receipt } from './recipients.ts'

/** The rows of each kind, as no engine has them. */
export interface Carried {
  readonly messages: CarriedMessage
  readonly idempotency_keys: CarriedKey
  readonly grants: CarriedGrant
  readonly owed_grants: GrantName & { readonly count: number; readonly at: number }
  readonly contacts: Contact
  readonly stray_receipts: { readonly account: string; readonly receipt: Receipt; readonly until: number }
  readonly note_keys: { readonly account: string; readonly key: string; readonly until: number }
  readonly nonces: { readonly nonce: string; readonly until: number }
  readonly directory: { readonly kind: string; readonly id: string; readonly value: string }
}

export type Kind = keyof Carried

/** In the order in which they are carried. */
export const kinds = [
  'directory',
  'nonces',
  'note_keys',
  'contacts',
  'grants',
  'owed_grants',
  'stray_receipts',
  'idempotency_keys',
  'messages',
] as const satisfies readonly Kind[]

export interface CarriedMessage {
  readonly record: MessageRecord
  /** Its idempotency key, if it has one. */
  readonly key?: string
  /** While it is not final. */
  readonly waiting?: {
    readonly tries: number
    readonly leasedAt?: number
    /** Whether a call may have begun in its latest lease. */
    readonly begun: boolean
    readonly condition?: string
    /** What it holds of the books: of which row, and in which generation of it. */
    readonly held?: Pick<CarriedGrant, 'templateId' | 'kind' | 'name' | 'generation'>
  }
  /** How it ended, which a receipt may have sharpened. */
  readonly ended?: { readonly state: State; readonly at: number; readonly sharpened: boolean }
}

export interface CarriedKey {
  readonly tenant: string
  readonly key: string
  readonly id: MessageId
  readonly fingerprint: string
  /** Whose message it is. */
  readonly account: string
  readonly touser: string
}

/** `name` is empty where a permission has none. */
export interface GrantName {
  readonly account: string
  readonly touser: string
  readonly templateId: string
  readonly kind: GrantKind
  readonly name: string
}

export interface CarriedGrant extends GrantName {
  /** Nothing: any number. */
  readonly available?: number
  readonly reserved: number
  readonly used: number
  readonly expiresAt?: number
  /** A withdrawal begins a new one. */
  readonly generation: number
  readonly updatedAt: number
}

/**
 * What a source remembers of a migration. While there is one, the engine does not start on this source: two systems that
 * send one backlog are the worst that can happen.
 */
export interface Mark {
  /** Of the migration, in both ends. */
  readonly id: string
  /** `moving`: the target cannot have sent anything yet. `moved`: it may have. */
  readonly state: 'moving' | 'moved'
  /** The address of the target, without a password. */
  readonly to: string
  /** When it began: leases are lost, and what is remembered for a time is past it, as of this moment. */
  readonly at: number
}

/** An engine that is read out. Nothing else works on it meanwhile, and nothing in it changes. */
export interface Export {
  readonly mark: Mark | undefined
  /** Resolves, or returns, once the mark is on stable storage. */
  setMark(mark: Mark): void
  count(kind: Kind, at: number): number
  /** All rows, messages in the order of their acceptance. The same rows every time for the same `at`. */
  pages<K extends Kind>(kind: K, at: number): Iterable<readonly Carried[K][]>
  close(): void
}

/**
 * An engine that takes in what another one had. Until `goLive`, nothing can be sent from what has been taken in, by
 * whatever process: the engine does not open.
 */
export interface Import {
  /** Its address, without a password. */
  readonly address: string
  /**
   * What is there: nothing; this migration, not finished (`moving`) or finished (`live`); or something else. Without an
   * id there is no migration that it could be.
   */
  look(id: string | undefined): Promise<'empty' | 'moving' | 'live' | 'occupied'>
  /** Closes it for everything but this migration. Does nothing when that has been done. */
  begin(id: string): Promise<void>
  /** What is there already is not touched, so a page may come again. Messages come in the order of their acceptance. */
  put<K extends Kind>(kind: K, rows: readonly Carried[K][]): Promise<void>
  /** The same rows as they are there, read from wherever the engine will look for them; nothing for what is not there. */
  read<K extends Kind>(kind: K, rows: readonly Carried[K][]): Promise<readonly (Carried[K] | undefined)[]>
  /** How many messages it holds, of this migration or not. */
  messages(): Promise<number>
  /** Opens it, in one step: from now on its workers send. Rejects when it is not as `begin` left it. */
  goLive(id: string): Promise<void>
  close(): void
}
