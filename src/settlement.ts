/**
 * What we do about a delivery: before the call (`admit`) and after it (`decide`). Both are pure.
 *
 * One rule stands above the others. Once WeChat may have taken a message without our knowing
 * (`doubtSince`), we never again say that it was not sent: not `dead`, not `expired`, not `cancelled`. A
 * message in doubt ends as `sent` or as `unknown`.
 */
import { channelTraits } from './channels.ts'
import type { Random } from './clock.ts'
import type { Errcode } from './errcodes.ts'
import { type GrantPolicy, grantCondition, grantHolderOf, noGrantErrcodes } from './grants.ts'
import type { Hold } from './holds.ts'
import type { Attempt } from './message.ts'
import type { DeliveredMessage, Delivery } from './queue.ts'
import { backoffMs, jitterMs, nextBeijingMidnight, nextMinute, type RetryPolicy } from './retry.ts'
import { errcodeReason, type Verdict } from './verdict.ts'

/** What we do about a delivery. Times are milliseconds since 1970 UTC. */
export type Settlement = Outcome & {
  /** The calls made during this lease, oldest first. */
  readonly attempts?: readonly Attempt[]
  /** Of a message that needs a grant: what becomes of the books, in the same step. Without it they stay as they are. */
  readonly grant?: GrantEffect
}

/**
 * `used`: the reserved grant has served. `free`: it was certainly not used and goes back. `void`: WeChat says that
 * there is none, whatever the books say.
 */
export type GrantEffect = 'used' | 'free' | 'void'

export type Outcome =
  | { readonly kind: 'sent'; readonly msgid?: string; readonly reason?: string }
  /** Waits for its next attempt. */
  | {
      readonly kind: 'retry'
      readonly until: number
      readonly reason: string
      readonly spent: boolean
      readonly inDoubt: boolean
    }
  /** Waits for a condition, which is looked at again at `until`; costs no try. `Queue.release` ends it earlier. */
  | {
      readonly kind: 'parked'
      readonly until: number
      readonly reason: string
      readonly inDoubt: boolean
      readonly condition?: string
    }
  | { readonly kind: 'dead'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string }
  | { readonly kind: 'expired'; readonly reason: string }
  /** Handed back without a call, as if it had not been leased; but not to be leased again before `until`. */
  | { readonly kind: 'returned'; readonly until?: number }

export interface Policy {
  readonly retry: RetryPolicy
  /** How long a call to WeChat may take, with a margin for our own delays. A lease shorter than this starts no call. */
  readonly callMs: number
  /** What to do with this message when the books hold no grant for it. */
  readonly whenNoGrant: (message: DeliveredMessage) => GrantPolicy
}

/** Whether the delivery may be sent now; if not, what to do instead. */
export const admit = (delivery: Delivery, now: number, policy: Policy): Outcome | undefined => {
  const { retry, callMs } = policy
  const { message, doubtSince } = delivery
  if (now >= message.expiresAt) return doubtSince === undefined ? expired('expired') : unknown('expired')
  if (delivery.leaseUntil - now < callMs) return { kind: 'returned' }
  if (doubtSince === undefined)
    return delivery.grant?.kind === 'none' ? withoutGrant(message, policy) : undefined
  const { repeatInDoubt, receipt } = channelTraits[message.channel]
  if (repeatInDoubt === 'within-window')
    return now > doubtSince + retry.inDoubtWindowMs ? unknown('repeat-window-over') : undefined
  return receipt !== undefined && now < doubtSince + retry.receiptWaitMs
    ? awaitReceipt(doubtSince, message.expiresAt, retry)
    : unknown('no-receipt')
}

