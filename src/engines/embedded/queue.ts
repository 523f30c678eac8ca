import type { Clock } from '../../clock.ts'
import type { MessageId } from '../../message.ts'
import type { Cancellation, Delivery, Publication, Queue, ReceiveOptions } from '../../queue.ts'
import type { Settlement } from '../../settlement.ts'
import { comesBack, doubtAfter, goesOn, stepOf } from '../../step.ts'
import { createBell } from '../bell.ts'
import { createGathering } from '../gathering.ts'
import type { GroupCommit } from './group-commit.ts'
import type { BeginRow } from './leases.ts'
import { releasesMore } from './notes.ts'
import { deliveryOf, type MessageRow, rowOf, type SettleRow } from './rows.ts'
import type { PublishResult } from './store.ts'

/** Nobody waits for a settlement but the lease, so settlements may wait a little for each other. */
const settleWaitMs = 5
const maxRows = 500
/** A transaction is done whole or not at all. */
const mayBeOneRow = () => true

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
  const intake = createGathering<MessageRow, PublishResult>({
    ...{ maxRows, waitMs: 0, mayBeOneRow },
    perform: (rows) => store.run('publish', rows),
  })
  const beginnings = createGathering<BeginRow, boolean>({
    ...{ maxRows, waitMs: 0, mayBeOneRow },
    perform: (rows) => store.run('begin', rows),
  })
  const settlements = createGathering<SettleRow, boolean>({
    ...{ maxRows, waitMs: settleWaitMs, mayBeOneRow },
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

    async close() {
      arrivals.ring()
      await Promise.all([intake, beginnings, settlements].map((each) => each.drain()))
      await store.close()
    },
  }
}

const accepted: Publication = { kind: 'accepted' }

/** A settlement as what it writes. */
const settleRow = (delivery: Delivery, settlement: Settlement, at: number): SettleRow => {
  const { handle, number, doubtSince = null, message } = delivery
  const seq = handle as number
  const { grant: effect = null } = settlement
  if (settlement.kind === 'returned') {
    const { until = message.acceptedAt } = settlement
    return [seq, number, 'queued', null, until, 0, doubtSince, null, at, null, null, effect]
  }
  const { kind: state, reason = null } = settlement
  return [
    seq,
    number,
    state,
    reason,
    comesBack(settlement) ? settlement.until : null,
    settlement.kind === 'retry' && settlement.spent ? 1 : 0,
    doubtAfter(delivery, settlement) ?? null,
    (settlement.kind === 'sent' && settlement.msgid) || null,
    at,
    JSON.stringify(stepOf(delivery, settlement, at)),
    (settlement.kind === 'parked' && settlement.condition) || null,
    effect,
  ]
}
