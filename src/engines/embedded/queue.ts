import type { Clock } from '../../clock.ts'
import type { MessageId, Step } from '../../message.ts'
import type { Cancellation, Delivery, Publication, Queue, ReceiveOptions } from '../../queue.ts'
import type { Settlement } from '../../settlement.ts'
import { createBatch } from './batch.ts'
import type { GroupCommit } from './group-commit.ts'
import type { BeginRow } from './leases.ts'
import { releasesMore } from './notes.ts'
import { deliveryOf, type MessageRow, rowOf, type SettleRow } from './rows.ts'
import type { PublishResult } from './store.ts'

/** Nobody waits for a settlement but the lease, so settlements may wait a little for each other. */
const settleWaitMs = 5
const maxRows = 500

export const createEmbeddedQueue = ({
  store,
  clock,
  leaseMs,
}: {
  readonly store: GroupCommit
  readonly clock: Clock
  readonly leaseMs: number
}): Queue & {
  /** What came in by another way is ready. */
  wake(): void
} => {
  const arrivals = createBell()
  const intake = createBatch<MessageRow, PublishResult>({
    maxRows,
    waitMs: 0,
    perform: (rows) => store.run('publish', rows),
  })
  const beginnings = createBatch<BeginRow, boolean>({
    maxRows,
    waitMs: 0,
    perform: (rows) => store.run('begin', rows),
  })
  const settlements = createBatch<SettleRow, boolean>({
    maxRows,
    waitMs: settleWaitMs,
    perform: (rows) => store.run('settle', rows),
  })

  const claim = async (max: number) => {
    const { rows, nextReadyAt } = await store.run('claim', { max, now: clock.now(), leaseMs })
    return { deliveries: rows.map(deliveryOf), nextReadyAt }
  }

  return {
    async publish(messages) {
      const results = await intake.add(messages.map(rowOf))
      arrivals.ring()
      return results.map((result) => (result === null ? accepted : { ...result, id: result.id as MessageId }))
    },

    async receive({ max, waitMs, signal }: ReceiveOptions) {
      const deadline = clock.now() + waitMs
      while (!signal?.aborted) {
        const since = arrivals.strokes()
        const { deliveries, nextReadyAt } = await claim(max)
        const restMs = deadline - clock.now()
        if (deliveries.length > 0 || restMs <= 0) return deliveries
        const withinMs =
          nextReadyAt === null ? restMs : Math.min(restMs, Math.max(1, nextReadyAt - clock.now()))
        await arrivals.next({ since, withinMs, signal })
      }
      return []
    },

    begin: ({ handle, number }) =>
      beginnings.add([[handle as number, number]]).then(([begun]) => (begun ? 'begun' : 'expired')),

    settle: (delivery, settlement) =>
      settlements.add([settleRow(delivery, settlement, clock.now())]).then(([settled]) => {
        // Who waits may have looked before this message had a time to come back at, or a grant was there again.
        if (settled && (goesOn(settlement) || settlement.grant === 'free')) arrivals.ring()
        return settled ? 'settled' : 'expired'
      }),

    async release(condition) {
      let released = 0
      for (;;) {
        const some = await store.run('release', { condition, now: clock.now() })
        released += some
        if (some > 0) arrivals.ring()
        if (!releasesMore(some)) return released
      }
    },

    async cancel({ tenant, id }): Promise<Cancellation> {
      return store.run('cancel', { tenant, id, now: clock.now() })
    },

    wake: arrivals.ring,

    depth: () => store.run('depth', clock.now()),

    close() {
      settlements.flush()
      intake.flush()
      arrivals.ring()
      return store.close()
    },
  }
}

const accepted: Publication = { kind: 'accepted' }

/** Whether the message comes back after this. */
const goesOn = ({ kind }: Settlement): boolean => kind === 'retry' || kind === 'parked' || kind === 'returned'

/** A settlement as what it writes. */
const settleRow = (delivery: Delivery, settlement: Settlement, at: number): SettleRow => {
  const { handle, number, leasedAt, doubtSince = null, message } = delivery
  const seq = handle as number
  const { grant: effect = null } = settlement
  if (settlement.kind === 'returned') {
    const { until = message.acceptedAt } = settlement
    return [seq, number, 'queued', null, until, 0, doubtSince, null, at, null, null, effect]
  }
  const { kind: state, reason = null, attempts } = settlement
  const waits = settlement.kind === 'retry' || settlement.kind === 'parked'
  const step: Step = {
    at,
    state,
    ...(reason !== null && { reason }),
    ...(waits && { until: settlement.until }),
    leasedAt,
    ...(attempts && { attempts }),
  }
  return [
    seq,
    number,
    state,
    reason,
    waits ? settlement.until : null,
    settlement.kind === 'retry' && settlement.spent ? 1 : 0,
    (waits ? settlement.inDoubt : state === 'unknown') ? (doubtSince ?? leasedAt) : doubtSince,
    (settlement.kind === 'sent' && settlement.msgid) || null,
    at,
    JSON.stringify(step),
    (settlement.kind === 'parked' && settlement.condition) || null,
    effect,
  ]
}

/** Counts its strokes, so that one who looked before it rang need not have listened to know that it did. */
const createBell = () => {
  const listeners = new Set<() => void>()
  let strokes = 0
  return {
    strokes: () => strokes,
    ring() {
      strokes++
      for (const wake of listeners) wake()
    },
    /** Resolves once it has rung after stroke `since`, `withinMs` have passed, or the signal aborts. */
    next: ({
      since,
      withinMs,
      signal,
    }: {
      since: number
      withinMs: number
      signal?: AbortSignal | undefined
    }) =>
      new Promise<void>((resolve) => {
        if (strokes !== since || signal?.aborted) return resolve()
        const done = () => {
          clearTimeout(timer)
          signal?.removeEventListener('abort', done)
          listeners.delete(done)
          resolve()
        }
        const timer = setTimeout(done, Math.min(withinMs, longestTimerMs))
        signal?.addEventListener('abort', done, { once: true })
        listeners.add(done)
      }),
  }
}

const longestTimerMs = 2 ** 31 - 1
