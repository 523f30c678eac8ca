/**
 * Takes deliveries from the queue, sends each to WeChat, and settles it. Bounded: so many calls at once, and a
 * few times as many deliveries in hand, so that a call waits neither for the next lease nor for the last settlement.
 */

import { withFormId } from './channels/form.ts'
import { channelTraits } from './channels.ts'
import type { Clock, Random } from './clock.ts'
import { createGates, type Gates } from './gates.ts'
import type { Holds } from './holds.ts'
import type { Attempt } from './message.ts'
import type { Observe } from './observe.ts'
import type { DeliveredMessage, Delivery, Queue } from './queue.ts'
import type { Sender, Sending } from './sender.ts'
import {
  admit,
  decide,
  grantEffect,
  heldBack,
  type Outcome,
  type Policy,
  type Settlement,
} from './settlement.ts'
import { createWorkMeter, type Work } from './speed.ts'
import { classify, errcodeReason, type Verdict } from './verdict.ts'

export interface WorkerParts {
  readonly queue: Queue
  readonly sender: Sender
  readonly policy: Policy
  readonly clock: Clock
  readonly random: Random
  readonly observe: Observe
  /** What is held back for now; shared with whoever answers why. */
  readonly holds: Holds
  /** Calls to WeChat at once. */
  readonly concurrency: number
  /** What deliveries pass before their call. The worker stops them; by default, ones that know of no quota. */
  readonly gates?: Gates
}

export interface Worker {
  /** Calls under way. */
  inFlight(): number
  /** Deliveries in hand whose call has not begun. */
  waiting(): number
  /** Deliveries that were settled so far. */
  settled(): number
  work(): Work
  /** Whether it may take something new; what it has in hand goes on. */
  lease(may: boolean): void
  /** Takes nothing new, hands back what it has not begun, and resolves when the calls under way are settled. */
  rest(): Promise<void>
  /** Rests for good. */
  stop(): Promise<void>
}

/** Deliveries in hand, from lease to settlement, for each call at once. */
const inHandPerCall = 4
/** How long one question to the queue may stay open. */
const receiveWaitMs = 30_000
/** After the queue failed, before it is asked again. */
const pauseMs = 1000

export const startWorker = (parts: WorkerParts): Worker => {
  const { queue, clock, observe, concurrency } = parts
  const gates = parts.gates ?? createGates({ ...parts, limitsOf: () => undefined })
  const meter = createWorkMeter(clock.now)
  const handle = createHandler(parts, gates, {
    begins: () => calls++,
    ends: () => {
      calls--
      meter.ended()
      begin()
    },
  })
  const maxInHand = inHandPerCall * concurrency
  let ahead: Delivery[] = []
  let calls = 0
  /** Leased and not yet settled: ahead, in a call, or on the way back. */
  let inHand = 0
  /** Of those, how many the gates keep. */
  let kept = 0
  let settlements = 0
  let mayLease = true
  let stopping = false
  /** The question to the queue that is open, and how to end it. */
  let question: { readonly answered: Promise<void>; readonly end: AbortController } | undefined
  let wake = () => {}
  let atRest = () => {}

  const begin = () => {
    while (calls < concurrency) {
      const freed = gates.next(clock.now())
      if (freed) kept--
      const delivery = freed ?? ahead.shift()
      if (!delivery) break
      const handled = handle(delivery)
      if (handled === 'kept') kept++
      else void handled.then(settled)
    }
    meter.turn(ahead.length + kept > 0)
    if (mayAsk()) wake()
  }

  const settled = () => {
    inHand--
    settlements++
    if (inHand === 0) atRest()
    if (mayAsk()) wake()
  }

  /** The queue is asked again when few are left, so that it is asked for many at a time. */
  const hasRoom = () => ahead.length <= concurrency / 2 && inHand <= maxInHand / 2
  const mayAsk = () => mayLease && hasRoom()

  const untilAsked = () =>
    new Promise<void>((resolve) => {
      wake = resolve
      if (mayAsk() || stopping) resolve()
    })

  const ask = async (signal: AbortSignal) => {
    const deliveries = await queue
      .receive({ max: 2 * concurrency, waitMs: receiveWaitMs, signal })
      .catch((error: unknown) => queueFailed(error, signal))
    if (deliveries.length === 0) return
    observe({ kind: 'leased', deliveries })
    inHand += deliveries.length
    ahead = ahead.concat(deliveries)
    // Who was told to take nothing new while the queue was answering hands this back.
    if (mayLease) begin()
  }

  const loop = async () => {
    for (;;) {
      await untilAsked()
      if (stopping) return
      const end = new AbortController()
      question = { answered: ask(end.signal), end }
      await question.answered
      question = undefined
    }
  }

  const queueFailed = async (error: unknown, signal: AbortSignal): Promise<readonly Delivery[]> => {
    observe({ kind: 'alert', code: 'queue-unreachable', detail: String(error) })
    await parts.clock.sleep(pauseMs, signal)
    return []
  }

  const handBack = async (): Promise<void> => {
    const unbegun = [...ahead, ...gates.handBack()]
    ahead = []
    kept = 0
    meter.turn(false)
    await Promise.allSettled(
      unbegun.map((delivery) => queue.settle(delivery, settlementWith(delivery, { kind: 'returned' }))),
    )
    inHand -= unbegun.length
  }

  const lease = (may: boolean): void => {
    if (may === mayLease || stopping) return
    mayLease = may
    if (!may) question?.end.abort()
    else begin()
  }

  const rest = async (): Promise<void> => {
    lease(false)
    await question?.answered
    await handBack()
    while (inHand > 0 && !mayLease) await new Promise<void>((resolve) => (atRest = resolve))
  }

  gates.onRoom(begin)
  const running = loop()

  return {
    inFlight: () => calls,
    waiting: () => ahead.length + kept,
    settled: () => settlements,
    work: meter.work,
    lease,
    rest,
    async stop() {
      const resting = rest()
      stopping = true
      wake()
      await resting
      gates.stop()
      await running
    },
  }
}

