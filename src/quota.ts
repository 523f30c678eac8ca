/**
 * How many calls an account may make to one API: a day's and a minute's limit, kept per account × API path.
 *
 * Three sources tell the limits: the tenant's own settings, quota/get, and refusals. The lower counts. What has been
 * used is our own count, since a call counts when it begins, whether it succeeds or fails (our inference); quota/get,
 * whose counters are near-real-time and about 1 % off (documented), corrects it when others call as well, or when
 * somebody has cleared the counters.
 *
 * A day is one in Beijing, which is believed and not documented. So the clock alone is never trusted: while calls are
 * held, quota/get is asked again and again, and after a refusal the first call is a probe.
 */
import { mostNearTheLimit, type ShareLimits } from './call-shares.ts'
import type { AccountLimits } from './directory.ts'
import type { Errcode } from './errcodes.ts'
import type { Hold } from './holds.ts'
import type { Lane } from './message.ts'
import { createMinuteGuess } from './minute-guess.ts'
import { createQuotaHold } from './quota-hold.ts'
import { nextBeijingMidnight, nextMinute } from './retry.ts'
import { errcodeReason } from './verdict.ts'

/** What quota/get says of one API of one account. */
export type QuotaAnswer =
  | {
      readonly kind: 'known'
      readonly daily: number
      readonly used: number
      readonly perMinute?: number
    }
  /** There was no answer, or none that helps. */
  | { readonly kind: 'unknown'; readonly error: string }

/** The calls of one account to one API. Times are milliseconds since 1970 UTC. */
export interface Quota {
  /** Names what parked messages wait for, as `Queue.release` takes it. */
  readonly condition: string
  /** What keeps a call of this lane from being made now, as far as numbers go. */
  admit(lane: Lane, now: number): Hold | undefined
  /** How many calls may be under way. Few near the limit, so that few run into it. */
  mostInFlight(): number
  /** A call begins. */
  began(now: number): void
  /** It has ended, and came to so many calls: none when it was not made, two when a token had to be healed. */
  ended(calls: number): void
  /**
   * WeChat refused for the day (`quota`) or for the minute (`slow`). Answers what now stands in the way. `perMinute`:
   * what another process has made of a refusal for the minute.
   */
  refused(errcode: Errcode, now: number, perMinute?: number): Hold
  /** WeChat took a call, or refused it for another reason. */
  passed(): void
  /** What the minute's limit leaves between two calls, on average; milliseconds. */
  turnMs(): number
  isUnasked(): boolean
  /** Whether quota/get should be asked now, while calls are made. */
  isDue(now: number): boolean
  /** quota/get is being asked. */
  asking(now: number): void
  /** Takes the answer in. Answers by how many calls what is used was corrected. */
  learn(answer: QuotaAnswer, now: number): number
  /** Takes in what another process was answered, who corrects what is used for all. */
  hear(answer: QuotaAnswer, now: number): void
  /** What several processes may use together. */
  bounds(): Bounds
  /** What they have used, this one included. `heldByOthers`: what they may have begun besides. */
  usedByAll(use: { readonly day: number; readonly minute: number; readonly heldByOthers: number }): void
  /** Until when something keeps normal messages waiting for quota, if anything does. */
  heldUntil(now: number): number | undefined
  view(now: number): QuotaView
}

/** `normal`: where others than urgent messages stop. See `ShareLimits`. */
export type Bounds = ShareLimits & { readonly normal: number }

export interface QuotaView {
  readonly daily?: number
  /** Our best knowledge of what the day has cost so far. */
  readonly used: number
  readonly perMinute?: number
  /** Who set the daily limit. */
  readonly source: 'settings' | 'wechat' | 'unknown'
  readonly resetsAt: number
  readonly hold?: Hold
  /** Calls that only urgent messages may use. */
  readonly reserve: number
  /** At the recent rate; absent when the day ends earlier. */
  readonly exhaustedAt?: number
}

export interface QuotaOptions {
  readonly account: string
  /** Of the API. */
  readonly path: string
  /** The tenant's own, as they are now; read once a minute. */
  readonly limits: () => AccountLimits | undefined
}

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs

