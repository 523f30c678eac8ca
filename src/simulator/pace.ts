/**
 * What one user is spared: two calls at once (43108), too many messages (43117), the same again within a
 * minute (40241). Only what a switch asks for is remembered.
 */
import type { Switches } from './switches.ts'

export interface Pace {
  /** Whether there is nothing to be minded: the usual case, which costs nothing. */
  idle(): boolean
  /** Why this user is not to be sent this now, or nothing. `content` makes the text that is compared. */
  errcode(touser: Addressed, content: () => string, at: number): 43108 | 43117 | 40241 | undefined
  /** A message was accepted. */
  note(touser: Addressed, content: () => string, at: number): void
  /** A call to this user waits for its answer until the returned function is called, however often. */
  begin(touser: Addressed): () => void
  clear(): void
}

export interface Addressed {
  readonly appid: string
  readonly touser: string
  /** Whether the API is one that minds concurrent calls. */
  readonly exclusive: boolean
}

const minuteMs = 60_000
/** Past this many users the memory starts anew: a limit of the simulator, far above any test. */
const usersKept = 200_000

export const createPace = (switches: Switches): Pace => {
  const open = new Map<string, number>()
  const recent = new Map<string, number[]>()
  const contents = new Map<string, number>()

  const keyOf = ({ appid, touser }: Addressed): string => `${appid} ${touser}`

  return {
    idle: () => open.size === 0 && switches.recipientPace === 0 && switches.sameContent === 'accept',
    errcode: (to, content, at) => {
      if (to.exclusive && open.size > 0 && switches.concurrentCalls === 'refuse' && open.has(keyOf(to)))
        return 43108
      if (switches.recipientPace > 0 && within(recent.get(keyOf(to)), at).length >= switches.recipientPace)
        return 43117
      if (switches.sameContent === 'accept') return undefined
      const before = contents.get(`${keyOf(to)} ${content()}`)
      return before !== undefined && at - before < minuteMs ? 40241 : undefined
    },
    note: (to, content, at) => {
      if (switches.recipientPace > 0) {
        if (recent.size >= usersKept) recent.clear()
        recent.set(keyOf(to), [...within(recent.get(keyOf(to)), at), at])
      }
      if (switches.sameContent === 'accept') return
      if (contents.size >= usersKept) contents.clear()
      contents.set(`${keyOf(to)} ${content()}`, at)
    },
    begin: (to) => {
      const key = keyOf(to)
      open.set(key, (open.get(key) ?? 0) + 1)
      let waits = true
      return () => {
        if (!waits) return
        waits = false
        const left = (open.get(key) ?? 1) - 1
        if (left > 0) open.set(key, left)
        else open.delete(key)
      }
    },
    clear: () => {
      recent.clear()
      contents.clear()
    },
  }
}

const within = (times: readonly number[] | undefined, at: number): number[] =>
  times?.filter((time) => at - time < minuteMs) ?? []