/** What to do with a message that needs a grant when the books hold none. Nothing: send it all the same. */
const withoutGrant = (message: DeliveredMessage, { whenNoGrant }: Policy): Outcome | undefined => {
  switch (whenNoGrant(message)) {
    case 'try':
      return undefined
    case 'refuse':
      return { kind: 'dead', reason: 'no-grant' }
    case 'park':
      return {
        kind: 'parked',
        until: message.expiresAt,
        reason: 'no-grant',
        inDoubt: false,
        condition: grantCondition(grantHolderOf(message)),
      }
  }
}

/** What an outcome means for the books, where the message needs a grant. `errcode`: of the refusal it comes from. */
export const grantEffect = (
  { doubtSince, grant }: Delivery,
  outcome: Outcome,
  errcode: number | undefined,
): GrantEffect | undefined => {
  if (grant === undefined) return undefined
  if (outcome.kind === 'sent' || outcome.kind === 'unknown') return 'used'
  if (doubtSince !== undefined || ('inDoubt' in outcome && outcome.inDoubt)) return undefined
  if (errcode !== undefined && noGrantErrcodes.has(errcode)) return 'void'
  return 'free'
}

/**
 * What to do while something wider than the message holds it back. A condition may come to pass at any time, so what
 * waits for one waits for as long as it may still be sent.
 */
export const heldBack = (
  delivery: Delivery,
  hold: Hold,
  random: Random,
  { retry }: Pick<Policy, 'retry'>,
): Outcome => {
  const { reason, condition } = hold
  if (condition === undefined)
    return wait(delivery, retry, { until: hold.until + Math.floor(random() * 5000), reason })
  const until = Math.min(hold.until + Math.floor(random() * minuteMs), lastRepeat(delivery, retry))
  return { kind: 'parked', until, reason, inDoubt: false, condition }
}

/** What a verdict asks of us. No `default` branch: a new kind does not compile until it is decided here. */
export const decide = (
  verdict: Verdict,
  delivery: Delivery,
  { now, random, policy }: { readonly now: number; readonly random: Random; readonly policy: Policy },
): Outcome => {
  const { retry } = policy
  switch (verdict.kind) {
    case 'sent':
      return verdict.msgid === undefined ? { kind: 'sent' } : { kind: 'sent', msgid: verdict.msgid }
    case 'already-there':
      // Only our own earlier call can have put it there; without one, another sender's twin was in the way.
      return delivery.doubtSince === undefined
        ? { kind: 'dead', reason: errcodeReason(verdict.errcode.code) }
        : { kind: 'sent', reason: errcodeReason(verdict.errcode.code) }
    case 'in-doubt':
      return afterDoubt(verdict.reason, delivery, now, random, retry)
    case 'not-sent':
      return again(delivery, retry, {
        until: now + Math.max(200, backoffMs(retry, delivery.number, random)),
        reason: verdict.reason,
      })
    case 'rejected':
      return final(delivery, verdict.reason)
    case 'busy':
      return delivery.tries + 1 >= retry.maxTries
        ? final(delivery, verdict.reason)
        : again(delivery, retry, {
            until: now + Math.max(1000, backoffMs(retry, delivery.tries + 1, random)),
            reason: verdict.reason,
            spent: true,
          })
    case 'no-token':
      return wait(delivery, retry, {
        until: Math.max(verdict.until, now + 1000) + jitterMs(1000, random),
        reason: verdict.reason,
      })
    case 'refused':
      return afterRefusal(verdict.errcode, delivery, now, random, retry)
  }
}

const afterDoubt = (
  reason: string,
  delivery: Delivery,
  now: number,
  random: Random,
  retry: RetryPolicy,
): Outcome => {
  const doubtSince = delivery.doubtSince ?? delivery.leasedAt
  const { repeatInDoubt, receipt } = channelTraits[delivery.message.channel]
  if (repeatInDoubt === 'never')
    return receipt === undefined
      ? unknown(reason)
      : awaitReceipt(doubtSince, delivery.message.expiresAt, retry)
  const waitMs = retry.inDoubtMs[delivery.tries]
  if (waitMs === undefined) return unknown(reason)
  const until = now + jitterMs(waitMs, random)
  if (until >= lastRepeat({ ...delivery, doubtSince }, retry)) return unknown(reason)
  return { kind: 'retry', until, reason, spent: true, inDoubt: true }
}

