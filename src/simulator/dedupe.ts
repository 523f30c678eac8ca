/**
 * WeChat's own protection against repeats: the same client_msg_id to the same openid is sent once
 * within about ten minutes (D). The window opens with the message that was accepted.
 */
export interface Dedupe {
  /** The msgid that was accepted under this key within the window, or nothing. */
  find(key: DedupeKey, now: number): string | undefined
  remember(key: DedupeKey, msgid: string, at: number): void
  clear(): void
}

export interface DedupeKey {
  readonly appid: string
  readonly touser: string
  readonly clientMsgId: string
}

const windowMs = 600_000

/** Past this many keys in a window the older half is forgotten early, to bound memory. */
const keysKept = 1_000_000

interface Accepted {
  readonly msgid: string
  readonly at: number
}

/** Two generations of keys: when the young one is a window old, or full, it becomes the old one. */
export const createDedupe = (): Dedupe => {
  let young = new Map<string, Accepted>()
  let old = new Map<string, Accepted>()
  let youngSince = -Infinity
  return {
    find: (key, now) => {
      const text = textOf(key)
      const accepted = young.get(text) ?? old.get(text)
      return accepted !== undefined && now - accepted.at < windowMs ? accepted.msgid : undefined
    },
    remember: (key, msgid, at) => {
      if (at - youngSince >= windowMs || young.size >= keysKept) {
        old = young
        young = new Map()
        youngSince = at
      }
      young.set(textOf(key), { msgid, at })
    },
    clear: () => {
      young = new Map()
      old = new Map()
      youngSince = -Infinity
    },
  }
}

const textOf = ({ appid, touser, clientMsgId }: DedupeKey): string => `${appid} ${touser} ${clientMsgId}`
