import type { Channel } from './message.ts'
import type { QuotaAnswer } from './quota.ts'

/** What one process has learned and all must know: it is told at once, and to those that start later. */
export interface Bulletin {
  /** Neither waits nor fails: what cannot be told now is told as soon as it can be. */
  tell(notice: Notice): void
  /**
   * Calls `hear` for every notice of another process that still stands, then for each that comes; a broken connection
   * delays them. One may be heard again. Resolves once what stands has been heard.
   */
  listen(hear: (notice: Notice) => void): Promise<void>
}

/** Stands until a time, in milliseconds since 1970 UTC. */
export type Notice = { readonly until: number } & (
  | /** An account or an API rests: see `Holds`. */ {
      readonly kind: 'hold'
      readonly key: string
      readonly reason: string
    }
  | /** A recipient was sent to too often. */ {
      readonly kind: 'recipient'
      readonly account: string
      readonly touser: string
      readonly reason: string
    }
  | /** WeChat refused for the day, or for the minute and then so many calls seem to be right. */ {
      readonly kind: 'refused'
      readonly account: string
      readonly channel: Channel
      readonly errcode: number
      readonly perMinute: number | undefined
    }
  | /** What quota/get says. */ {
      readonly kind: 'answered'
      readonly account: string
      readonly channel: Channel
      readonly answer: QuotaAnswer
    }
)

/** A notice takes the place of an earlier one of the same name, unless that one stands for longer. */
export const noticeName = (notice: Notice): string => {
  switch (notice.kind) {
    case 'hold':
      return `hold ${notice.key}`
    case 'recipient':
      return `recipient ${notice.account} ${notice.touser}`
    case 'refused':
    case 'answered':
      return `${notice.kind} ${notice.account} ${notice.channel}`
  }
}