const afterRefusal = (
  errcode: Errcode,
  delivery: Delivery,
  now: number,
  random: Random,
  retry: RetryPolicy,
): Outcome => {
  const reason = errcodeReason(errcode.code)
  switch (errcode.action) {
    case 'drop':
    case 'duplicate':
    case 'sent':
      return final(delivery, reason)
    case 'token':
      return again(delivery, retry, { until: now + 500 + backoffMs(retry, delivery.number, random), reason })
    case 'backoff':
      return afterBusy(errcode, delivery, now, random, retry)
    case 'slow':
      return again(delivery, retry, { until: restUntil(errcode, now) + Math.floor(random() * 5000), reason })
    case 'quota':
    case 'hold':
      return wait(delivery, retry, { until: restUntil(errcode, now) + Math.floor(random() * 60_000), reason })
  }
}

/** How long WeChat asks for rest, for a refusal whose scope is wider than its message. */
export const restUntil = ({ action, waitMs }: Errcode, now: number): number => {
  if (action === 'quota') return nextBeijingMidnight(now)
  if (action === 'slow') return Math.max(nextMinute(now), now + (waitMs ?? 0) - minuteMs)
  return now + (waitMs ?? defaultHoldMs)
}

const minuteMs = 60_000
const defaultHoldMs = 5 * minuteMs

const afterBusy = (
  errcode: Errcode,
  delivery: Delivery,
  now: number,
  random: Random,
  retry: RetryPolicy,
): Outcome => {
  const reason = errcodeReason(errcode.code)
  // Too many calls for one recipient say nothing about this message.
  const spent = errcode.scope !== 'recipient'
  if (spent && delivery.tries + 1 >= retry.maxTries) return final(delivery, reason)
  const waitMs = errcode.waitMs ? jitterMs(errcode.waitMs, random) : backoffMs(retry, delivery.tries, random)
  return again(delivery, retry, { until: now + waitMs, reason, spent })
}

const again = (
  delivery: Delivery,
  retry: RetryPolicy,
  { until, reason, spent = false }: { until: number; reason: string; spent?: boolean },
): Outcome =>
  until >= lastRepeat(delivery, retry)
    ? outOfTime(delivery, reason)
    : { kind: 'retry', until, reason, spent, inDoubt: false }

const wait = (
  delivery: Delivery,
  retry: RetryPolicy,
  { until, reason }: { until: number; reason: string },
): Outcome =>
  until >= lastRepeat(delivery, retry)
    ? outOfTime(delivery, reason)
    : { kind: 'parked', until, reason, inDoubt: false }

/** The moment from which no further call may be made. */
const lastRepeat = ({ message, doubtSince }: Delivery, retry: RetryPolicy): number =>
  doubtSince === undefined
    ? message.expiresAt
    : Math.min(message.expiresAt, doubtSince + retry.inDoubtWindowMs)

const outOfTime = ({ doubtSince }: Delivery, reason: string): Outcome =>
  doubtSince === undefined ? expired(reason) : unknown(reason)

const final = ({ doubtSince }: Delivery, reason: string): Outcome =>
  doubtSince === undefined ? { kind: 'dead', reason } : unknown(reason)

const awaitReceipt = (doubtSince: number, expiresAt: number, retry: RetryPolicy): Outcome => ({
  kind: 'parked',
  until: Math.min(doubtSince + retry.receiptWaitMs, expiresAt),
  reason: 'awaiting-receipt',
  inDoubt: true,
})

const unknown = (reason: string): Outcome => ({ kind: 'unknown', reason })
const expired = (reason: string): Outcome => ({ kind: 'expired', reason })