/** Between two questions to quota/get while calls are made. */
const askEveryMs = minuteMs
/** After one that was of no use. */
const askAgainMs = 10 * minuteMs
/** Until the first answer of quota/get. */
const mostWhileUnknown = 16
/** Near the limit: the last calls, or the last share of them. */
const lastCalls = 200
const lastShare = 0.02

const defaultUrgentShare = 0.05

/** What a recent minute weighs in the average of minutes. */
const rateWeight = 0.3

export const createQuota = ({ account, path, limits }: QuotaOptions): Quota => {
  const condition = quotaCondition(account, path)
  let settings = limits()
  let learned: { readonly daily: number; readonly perMinute?: number } | undefined
  let daily = Number.POSITIVE_INFINITY
  /** Where others than urgent messages stop. */
  let normalStop = daily
  /** From here on, few calls are under way. */
  let nearLimit = daily
  let perMinute = Number.POSITIVE_INFINITY
  const guess = createMinuteGuess()

  let dayEnd = 0
  let used = 0
  let minuteEnd = 0
  let usedThisMinute = 0
  let heldByOthers = 0
  let ratePerMinute = 0
  /** Calls begun ever, and under way. */
  let begun = 0
  let inFlight = 0

  const hold = createQuotaHold(condition)
  let isUnknown = true
  /** Other processes make calls as well. */
  let isShared = false
  let askAt = Number.NEGATIVE_INFINITY
  let asked = { begun: 0, inFlight: 0, used: 0 }

  const weigh = (): void => {
    daily = Math.min(learned?.daily ?? Number.POSITIVE_INFINITY, settings?.daily ?? Number.POSITIVE_INFINITY)
    normalStop = daily - reserve()
    nearLimit = Number.isFinite(daily) ? daily - Math.max(lastCalls, daily * lastShare) : daily
    perMinute = Math.min(
      learned?.perMinute ?? Number.POSITIVE_INFINITY,
      settings?.perMinute ?? Number.POSITIVE_INFINITY,
      guess.perMinute(),
    )
  }

  const reserve = (): number =>
    Number.isFinite(daily) ? Math.floor(daily * (settings?.urgentShare ?? defaultUrgentShare)) : 0

  /** Days and minutes begin. A clock that was set back far begins them as well, or they would last for days. */
  const roll = (now: number): void => {
    if (now < minuteEnd && now >= minuteEnd - 2 * minuteMs) return
    if (now >= dayEnd || now < dayEnd - 2 * dayMs) {
      dayEnd = nextBeijingMidnight(now)
      used = inFlight
    }
    const minutes = Math.min(Math.max(Math.round((nextMinute(now) - minuteEnd) / minuteMs), 1), 60)
    ratePerMinute += (usedThisMinute - ratePerMinute) * rateWeight
    ratePerMinute *= (1 - rateWeight) ** (minutes - 1)
    guess.grow(minutes, now)
    minuteEnd = nextMinute(now)
    usedThisMinute = 0
    settings = limits()
    weigh()
  }

  const usedUp = (lane: Lane): Hold | undefined => {
    if (used < (lane === 'urgent' ? daily : normalStop)) return undefined
    return { until: dayEnd, reason: used < daily ? 'quota-reserved' : 'quota-used-up', condition }
  }

  const refusedForTheDay = (reason: string, now: number): Hold => {
    if (hold.refused(reason, now)) askAt = now
    return hold.standing(now)!
  }

  const refusedForTheMinute = (reason: string, now: number, perMinute: number | undefined): Hold => {
    // Those that are still under way came too late for the minute's limit as well.
    const taken = perMinute ?? Math.max(1, Math.floor((usedThisMinute - inFlight) * 0.9))
    guess.note(taken, now, minuteEnd)
    weigh()
    return { until: minuteEnd, reason }
  }

  const correct = (answer: QuotaAnswer & { kind: 'known' }): number => {
    // Calls under way at the question may be in its answer or not. They are, until a later answer says otherwise.
    const known = answer.used + asked.inFlight
    if (answer.used > used + heldByOthers) return setUsed(known + (begun - asked.begun))
    // Calls of others that were told of since may be later than the answer: it must not count as if they had not been.
    const most = known + Math.max(0, used - asked.used)
    // What others have under way is not in the answer, and not known here either.
    const margin = isShared ? Math.max(daily * lastShare, lastCalls) : daily * lastShare
    return used - most > margin ? setUsed(most) : 0
  }

  /** Answers by how many calls that corrects it. */
  const setUsed = (calls: number): number => {
    const correction = calls - used
    used = calls
    return correction
  }

  const takeIn = (answer: QuotaAnswer, now: number): void => {
    roll(now)
    isUnknown = false
    if (answer.kind === 'known') {
      const { daily, perMinute } = answer
      learned = perMinute === undefined ? { daily } : { daily, perMinute }
      weigh()
    } else askAt = now + askAgainMs
    hold.judge(answer.kind === 'known' ? answer.daily - answer.used : undefined, daily, dayEnd, now)
  }

  return {
    condition,

    admit(lane, now) {
      roll(now)
      const held = hold.standing(now)
      if (held) return held
      if (used >= normalStop) {
        const end = usedUp(lane)
        if (end) return end
      }
      return usedThisMinute < perMinute ? undefined : { until: minuteEnd, reason: 'minute-limit' }
    },

    mostInFlight() {
      if (hold.isProbing()) return 1
      if (used >= nearLimit) return mostNearTheLimit
      return isUnknown ? mostWhileUnknown : Number.POSITIVE_INFINITY
    },

    began(now) {
      roll(now)
      begun++
      inFlight++
      used++
      usedThisMinute++
    },

    ended(calls) {
      inFlight--
      begun += calls - 1
      used = Math.max(0, used + calls - 1)
      usedThisMinute = Math.max(0, usedThisMinute + calls - 1)
    },

    refused(errcode, now, perMinute) {
      roll(now)
      const reason = errcodeReason(errcode.code)
      return errcode.action === 'quota'
        ? refusedForTheDay(reason, now)
        : refusedForTheMinute(reason, now, perMinute)
    },

    passed: hold.passed,
    turnMs: () => minuteMs / perMinute,
    isUnasked: () => askAt === Number.NEGATIVE_INFINITY,
    isDue: (now) => now >= askAt,

    asking(now) {
      askAt = now + askEveryMs
      asked = { begun, inFlight, used }
    },

    learn(answer, now) {
      takeIn(answer, now)
      return answer.kind === 'known' ? correct(answer) : 0
    },

    hear(answer, now) {
      takeIn(answer, now)
      askAt = Math.max(askAt, now + askEveryMs)
    },

    bounds: () => ({
      day: daily,
      normal: normalStop,
      minute: perMinute,
      near: nearLimit,
      underWay: hold.isProbing() ? 1 : isUnknown ? mostWhileUnknown : Number.POSITIVE_INFINITY,
    }),

    usedByAll(use) {
      isShared = true
      used = use.day
      usedThisMinute = use.minute
      heldByOthers = use.heldByOthers
    },

    heldUntil(now) {
      roll(now)
      return hold.standing(now)?.until ?? usedUp('normal')?.until
    },

    view(now) {
      roll(now)
      const held = hold.standing(now) ?? usedUp('urgent') ?? usedUp('normal')
      const minutesLeft = (normalStop - used) / ratePerMinute
      const exhaustedAt = now + Math.max(0, minutesLeft) * minuteMs
      return {
        ...(Number.isFinite(daily) && { daily }),
        used,
        ...(Number.isFinite(perMinute) && { perMinute }),
        source: !Number.isFinite(daily) ? 'unknown' : daily === learned?.daily ? 'wechat' : 'settings',
        resetsAt: dayEnd,
        ...(held && { hold: held }),
        reserve: reserve(),
        ...(exhaustedAt < dayEnd && { exhaustedAt }),
      }
    },
  }
}

/** What messages wait for when the quota of an account's API is used up. */
export const quotaCondition = (account: string, path: string): string =>
  `${quotaConditions}${account} ${path}`

/** How each of these begins. What is known of quotas is known to the process that asks, and goes with it. */
export const quotaConditions = 'quota '
