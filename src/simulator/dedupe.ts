/**
 * WeChat's own protection against repeats: the same client_msg_id to the same openid is sent once
 * within about ten minutes (D). The window opens with the message that was accepted.
 */
export interface Dedupe {
  /** The message that was accepted under this key within the window, or nothing. */
  find(key: string, now: number): Accepted | undefined
  remember(key: string, accepted: Accepted): void
  clear(): void
}

export interface Accepted {
  readonly msgid: string
  /** Milliseconds, simulated. */
  readonly at: number
}

/** The key of one client_msg_id; the same one to somebody else is another message. */
export const dedupeKey = (appid: string, touser: string, clientMsgId: string): string =>
  `${appid} ${touser} ${clientMsgId}`

const windowMs = 600_000

/** Past this many keys in a window the older half is forgotten early, to bound memory. */
const keysKept = 1_000_000

/** Two generations of keys: when the young one is a window old, or full, it becomes the old one. */
export const createDedupe = (): Dedupe => {
  let young = new Map<string, Accepted>()
  let old = new Map<string, Accepted>()
  let youngSince = -Infinity
  return {
    find: (key, now) => {
      const accepted = young.get(key) ?? old.get(key)
      return accepted !== undefined && now - accepted.at < windowMs ? accepted : undefined
    },
    remember: (key, accepted) => {
      if (accepted.at - youngSince >= windowMs || young.size >= keysKept) {
        old = young
        young = new Map()
        youngSince = accepted.at
      }
      young.set(key, accepted)
    },
    clear: () => {
      young = new Map()
      old = new Map()
      youngSince = -Infinity
    },
  }
}
