/** The pushes of one account: its settings, how WeChat treats it, and what came of everything. */
import type { Clock } from './clock.ts'
import { createDelays } from './latency.ts'
import type { PushFields } from './push-fields.ts'
import type { PushAnswer } from './push-outlet.ts'
import type { Push, PushQueue } from './push-queue.ts'
import { pushRequest, type Sealing } from './push-request.ts'
import { type CallbackTarget, type PushConduct, usualConduct } from './push-target.ts'
import type { Random } from './random.ts'

/** Of one event, whatever became of it. */
export interface PushRow {
  readonly appid: string
  readonly touser: string | null
  /** Its Event, MsgType or InfoType. */
  readonly event: string
  /** Of the message that it is about. */
  readonly msgid: string | null
  /** Milliseconds, simulated. */
  readonly at: number
  readonly attempts: readonly PushAnswer[]
  readonly outcome: PushOutcome
}

/** `lost` by chance · `paused` lost in a pause · `dropped` there were too many · `given-up` nobody took it in three attempts */
export type PushOutcome = 'taken' | 'given-up' | 'lost' | 'paused' | 'dropped'

export type PushCounters = Record<
  PushOutcome | 'events' | 'attempts' | 'timeouts' | 'duplicates' | 'pauses',
  number
>

export interface LineParts {
  readonly appid: string
  readonly clock: Clock
  /** Decides about events, in the order in which they happen. */
  readonly random: Random
  /** For nonces and ciphers, which are drawn whenever an attempt is made. */
  readonly salts: Random
  readonly queue: PushQueue
  /** Real milliseconds since 1970. */
  readonly realNow: () => number
  readonly record: (row: PushRow) => void
}

export interface PushedEvent {
  readonly touser: string | null
  readonly event: string
  readonly msgid: string | null
  readonly fields: PushFields
  /** Without any delay. */
  readonly atOnce?: boolean
}

export interface PushLine {
  readonly target: CallbackTarget & PushConduct
  readonly counters: Readonly<PushCounters>
  /** Simulated time at which a pause ends; 0: there is none. */
  pausedUntil(): number
  /** How to seal something for this account now. */
  sealing(): Sealing
  /** Resolves when the first attempt is over, or none will be. */
  push(event: PushedEvent): Promise<void>
  /** Sends what a pause has kept, if it is over. */
  resume(): void
}

/** In real milliseconds; `againMs`: once more so long after it was taken. */
interface Plan {
  readonly waitMs: number
  readonly againMs?: number
}

const pauseMs = 60_000
const mostKept = 10_000

export const createPushLine = (given: CallbackTarget, parts: LineParts): PushLine => {
  const { appid, clock, random, salts, queue, realNow, record } = parts
  const target = { ...usualConduct, ...given }
  const nextDelayMs = createDelays(target.delay, random)
  const counters = noPushes()
  const kept: PushedEvent[] = []
  let pausedUntil = 0
  let failuresInARow = 0

  const isPaused = (): boolean => clock.now() < pausedUntil
  const sealing = (): Sealing => ({
    target,
    appid,
    random: salts,
    timestamp: Math.floor(realNow() / 1000),
  })

  const over = (
    { touser, event, msgid }: PushedEvent,
    outcome: PushOutcome,
    answers: readonly PushAnswer[] = [],
  ) => {
    counters[outcome]++
    record({ appid, touser, event, msgid, at: clock.now(), attempts: answers, outcome })
  }

  /** An event whose time comes in a pause. */
  const putAside = (event: PushedEvent): void => {
    if (target.pausedEvents === 'kept' && kept.length < mostKept) kept.push(event)
    else over(event, 'paused')
  }

  const judge = (taken: boolean): void => {
    failuresInARow = taken ? 0 : failuresInARow + 1
    if (target.markFailAfter === 0 || failuresInARow < target.markFailAfter) return
    failuresInARow = 0
    counters.pauses++
    pausedUntil = clock.now() + pauseMs
  }

  const pushOf = (event: PushedEvent, { againMs }: Plan): Push => {
    const answers: PushAnswer[] = []
    return {
      begin: () => {
        if (!isPaused()) return true
        putAside(event)
        return false
      },
      request: () => pushRequest(event.fields, sealing()),
      timeoutMs: () => target.timeoutMs,
      answered: (answer) => {
        answers.push(answer)
        counters.attempts++
        if (answer === 'timeout') counters.timeouts++
      },
      ended: (taken) => {
        over(event, taken ? 'taken' : 'given-up', answers)
        judge(taken)
        if (!taken || againMs === undefined) return
        counters.duplicates++
        void send(event, { waitMs: againMs })
      },
    }
  }

  const send = async (event: PushedEvent, plan: Plan): Promise<void> => {
    if (!(await queue.add(pushOf(event, plan), event.atOnce ? 0 : plan.waitMs))) over(event, 'dropped')
  }

  /** With bursts, the time that is left until the next one. */
  const delayMs = (): number => {
    const usual = nextDelayMs() + random.next() * target.jitterMs
    if (target.burstMs === 0) return usual
    const due = realNow() + usual
    return Math.ceil(due / target.burstMs) * target.burstMs - realNow()
  }

  return {
    target,
    counters,
    pausedUntil: () => (isPaused() ? pausedUntil : 0),
    sealing,
    push: async (event) => {
      counters.events++
      // All of it is drawn now: later, the network would decide in which order.
      const isLost = random.next() < target.lost
      const isRepeated = random.next() < target.duplicated
      const [waitMs, againMs] = [delayMs(), delayMs()]
      if (isLost) over(event, 'lost')
      else await send(event, isRepeated ? { waitMs, againMs } : { waitMs })
    },
    resume: () => {
      if (isPaused()) return
      for (const event of kept.splice(0)) void send(event, { waitMs: 0 })
    },
  }
}

const noPushes = (): PushCounters => ({
  events: 0,
  attempts: 0,
  taken: 0,
  'given-up': 0,
  lost: 0,
  paused: 0,
  dropped: 0,
  timeouts: 0,
  duplicates: 0,
  pauses: 0,
})
