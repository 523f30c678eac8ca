/**
 * The hold after a refusal for the day: until quota/get has been asked, then until the reset, or until the next probe
 * because quota/get contradicts the refusal.
 */
import type { Hold } from './holds.ts'

export interface QuotaHold {
  /** What stands now. */
  standing(now: number): Hold | undefined
  /** Whether the next call is a probe, which is the only one under way. */
  isProbing(): boolean
  /** WeChat refused. Answers whether that is news: a late reply to a call that was under way is none. */
  refused(reason: string, now: number): boolean
  /**
   * The first answer of quota/get after a refusal decides how long it holds; a later one may end it. `left`: calls, if
   * it tells of any; `daily`: the limit of the day, which ends at `dayEnd`.
   */
  judge(left: number | undefined, daily: number, dayEnd: number, now: number): void
  /** WeChat took a call, or refused it for another reason. */
  passed(): void
}

/** The error of quota/get's counters, with a margin. */
const counterError = 0.01
/** More than this share of the day left contradicts a refusal. */
const plentyShare = 0.02

/** For how long calls are held when WeChat says that the day is over and quota/get says otherwise: doubled each time. */
const probeMs = 60_000
const longestProbeMs = 30 * probeMs
/** So soon after midnight, a refusal may mean that WeChat's day begins a little later. */
const dawnMs = 3_600_000
const dawnHoldMs = 5 * 60_000
const dayMs = 24 * 3_600_000

export const createQuotaHold = (condition: string): QuotaHold => {
  let hold: (Hold & { readonly kind: 'asking' | 'reset' | 'probe' }) | undefined
  let refusals = 0
  let isProbing = false

  const standing = (now: number): Hold | undefined => {
    if (hold && now >= hold.until) hold = undefined
    return hold
  }

  return {
    standing,
    isProbing: () => isProbing,

    refused(reason, now) {
      if (standing(now)) return false
      refusals++
      isProbing = true
      hold = { kind: 'asking', until: now + probeMs, reason, condition }
      return true
    },

    judge(left, daily, dayEnd, now) {
      if (!hold || hold.kind === 'probe') return
      if (hold.kind === 'reset') {
        if (left !== undefined && left > daily * counterError) hold = undefined
        return
      }
      if (left !== undefined && left > daily * plentyShare) {
        const waitMs = Math.min(probeMs * 2 ** (refusals - 1), longestProbeMs)
        hold = { ...hold, kind: 'probe', until: now + waitMs }
        return
      }
      const isDawn = left === undefined && now < dayEnd - dayMs + dawnMs
      hold = { ...hold, kind: 'reset', until: isDawn ? now + dawnHoldMs : dayEnd }
    },

    passed() {
      if (!isProbing || hold) return
      isProbing = false
      refusals = 0
    },
  }
}
