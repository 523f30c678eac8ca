/**
 * What this process may spend of the calls to one API that all processes share. It asks for about a second's worth at a
 * time, and for the next before the last is spent; nothing that is done for each message waits or asks.
 *
 * What is kept is given back when nothing is sent, sooner when little is left. While the store cannot be asked, there is
 * this process's part of what was left when it could: `left ÷ processes`, but never more than `limit ÷ processes` in all;
 * and of each minute the same part.
 */
import { type CallShares, mostNearTheLimit, type ShareAnswer, type SharedApi } from './call-shares.ts'
import type { Clock } from './clock.ts'
import type { Lane } from './message.ts'
import type { Bounds, Quota } from './quota.ts'
import { nextBeijingMidnight, nextMinute } from './retry.ts'

export interface Share {
  /** Whether a call of this lane may begin now. If not, more is being asked for, and `onNews` tells of it. */
  admits(lane: Lane, now: number): boolean
  /** Whether more is likely to come in a moment. */
  expects(): boolean
  /** A call begins, which was admitted. */
  began(lane: Lane, now: number): void
  /** It has ended, and came to so many calls. `refused`: WeChat takes none any more, so nobody is to begin another. */
  ended(calls: number, refused: boolean): void
  /**
   * Something about the limits was learned: calls that WeChat knows of and no process has told of, so many more than
   * were known before. Asks what others have used.
   */
  learned(calls: number): void
  /** Keeps nothing any more. */
  stop(): void
}

export interface ShareParts {
  readonly api: SharedApi
  /** See `ShareRequest`. */
  readonly serial: number
  readonly calls: CallShares
  readonly quota: Pick<Quota, 'bounds' | 'usedByAll'>
  readonly clock: Clock
  /** What is asked for at least, where there is plenty. */
  readonly least: number
  /** The most urgent lane that waits for a call to be admitted, if any does. */
  readonly waits: () => Lane | undefined
  /** There is something to spend, or it is known that there is nothing. */
  readonly onNews: () => void
}

/** How things stood when it was asked. */
interface Sent {
  readonly day: number
  readonly minute: number
  readonly begun: { readonly day: number; readonly minute: number }
  readonly bounds: Bounds
}

/** Calls for so long are asked for at once, within the bounds. */
const chunkMs = 1000
const mostAtOnce = 4096
/** What is asked for where the reserve has to serve. */
const urgentAtOnce = 4
/** After an answer without a grant, while somebody waits: doubled each time. */
const againMs = { first: 20, longest: 1000 }
/** For so long after a refusal, or when the store is back, nobody is granted any: time for all to hear, or to tell. */
const bridgeMs = 5000
/** An answer that takes longer counts as none. */
const patienceMs = 1000
/** Every so often, the others are told how this one stands; with the second, when little is left. */
const wordEveryMs = { plenty: 5000, scarce: 1000 }
/** Little: this many times what is kept by each. */
const scarceFactor = 20

