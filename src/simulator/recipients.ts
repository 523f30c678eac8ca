/** What a user has done about an account, as far as it decides whether a message arrives. */
export interface RecipientState {
  /** Follows the official account; without it 43004. */
  readonly following: boolean
  /** Stands on the account's blacklist: 43019. */
  readonly blocked: boolean
  /** The user's own WeChat account is frozen: 50002. */
  readonly frozen: boolean
  /** Templates this user has switched off or refused: 43101. */
  readonly refuses: readonly string[]
}

export interface Recipients {
  stateOf(appid: string, touser: string): RecipientState
  /** Changes what is given and keeps the rest. */
  toggle(appid: string, touser: string, change: Partial<RecipientState>): RecipientState
  clear(): void
}

const welcoming: RecipientState = { following: true, blocked: false, frozen: false, refuses: [] }

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
    clear: () => toggled.clear(),
  }
}
