/**
 * The calls that all processes may make to one API of one account, as they share them: each is granted some at a time,
 * spends those without asking, and gives back what it does not need. One process that is alone needs none of this.
 */
export interface CallShares {
  /**
   * Says how this process stands, and asks for more calls. All counts are sums, not differences, so what is told twice,
   * or was granted without our hearing of it, is put right by the next word. Rejects when the store cannot be asked.
   */
  take(request: ShareRequest): Promise<ShareAnswer>
  /** Whether this process is the one that asks WeChat about an API: nobody has for `gapMs`. */
  mayAsk(api: SharedApi, gapMs: number): Promise<boolean>
}

export interface SharedApi {
  readonly account: string
  /** Of the API. */
  readonly path: string
}

export interface ShareRequest extends SharedApi {
  /** Which share of this process it is: an API that was forgotten has another one when it is used again. */
  readonly serial: number
  /** Counts the requests of this share: one that comes late changes nothing. */
  readonly number: number
  /** Ends of the day and of the minute that the counts are about, in milliseconds since 1970 UTC. */
  readonly day: number
  readonly minute: number
  /** Calls that this process has begun since they began. */
  readonly begun: { readonly day: number; readonly minute: number }
  /** What it has been granted and keeps, and calls under way. */
  readonly held: number
  readonly inFlight: number
  /** How many more it would like. */
  readonly want: number
  readonly limits: ShareLimits
  /** Calls of the day that WeChat knows of and no process has begun, more than were known before; or fewer. */
  readonly elsewhere: number
  /** Nobody is granted any for so long: WeChat has refused, or not all have told what they spent while the store was away. */
  readonly stopMs: number
}

/** For all processes together; infinite where there is none. */
export interface ShareLimits {
  readonly day: number
  readonly minute: number
  /** From this use of the day on, only a few calls are granted or under way at once. */
  readonly near: number
  /** How many calls may be granted or under way at once before that. */
  readonly underWay: number
}

export interface ShareAnswer {
  readonly granted: number
  /** Calls begun by all, as far as they have told; what was granted to those that are gone counts as used. */
  readonly used: { readonly day: number; readonly minute: number }
  /** What is granted to nobody; infinite without a limit. */
  readonly left: number
  /** What the others keep. */
  readonly heldByOthers: number
  /** Processes that have told of this API within a minute. */
  readonly nodes: number
}

/** Near the limit of a day, so many calls are granted or under way at once, whatever the number of processes. */
export const mostNearTheLimit = 4