/**
 * The way of one delivery; `'kept'` when it waits in hand for another call to end. It never rejects: what goes wrong on our side leaves the
 * lease to run out.
 */
const createHandler = (
  { queue, sender, policy, clock, random, observe }: WorkerParts,
  gates: Gates,
  calls: { begins(): void; ends(): void },
) => {
  const settle = (delivery: Delivery, settlement: Settlement): Promise<void> =>
    queue
      .settle(delivery, settlement)
      .then((result) => observe({ kind: 'settled', delivery, settlement, result }))

  /** Before the call: what keeps the delivery from it. */
  const refusal = (delivery: Delivery): Outcome | 'wait' | undefined => {
    const now = clock.now()
    return admit(delivery, now, policy) ?? gates.before(delivery, now)
  }

  /** After the call: what it asks of us. The gates hear of it first, for the next call begins in its place. */
  const settlementOf = (delivery: Delivery, sending: Sending): Settlement => {
    const now = clock.now()
    const hold = gates.ended(delivery, sending, now)
    const verdict = classify(sending.reply)
    if (verdict.kind === 'refused') raiseAlert(verdict, delivery, observe)
    const outcome = hold
      ? heldBack(delivery, hold, random, policy)
      : decide(verdict, delivery, { now, random, policy })
    return settlementWith(delivery, outcome, verdict, sending.attempts)
  }

  const failed = (delivery: Delivery, error: unknown): void =>
    observe({ kind: 'alert', code: 'delivery-failed', detail: `${delivery.message.id}: ${String(error)}` })

  /** The call, noted before it is made where it must not be repeated; nothing when the lease was lost meanwhile. */
  const call = (delivery: Delivery): Promise<Sending | undefined> => {
    const { repeatInDoubt } = channelTraits[delivery.message.channel]
    if (repeatInDoubt !== 'never') return sender.send(delivery.message)
    return queue
      .begin(delivery)
      .then((begun) => (begun === 'begun' ? sender.send(completed(delivery)) : undefined))
  }

  const answered = (delivery: Delivery, sending: Sending | undefined): Promise<void> | undefined => {
    if (!sending) {
      abandoned(delivery)
      return undefined
    }
    const settlement = settlementOf(delivery, sending)
    calls.ends()
    observe({ kind: 'called', delivery, sending })
    return settle(delivery, settlement)
  }

  /** There was no call after all. */
  const abandoned = (delivery: Delivery): void => {
    gates.ended(delivery, undefined, clock.now())
    calls.ends()
  }

  // Written with `then`: for every message, each `await` more would cost as much as reading the reply.
  return (delivery: Delivery): Promise<void> | 'kept' => {
    const refused = refusal(delivery)
    if (refused === 'wait') return 'kept'
    if (refused)
      return settle(delivery, settlementWith(delivery, refused)).catch((error) => failed(delivery, error))
    calls.begins()
    return call(delivery)
      .then(
        (sending) => answered(delivery, sending),
        (error) => {
          abandoned(delivery)
          failed(delivery, error)
        },
      )
      .catch((error) => failed(delivery, error))
  }
}

/** The message with the form id that was reserved for it, where it has one. */
const completed = ({ message, grant }: Delivery): DeliveredMessage =>
  message.channel === 'form' && grant?.kind === 'reserved' && grant.name !== undefined
    ? { ...message, body: withFormId(message.body, grant.name) }
    : message

/** The outcome with the calls it comes from, and with what becomes of a reserved grant. */
const settlementWith = (
  delivery: Delivery,
  outcome: Outcome,
  verdict?: Verdict,
  attempts: readonly Attempt[] = [],
): Settlement => {
  const errcode = verdict?.kind === 'refused' ? verdict.errcode.code : undefined
  const grant = grantEffect(delivery, outcome, errcode)
  if (grant === undefined) return attempts.length === 0 ? outcome : { ...outcome, attempts }
  return attempts.length === 0 ? { ...outcome, grant } : { ...outcome, attempts, grant }
}

/** Somebody has to look at what some refusals say. */
const raiseAlert = (
  { errcode }: Verdict & { kind: 'refused' },
  { message: { account } }: Delivery,
  observe: Observe,
): void => {
  if (errcode.alert)
    observe({
      kind: 'alert',
      code: errcodeReason(errcode.code),
      account,
      detail: `${errcode.cause.en} ${errcode.next.en}`,
    })
}
