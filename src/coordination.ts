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
}