export const createShare = (parts: ShareParts): Share => {
  const { api, serial, calls, quota, clock, least, waits, onNews } = parts
  const stopping = new AbortController()
  let number = 0
  let day = 0
  let minute = 0
  const begun = { day: 0, minute: 0 }
  let inFlight = 0
  let elsewhere = 0
  let stopMs = 0

  /** Granted and not spent: to any lane, and of the reserve. */
  let kept = 0
  let keptForUrgent = 0
  /** What was kept after the last answer: at half of it, more is asked for. */
  let full = 0
  /** The limits when they were last looked at. */
  let weighed = quota.bounds()
  let callsPerMs = 0
  let askedAt = clock.now()
  let begunAtAsking = 0

  let last: Pick<ShareAnswer, 'left' | 'nodes'> | undefined
  /** What may still be spent while the store is away. */
  let outage: { left: number } | undefined
  /** Only a few calls may be granted or under way, so each one that ends is told of at once. */
  let isFew = false
  const wanted = { urgent: false, other: false }
  let isAsking = false
  let isExpecting = false
  /** Something has changed since it was last told. */
  let isDue = false
  let isTending = false
  let stopPausing = () => {}

  const held = (): number => Math.max(0, kept) + keptForUrgent

  /** What was granted for a day or a minute is not spent in the next one. */
  const roll = (now: number): void => {
    if (now < minute && now >= minute - 2 * minuteMs) return
    const today = nextBeijingMidnight(now)
    if (Number.isFinite(quota.bounds().minute) || today !== day) kept = keptForUrgent = 0
    weigh()
    minute = nextMinute(now)
    begun.minute = 0
    if (today === day) return
    day = today
    begun.day = begunAtAsking = inFlight
    if (last) last = { left: quota.bounds().normal, nodes: last.nodes }
    outage = undefined
  }

  /** What was granted under a higher limit may be more than there is under the lower one. */
  const isLower = (before: Bounds): boolean => {
    const { day, minute } = quota.bounds()
    return day < before.day || minute < before.minute
  }

  const weigh = (): void => {
    if (isLower(weighed)) kept = keptForUrgent = 0
    weighed = quota.bounds()
  }

  const isLow = (): boolean => full >= 2 * mostNearTheLimit && 2 * kept < full

  /** Asks once; answers whether there is more to spend than before. Never rejects. */
  const askOnce = async (): Promise<boolean> => {
    const now = clock.now()
    roll(now)
    const isUrgent = wanted.urgent || waits() === 'urgent'
    const isWanted = isUrgent || wanted.other || waits() !== undefined || isLow()
    wanted.urgent = wanted.other = false
    measure(now)
    const chunk = Math.min(Math.max(Math.ceil(callsPerMs * chunkMs), least), mostAtOnce)
    const want =
      !isWanted || stopping.signal.aborted ? 0 : isUrgent ? urgentAtOnce : Math.max(1, chunk - held())
    const bounds = quota.bounds()
    const sent = { day, minute, begun: { ...begun }, elsewhere, stopMs, bounds }
    elsewhere = stopMs = 0
    const limits = { ...bounds, day: isUrgent ? bounds.day : bounds.normal }
    const request = { ...api, ...sent, serial, number: ++number, held: held(), inFlight, want, limits }
    const answer = await inTime(calls.take(request))
    if (answer) return heard(answer, sent, isUrgent)
    elsewhere += sent.elsewhere
    stopMs = Math.max(stopMs, sent.stopMs)
    return helpOneself(want)
  }

  const measure = (now: number): void => {
    if (now <= askedAt) return
    const recent = Math.max(0, begun.day - begunAtAsking) / (now - askedAt)
    callsPerMs = Math.max(recent, (callsPerMs + recent) / 2)
    askedAt = now
    begunAtAsking = begun.day
  }

  const inTime = async (asked: Promise<ShareAnswer>): Promise<ShareAnswer | undefined> => {
    const answered = new AbortController()
    try {
      return await Promise.race([asked, clock.sleep(patienceMs, answered.signal).then(() => undefined)])
    } catch {
      return undefined
    } finally {
      answered.abort()
    }
  }

  const heard = (
    { granted, used, left, heldByOthers, nodes }: ShareAnswer,
    sent: Sent,
    isUrgent: boolean,
  ): boolean => {
    roll(clock.now())
    outage = undefined
    last = { left, nodes }
    const isPast = sent.day !== day || (sent.minute !== minute && Number.isFinite(quota.bounds().minute))
    if (isPast || isLower(sent.bounds)) return false
    if (isUrgent) keptForUrgent += granted
    else kept += granted
    full = kept
    quota.usedByAll({
      day: used.day + begun.day - sent.begun.day,
      minute: sent.minute === minute ? used.minute + begun.minute - sent.begun.minute : begun.minute,
      heldByOthers,
    })
    const { near, underWay } = quota.bounds()
    isFew = Number.isFinite(underWay) || used.day + heldByOthers + held() >= near
    return granted > 0
  }

  /** The store is away. */
  const helpOneself = (want: number): boolean => {
    const bounds = quota.bounds()
    const { left = Number.isFinite(bounds.normal) ? 0 : bounds.normal, nodes = 1 } = last ?? {}
    // What was left is as old as our last word; nobody goes beyond an equal part of the whole.
    outage ??= { left: Math.floor(Math.min(left / nodes, bounds.normal / nodes - begun.day - held())) }
    const ofMinute = Math.floor(bounds.minute / nodes) - begun.minute - held()
    const some = Math.max(0, Math.min(want, outage.left, ofMinute))
    outage.left -= some
    kept += some
    // When the store is back, nobody is granted any until all have told what they spent.
    if (some > 0) stopMs = bridgeMs
    return some > 0
  }

  /** Asks, and as long as there is nothing for those who wait, again. */
  const askUntilThere = async (): Promise<void> => {
    isDue = true
    if (isAsking) return stopPausing()
    isAsking = true
    isExpecting = outage === undefined
    let pauseMs = againMs.first
    for (;;) {
      isDue = false
      const isMore = await askOnce()
      isExpecting = false
      onNews()
      if (stopping.signal.aborted) break
      if (isDue) continue
      if (isMore || (waits() === undefined && !wanted.urgent && !wanted.other)) break
      await pause(pauseMs)
      pauseMs = Math.min(2 * pauseMs, againMs.longest)
    }
    isAsking = false
  }

  const pause = (ms: number): Promise<void> => {
    const ending = new AbortController()
    stopPausing = () => ending.abort()
    return clock.sleep(ms, AbortSignal.any([ending.signal, stopping.signal]))
  }

  /** While calls are made, or something is kept. */
  const tend = async (): Promise<void> => {
    isTending = true
    for (let isIdle = false; !isIdle && !stopping.signal.aborted; ) {
      const before = begun.day
      await clock.sleep(isScarce() ? wordEveryMs.scarce : wordEveryMs.plenty, stopping.signal)
      isIdle = begun.day === before && inFlight === 0 && waits() === undefined
      if (isIdle) kept = keptForUrgent = full = 0
      void askUntilThere()
    }
    isTending = false
  }

  const isScarce = (): boolean =>
    isFew || (last !== undefined && last.left < scarceFactor * (held() + 1) * last.nodes)

  return {
    admits(lane, now) {
      roll(now)
      if (kept > 0 || (lane === 'urgent' && keptForUrgent > 0)) return true
      if (lane === 'urgent') wanted.urgent = true
      else wanted.other = true
      if (!isAsking) void askUntilThere()
      if (!isTending) void tend()
      return false
    },

    expects: () => isExpecting,

    began(lane, now) {
      roll(now)
      if (kept <= 0 && lane === 'urgent') keptForUrgent--
      else kept--
      begun.day++
      begun.minute++
      inFlight++
      if (!isAsking && isLow()) void askUntilThere()
      if (!isTending) void tend()
    },

    ended(calls, refused) {
      if (refused) stopMs = bridgeMs
      inFlight--
      begun.day += calls - 1
      begun.minute += calls - 1
      kept -= calls - 1
      if (isFew || refused) void askUntilThere()
    },

    learned(calls) {
      elsewhere += calls
      weigh()
      void askUntilThere()
    },

    stop() {
      stopping.abort()
      kept = keptForUrgent = 0
      void askOnce()
    },
  }
}

const minuteMs = 60_000
