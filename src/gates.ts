/**
 * What a delivery passes on its way to its call: holds, the quota, the pace of its API, and the lane of its recipient.
 *
 * What must wait long goes back to the queue: `parked` where a person may ask why, `returned` where it is merely not
 * its turn. What waits for another call to end waits in hand, in a list of its API, so that it is there when the call
 * ends. The lists are short: whatever one account sends, the others find a worker with hands free.
 */
import { type Api, type ApiParts, createApis, isWebhook, mostWebhookCalls, unasked } from './apis.ts'
import type { Notice } from './bulletin.ts'
import type { Random } from './clock.ts'
import { errcodeOf } from './errcodes.ts'
import type { Hold, Holds } from './holds.ts'
import type { Channel, Lane } from './message.ts'
import type { Sign } from './pace.ts'
import type { DeliveredMessage, Delivery } from './queue.ts'
import type { QuotaView } from './quota.ts'
import { createRecipientLane } from './recipient-lane.ts'
import type { Sending } from './sender.ts'
import { heldBack, type Outcome, type Policy, restUntil } from './settlement.ts'
import { errcodeReason, type Reply } from './verdict.ts'

export interface Gates {
  /**
   * Nothing: the call is to be made now, and counts as begun. `'wait'`: kept in hand until `next` gives it back. An
   * outcome: what to do instead.
   */
  before(delivery: Delivery, now: number): Outcome | 'wait' | undefined
  /** What holds a message of normal urgency back, without beginning anything. */
  over(message: Pick<DeliveredMessage, 'account' | 'channel'>, now: number): Hold | undefined
  /** The call has ended, or was not made after all (no sending). Answers what holds its message back, if quota does. */
  ended(delivery: Delivery, sending: Sending | undefined, now: number): Hold | undefined
  /** One that waited and need not wait any longer: it goes the whole way again. */
  next(now: number): Delivery | undefined
  /** Calls `wake` when `next` may have something although no call has ended. */
  onRoom(wake: () => void): void
  /** Takes in what another process has told. */
  hear(notice: Notice, now: number): void
  /** What is known of each API that an account has sent by. */
  reports(account: string, now: number): readonly QuotaReport[]
  /** Asks WeChat about the APIs that nothing is known of yet. */
  inquire(account: string, channel: Channel): Promise<void>
  /** Answers all that still wait, which do not any more. */
  handBack(): readonly Delivery[]
  /** Nothing more is watched. Answers all that still wait. */
  stop(): readonly Delivery[]
}

export interface QuotaReport extends QuotaView {
  readonly path: string
  /** Calls that may be under way, that are, and deliveries in hand that wait for one. */
  readonly allowed: number
  readonly inFlight: number
  readonly waiting: number
}

export interface GateParts extends ApiParts {
  readonly policy: Pick<Policy, 'retry' | 'callMs'>
  readonly random: Random
  /** What is held back for now; shared with whoever answers why. */
  readonly holds: Holds
}

/**
 * What is handed back because of the pace comes again after this at the earliest and at the latest: not so soon that
 * a long backlog is leased and handed back all the time, and soon enough for a pace that has recovered meanwhile.
 * Twice as many come as can be taken, or the pace would have nothing to grow with.
 */
const paceTurnMs = { shortest: 500, longest: 10_000 }
/** What is handed back because of the minute's limit comes again at the latest so long after the minute. */
const minuteTurnMs = 60_000
const minuteMs = 60_000
/** A recipient is held back for other messages when the code asks for at least this. */
const recipientHoldMs = 60_000

