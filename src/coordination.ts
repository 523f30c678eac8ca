import type { Bulletin } from './bulletin.ts'
import type { CallShares } from './call-shares.ts'

/**
 * What several processes must agree on. One process agrees with itself in memory; many agree through a
 * shared store.
 */
export interface Coordination {
  /**
   * Whether this nonce of this key is seen for the first time. A `true` is remembered until `until`
   * (milliseconds since 1970 UTC) and is on stable storage no later than anything published after it.
   */
  claimNonce(claim: {
    readonly keyId: string
    readonly nonce: string
    readonly until: number
  }): Promise<boolean>
  /** What several processes keep together. One that is alone has none. */
  readonly shelf?: Shelf
  /** With several processes: the calls that they share, and what they tell each other. */
  readonly calls?: CallShares
  readonly bulletin?: Bulletin
}

/**
 * Texts by name. Each is replaced only by who has seen the one that is there, so that of several who want to replace the
 * same one, one does. A text that has not been replaced for two days is forgotten.
 */
export interface Shelf {
  /** Rejects when it cannot be told what is there. */
  look(name: string): Promise<string | undefined>
  /**
   * Puts `next` in the place of `seen`; without that, where nothing is. `false`: something else is there. After a
   * rejection it may be there or not.
   */
  swap(name: string, texts: { readonly seen: string | undefined; readonly next: string }): Promise<boolean>
}
