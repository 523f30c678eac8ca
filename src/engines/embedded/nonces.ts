import type { Clock } from '../../clock.ts'
import type { Coordination } from '../../coordination.ts'
import type { GroupCommit } from './group-commit.ts'

/**
 * Nonces of one process. Memory decides; the file only remembers for the next start. The write is not
 * waited for: the storage thread works in order, so it is committed with or before whatever the request
 * publishes. A crash before that commit forgets the nonce and the message alike, and a replay is then no repeat.
 */
export const createNonces = ({
  store,
  clock,
  known,
}: {
  readonly store: GroupCommit
  readonly clock: Clock
  readonly known: readonly { readonly nonce: string; readonly until: number }[]
}): Coordination => {
  const seen = new Map(known.map(({ nonce, until }) => [nonce, until]))

  /** A Map keeps the order of insertion, and all nonces live equally long: the oldest are at the front. */
  const forgetOld = () => {
    const now = clock.now()
    for (const [nonce, until] of seen) {
      if (until > now) return
      seen.delete(nonce)
    }
  }

  return {
    async claimNonce({ keyId, nonce, until }) {
      forgetOld()
      const name = `${keyId} ${nonce}`
      if (seen.has(name)) return false
      seen.set(name, until)
      store.run('nonce', { nonce: name, until }).catch(() => {})
      return true
    },
  }
}
