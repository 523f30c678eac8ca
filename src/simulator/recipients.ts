import type { AccountKind } from './account.ts'
import type { UserHappening } from './happening.ts'

/** What a user has done about an account, as far as it decides whether a message arrives. */
export interface RecipientState {
  /** Follows the official account; without it 43004. */
  readonly following: boolean
  /** Stands on the account's blacklist: 43019. */
  readonly blocked: boolean
  /** The user's own WeChat account is frozen: 50002. */
  readonly frozen: boolean
  /** Refuses messages without leaving: the API takes them, and only the event tells (D). */
  readonly blocksMessages: boolean
  /** Templates this user has switched off or refused: 43101. */
  readonly refuses: readonly string[]
}

export interface Recipients {
  stateOf(appid: string, touser: string): RecipientState
  /** Changes what is given and keeps the rest. */
  toggle(appid: string, touser: string, change: Partial<RecipientState>): RecipientState
  /** Those who were toggled. */
  list(): Toggled[]
  clear(): void
}

export interface Toggled extends RecipientState {
  readonly appid: string
  readonly touser: string
}

const welcoming: RecipientState = {
  following: true,
  blocked: false,
  frozen: false,
  blocksMessages: false,
  refuses: [],
}

/** Only users who were toggled are kept; everybody else follows and refuses nothing. */
export const createRecipients = (): Recipients => {
  const toggled = new Map<string, RecipientState>()
  const stateOf = (appid: string, touser: string): RecipientState =>
    toggled.size === 0 ? welcoming : (toggled.get(`${appid} ${touser}`) ?? welcoming)
  return {
    stateOf,
    toggle: (appid, touser, change) => {
      const state = { ...stateOf(appid, touser), ...change }
      toggled.set(`${appid} ${touser}`, state)
      return state
    },
    list: () =>
      Array.from(toggled, ([key, state]) => {
        const [appid = '', touser = ''] = key.split(' ')
        return { appid, touser, ...state }
      }),
    clear: () => toggled.clear(),
  }
}

/**
 * What WeChat tells about a change of a user's mind. That a follower has switched a template of an official
 * account off is not told (C), and that a template was switched on again is never told (D).
 */
export const happeningsOf = (
  kind: AccountKind | undefined,
  before: RecipientState,
  after: RecipientState,
): readonly UserHappening[] => {
  const refused = after.refuses.filter((templateId) => !before.refuses.includes(templateId))
  return [
    ...(after.following && !before.following ? [{ kind: 'follow' } as const] : []),
    ...(before.following && !after.following ? [{ kind: 'unfollow' } as const] : []),
    ...(kind === 'miniprogram' && refused.length > 0 ? [{ kind: 'change', refused } as const] : []),
  ]
}
