import type { History, HistoryEvent } from '../../src/history.ts'
import type { Ledger } from '../../src/ledger.ts'
import type { Message, MessageId, MessageRecord } from '../../src/message.ts'
import type { Queue } from '../../src/queue.ts'

interface RecordedParts {
  readonly queue: Queue
  /** The queue's own records, from which the events are derived. */
  readonly ledger: Ledger
  readonly history: History
}

type Known = { version: number; steps: number; last: string }

/**
 * A queue that tells a history what becomes of its messages before it answers. It knows what has changed by looking
 * at the queue's own records, so what the history makes of the events can be held against them.
 */
export const recordingQueue = ({ queue, ledger, history }: RecordedParts): Queue => {
  const known = new Map<string, Known>()
  const record = oneAfterAnother(history)

  const changes = async (target: { readonly tenant: string; readonly id: MessageId }) => {
    const record = await ledger.find(target)
    return record ? eventsOf(record, known) : []
  }
  const tell = async (targets: readonly { readonly tenant: string; readonly id: MessageId }[]) => {
    const events = (await Promise.all(targets.map(changes))).flat()
    if (events.length > 0) await record(events)
  }

  return {
    ...queue,
    async publish(messages) {
      const publications = await queue.publish(messages)
      const accepted = messages.filter((_, index) => publications[index]!.kind === 'accepted')
      for (const { id } of accepted) known.set(id, { version: 0, steps: 0, last: '' })
      await record(accepted.map((message: Message) => ({ kind: 'accepted', message })))
      return publications
    },
    async receive(options) {
      const deliveries = await queue.receive(options)
      await tell(deliveries.map(({ message }) => message))
      return deliveries
    },
    async settle(delivery, settlement) {
      const result = await queue.settle(delivery, settlement)
      await tell([delivery.message])
      return result
    },
    async cancel(target) {
      const cancellation = await queue.cancel(target)
      await tell([target])
      return cancellation
    },
  }
}

/** Records one batch at a time, as a recorder does; what comes meanwhile is the next one. */
const oneAfterAnother = (history: History) => {
  let waiting: HistoryEvent[] = []
  let next: Promise<void> | undefined
  let current: Promise<void> = Promise.resolve()
  return (events: readonly HistoryEvent[]): Promise<void> => {
    waiting.push(...events)
    next ??= current.then(() => {
      const batch = waiting
      waiting = []
      next = undefined
      current = history.record(batch)
      return current
    })
    return next
  }
}

/** One event for each new step, and one for a change without a step; the last tells where the message stands. */
const eventsOf = (record: MessageRecord, known: Map<string, Known>): readonly HistoryEvent[] => {
  const { id, tenant, state, reason, readyAt, deliveries, doubtSince, msgid, updatedAt } = record
  const before = known.get(id)!
  const now = JSON.stringify([state, reason, readyAt, deliveries, doubtSince, msgid, updatedAt])
  if (now === before.last && record.steps.length === before.steps) return []
  const steps = record.steps.slice(before.steps)
  const stepped = steps.length === 0 ? [undefined] : steps
  const first = before.version + 1
  known.set(id, { version: before.version + stepped.length, steps: record.steps.length, last: now })
  return stepped.map((step, index) => ({
    kind: 'state',
    tenant,
    id,
    version: first + index,
    state,
    deliveries,
    at: updatedAt,
    ...(reason !== undefined && { reason }),
    ...(readyAt !== undefined && { readyAt }),
    ...(doubtSince !== undefined && { doubtSince }),
    ...(msgid !== undefined && { msgid }),
    ...(step !== undefined && { step }),
  }))
}