export const createGates = (parts: GateParts): Gates => {
  const { policy, random, concurrency, holds } = parts
  const lane = createRecipientLane()
  const { apiOf, apisOf, allApis, isKnown } = createApis(parts, (api) => {
    if (api.waiting.length === 0) return
    freed.add(api)
    wake()
  })
  /** Those with something waiting, of accounts where a call has ended since. */
  const freed = new Set<Api>()
  const maxWaiting = { api: Math.max(1, concurrency >> 2), all: Math.max(2, concurrency >> 1) }
  const mostToWebhooks = mostWebhookCalls(concurrency).all
  let waiting = 0
  let toWebhooks = 0
  let wake = () => {}

  const mostInFlight = ({ pace, quota }: Api): number => Math.min(pace.allowed(), quota.mostInFlight())

  const hasRoom = (api: Api, lane: Lane, now: number): boolean =>
    api.inFlight < mostInFlight(api) && (api.share === undefined || api.share.admits(lane, now))

  const tell = (notice: Notice | undefined): void => {
    if (notice) parts.sharing?.bulletin.tell(notice)
  }

  const begin = (api: Api, { message }: Delivery, now: number): undefined => {
    api.inFlight++
    if (isWebhook(api)) toWebhooks++
    api.quota.began(now)
    api.share?.began(message.lane, now)
    lane.enter(message)
    if (api.watch && api.quota.isDue(now)) void api.watch.ask(api)
  }

  const later = (api: Api, delivery: Delivery, now: number): Outcome =>
    turn(api, delivery, {
      from: now + paceTurnMs.shortest,
      latest: now + paceTurnMs.longest,
      turnMs: api.pace.latencyMs() / (2 * mostInFlight(api)),
    })

  /** Urgent messages wait before others, and there is room for more of them. */
  const wait = (api: Api, delivery: Delivery, now: number): Outcome | 'wait' => {
    const isUrgent = delivery.message.lane === 'urgent'
    // What is on its way does not wait long.
    const share = (isUrgent ? 2 : 1) * (api.share?.expects() ? 2 : 1)
    if (api.waiting.length >= share * maxWaiting.api || waiting >= share * maxWaiting.all)
      return later(api, delivery, now)
    waiting++
    const place = isUrgent ? api.waiting.findIndex(({ message }) => message.lane !== 'urgent') : -1
    if (place < 0) api.waiting.push(delivery)
    else api.waiting.splice(place, 0, delivery)
    return 'wait'
  }

  const whileFull = (api: Api, delivery: Delivery, full: Hold): Outcome => {
    if (full.condition === undefined) {
      const { until: from } = full
      return turn(api, delivery, { from, latest: from + minuteTurnMs, turnMs: api.quota.turnMs() / 2 })
    }
    api.watch?.attend(api)
    return heldBack(delivery, full, random, policy)
  }

  /** What a refusal says beyond its own message. Answers what holds that one back, if it is the quota of the day. */
  const noteRefusal = (api: Api, { message }: Delivery, code: number, now: number): Hold | undefined => {
    const errcode = errcodeOf(code)
    const { action, scope, waitMs = 0 } = errcode
    const until = restUntil(errcode, now)
    tell(holds.place(errcode, message, until))
    if (scope === 'recipient' && action === 'backoff' && waitMs >= recipientHoldMs) {
      const { account, touser } = message
      const rest = { until, reason: errcodeReason(code) }
      lane.hold(message, rest)
      tell({ kind: 'recipient', account, touser, ...rest })
    }
    const { account, channel } = api
    if (action === 'slow') {
      api.quota.refused(errcode, now)
      api.share?.learned(0)
      const perMinute = Math.round(minuteMs / api.quota.turnMs())
      tell({ kind: 'refused', account, channel, errcode: code, perMinute, until })
    }
    if (action !== 'quota') {
      api.quota.passed()
      return undefined
    }
    const hold = api.quota.refused(errcode, now)
    tell({ kind: 'refused', account, channel, errcode: code, perMinute: undefined, until })
    if (!api.watch) api.quota.learn(unasked, now)
    else if (api.quota.isDue(now)) void api.watch.ask(api, 'refused')
    api.watch?.attend(api)
    return api.quota.admit('urgent', now) ?? hold
  }

  const hearRefusal = (notice: Notice & { kind: 'refused' }, now: number): void => {
    const api = apiOf(notice)
    const errcode = errcodeOf(notice.errcode)
    api.quota.refused(errcode, now, notice.perMinute)
    // Whoever was refused asks; all see to it that somebody goes on asking.
    if (errcode.action !== 'quota') api.share?.learned(0)
    else if (api.watch) api.watch.attend(api)
    else api.quota.learn(unasked, now)
  }

  const noteReply = (
    api: Api,
    delivery: Delivery,
    sending: Sending | undefined,
    inFlight: number,
    now: number,
  ): Hold | undefined => {
    const call = sending?.attempts.at(-1)
    if (!sending || !call) return undefined
    const { reply } = sending
    api.pace.ended(signOf(reply), call, inFlight)
    if (reply.kind !== 'answered') return undefined
    if (reply.errcode !== 0) return noteRefusal(api, delivery, reply.errcode, now)
    api.quota.passed()
    return undefined
  }

  /** A lease that has become too short goes back, and nobody waits behind a hold. */
  const isOver = (api: Api, { message, leaseUntil }: Delivery, now: number): boolean =>
    leaseUntil - now < policy.callMs ||
    (!lane.isBusy(message) && hasRoom(api, message.lane, now)) ||
    api.quota.admit(message.lane, now) !== undefined

  const handBack = (): readonly Delivery[] => {
    waiting = 0
    return allApis().flatMap((api) => api.waiting.splice(0))
  }

  return {
    before(delivery, now) {
      const { message } = delivery
      const hold = holds.over(message, now) ?? lane.over(message, now)
      if (hold) return heldBack(delivery, hold, random, policy)
      const api = apiOf(message)
      const full = api.quota.admit(message.lane, now)
      if (full) return whileFull(api, delivery, full)
      // Not in hand: what it would wait for are calls of other accounts.
      if (isWebhook(api) && toWebhooks >= mostToWebhooks) return later(api, delivery, now)
      return !lane.isBusy(message) && hasRoom(api, message.lane, now)
        ? begin(api, delivery, now)
        : wait(api, delivery, now)
    },

    over: (message, now) =>
      holds.over(message, now) ?? (isKnown(message) ? apiOf(message).quota.admit('normal', now) : undefined),

    ended(delivery, sending, now) {
      const { message } = delivery
      const api = apiOf(message)
      const { inFlight } = api
      api.inFlight--
      if (isWebhook(api)) toWebhooks--
      const calls = sending ? sending.attempts.length : 0
      api.quota.ended(calls)
      lane.leave(message)
      if (waiting > 0)
        for (const each of apisOf(message.account)) if (each.waiting.length > 0) freed.add(each)
      const hold = noteReply(api, delivery, sending, inFlight, now)
      // Last, so that the place of a call that was refused is not taken by another one.
      api.share?.ended(calls, hold !== undefined)
      return hold
    },

    next(now) {
      if (freed.size === 0) return undefined
      for (const api of freed) {
        const index = api.waiting.findIndex((delivery) => isOver(api, delivery, now))
        if (index >= 0) {
          waiting--
          return api.waiting.splice(index, 1)[0]
        }
        freed.delete(api)
      }
      return undefined
    },

    onRoom(listener) {
      wake = listener
    },

    hear(notice, now) {
      if (notice.until <= now) return
      if (notice.kind === 'hold') holds.hear(notice)
      if (notice.kind === 'recipient') lane.hold(notice, { until: notice.until, reason: notice.reason })
      if (notice.kind === 'refused') hearRefusal(notice, now)
      // Who uses the API later asks for himself.
      if (notice.kind !== 'answered' || !isKnown(notice)) return
      const { quota, share } = apiOf(notice)
      quota.hear(notice.answer, now)
      share?.learned(0)
    },

    reports: (account, now) =>
      apisOf(account).map((api) => ({
        ...api.quota.view(now),
        path: api.path,
        allowed: mostInFlight(api),
        inFlight: api.inFlight,
        waiting: api.waiting.length,
      })),

    async inquire(account, channel) {
      const api = apiOf({ account, channel })
      if (api.quota.isUnasked()) await api.watch?.ask(api)
    },

    handBack,

    stop() {
      parts.watch?.stop()
      for (const { share } of allApis()) share?.stop()
      return handBack()
    },
  }
}

/** The next free turn of those that are handed back, so that they do not all come again at once. Urgent ones may. */
const turn = (
  api: Api,
  { message: { lane } }: Delivery,
  { from, latest, turnMs }: { readonly from: number; readonly latest: number; readonly turnMs: number },
): Outcome => {
  if (lane === 'urgent') return { kind: 'returned', until: from }
  const until = Math.min(Math.max(api.nextTurn, from), latest)
  api.nextTurn = until + turnMs
  return { kind: 'returned', until: Math.ceil(until) }
}

/** What a reply says about the pace. */
const signOf = (reply: Reply): Sign => {
  if (reply.kind !== 'answered') return 'lost'
  if (reply.errcode === 0) return 'fine'
  const errcode = errcodeOf(reply.errcode)
  if (errcode.action === 'slow') return 'slow'
  return errcode.class === 'busy' ? 'busy' : 'fine'
}
