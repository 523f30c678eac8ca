/** The APIs that messages of each account go by, with all that is known of each. */
import type { Bulletin } from './bulletin.ts'
import type { CallShares } from './call-shares.ts'
import { channelTraits } from './channels.ts'
import type { Clock } from './clock.ts'
import type { AccountLimits } from './directory.ts'
import type { Channel } from './message.ts'
import { createPace, type Pace } from './pace.ts'
import type { DeliveredMessage, Delivery } from './queue.ts'
import { createQuota } from './quota.ts'
import type { QuotaWatch, WatchedQuota } from './quota-watch.ts'
import { createShare, type Share } from './share.ts'

/** One API of one account. */
export interface Api extends WatchedQuota {
  readonly channel: Channel
  /** What this process may spend, where several share the calls. */
  readonly share: Share | undefined
  /** Nothing where there is nobody to ask: a webhook is no API of WeChat. */
  readonly watch: QuotaWatch | undefined
  readonly pace: Pace
  readonly waiting: Delivery[]
  inFlight: number
  /** The next turn that is free for what is handed back. */
  nextTurn: number
}

/** With several processes: what they share, and what they tell each other. */
export interface Sharing {
  readonly calls: CallShares
  readonly bulletin: Bulletin
  readonly clock: Clock
}

export interface ApiParts {
  readonly limitsOf: (account: string) => AccountLimits | undefined
  /** Calls of the worker at once. */
  readonly concurrency: number
  /** Without one, nothing is known of quotas but what settings and refusals say. */
  readonly watch?: QuotaWatch | undefined
  /** Without it, this process is alone. */
  readonly sharing?: Sharing | undefined
}

/** Accounts that are remembered; beyond, the oldest one that rests is forgotten. */
const maxAccounts = 10_000
/** For so long, those that start later are told what quota/get has said. */
const answerLifeMs = 10 * 60_000

/**
 * How many calls to webhooks may be under way, to one and to all of them: tenants own them, and slow ones must not
 * keep the others' messages from being called. One takes no more connections than this anyway.
 */
export const mostWebhookCalls = (concurrency: number) => ({
  each: Math.max(1, Math.min(16, concurrency >> 3)),
  all: Math.max(1, concurrency >> 1),
})
export const unasked = { kind: 'unknown', error: 'not-asked' } as const

export const isWebhook = ({ path }: Api): boolean => path === ''

type Place = Pick<DeliveredMessage, 'account' | 'channel'>

/**
 * The APIs by account and channel: found for every message, so without making a key. `onNews`: what may be spent of an
 * API has changed.
 */
export const createApis = (parts: ApiParts, onNews: (api: Api) => void) => {
  const { limitsOf, concurrency, watch, sharing } = parts
  const accounts = new Map<string, Map<Channel, Api>>()
  let shares = 0

  const create = ({ account, channel }: Place): Api => {
    const { path } = channelTraits[channel]
    const quota = createQuota({ account, path, limits: () => limitsOf(account) })
    const watched = path === '' ? undefined : watch
    if (!watched) quota.learn(unasked, 0)
    const waiting: Delivery[] = []
    const share =
      sharing &&
      createShare({
        ...{ api: { account, path }, serial: ++shares, quota, calls: sharing.calls, clock: sharing.clock },
        least: concurrency,
        waits: () => waiting[0]?.message.lane,
        onNews: () => onNews(api),
      })
    const api: Api = {
      ...{ account, channel, path, quota, watch: watched, share, waiting },
      pace: createPace(path === '' ? mostWebhookCalls(concurrency).each : concurrency),
      inFlight: 0,
      nextTurn: 0,
      learned(answer, correction) {
        if (!sharing || !share) return
        share.learned(correction)
        const until = sharing.clock.now() + answerLifeMs
        sharing.bulletin.tell({ kind: 'answered', account, channel, answer, until })
      },
    }
    const apis = accounts.get(account) ?? new Map<Channel, Api>()
    if (!accounts.has(account) && accounts.size >= maxAccounts) forgetOne()
    accounts.set(account, apis.set(channel, api))
    return api
  }

  const forgetOne = (): void => {
    for (const [account, apis] of accounts)
      if ([...apis.values()].every(isAtRest)) {
        for (const { share } of apis.values()) share?.stop()
        accounts.delete(account)
        return
      }
  }

  const isAtRest = ({ inFlight, waiting }: Api): boolean => inFlight === 0 && waiting.length === 0

  return {
    apiOf: (message: Place): Api => accounts.get(message.account)?.get(message.channel) ?? create(message),
    isKnown: ({ account, channel }: Place): boolean => accounts.get(account)?.has(channel) ?? false,
    apisOf: (account: string): readonly Api[] => [...(accounts.get(account)?.values() ?? [])],
    allApis: (): readonly Api[] => [...accounts.values()].flatMap((apis) => [...apis.values()]),
  }
}
