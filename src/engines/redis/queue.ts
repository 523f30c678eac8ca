import type { Clock } from '../../clock.ts'
import type { Message, State } from '../../message.ts'
import type { Cancellation, Delivery, Publication, Queue, ReceiveOptions } from '../../queue.ts'
import type { Settlement } from '../../settlement.ts'
import { goesOn } from '../../step.ts'
import { createGathering } from '../gathering.ts'
import type { Attention } from './attention.ts'
import { RedisFailed, scriptOf } from './client.ts'
import { readDepth } from './depth.ts'
import type { Exchange } from './exchange.ts'
import { createIntake, groupBy } from './intake.ts'
import { createLeases } from './leases.ts'
import { assertStorable, settleRow, type Value } from './rows.ts'
import { cancelScript, settleScript } from './scripts/endings.ts'
import { beginScript } from './scripts/leases.ts'
import { conditionsScript, releaseScript } from './scripts/notes.ts'
import type { Shards } from './shards.ts'

const begin = scriptOf('begin a call', beginScript)
const settle = scriptOf('settle', settleScript)
const cancel = scriptOf('cancel', cancelScript)
const release = scriptOf('release', releaseScript)
const conditions = scriptOf('list conditions', conditionsScript)

/** Nobody waits for a settlement but the lease, so settlements may wait a little for each other. */
const settleWaitMs = 5
const maxRows = 500
/** While one group is synced the next one travels; more would only be smaller. */
const groupsAtOnce = 2
/** How many parked messages one step makes ready. */
const releasedAtOnce = 1000
/** A word that something is ready may be lost, so who waits sees after this long whether there is a shard worth a look. */
const lookEveryMs = 1000

export interface QueueOptions {
  readonly shards: Shards
  readonly clock: Clock
  readonly leaseMs: number
  /** One name for each start of each process. */
  readonly consumer: string
  readonly attention: Attention
  readonly exchange: Exchange
  /** Why nothing can be taken in now, if so. */
  readonly refusal: () => string | undefined
  /** Resolves once what was written before is as safe as was asked for. */
  readonly confirm: () => Promise<void>
  /** Lets go of what the engine holds. */
  readonly close: () => Promise<void>
}

interface SettledRow {
  readonly shard: number
  readonly values: readonly Value[]
}

export const createRedisQueue = (options: QueueOptions): Queue & { pending(): number } => {
  const { shards, clock, leaseMs, consumer, attention, exchange, refusal } = options
  const { bell } = exchange
  const leases = createLeases({ shards, clock, leaseMs, consumer, attention })
  const takeIn = createIntake(shards)
  const intake = createGathering<Message, Publication>({
    ...{ maxRows, waitMs: 0, groupsAtOnce },
    async perform(messages) {
      const publications = await takeIn(messages)
      await options.confirm()
      return publications
    },
  })
  const settlements = createGathering<SettledRow, boolean>({
    ...{ maxRows, waitMs: settleWaitMs, groupsAtOnce },
    perform: (rows) => settleAll(shards, rows),
  })
  let closing: Promise<void> | undefined

  const assertOpen = () => {
    if (closing !== undefined) throw new RedisFailed('begin', 'the engine is closed')
  }

  return {
    async publish(messages) {
      assertOpen()
      const refused = messages.length > 0 ? refusal() : undefined
      if (refused !== undefined) throw new RedisFailed('take messages in', refused)
      for (const message of messages) assertStorable(message)
      const results = await intake.add(messages)
      if (messages.length > 0) exchange.announce(placesOf(shards, messages))
      return results
    },

    async receive({ max, waitMs, signal }: ReceiveOptions) {
      assertOpen()
      const deadline = clock.now() + waitMs
      while (!signal?.aborted) {
        const since = bell.strokes()
        // Who does not wait for a word wants to know what there is, word or no word.
        const deliveries = await leases.claim({ max, everything: waitMs <= 0, signal })
        const restMs = deadline - clock.now()
        if (deliveries.length > 0 || restMs <= 0 || closing !== undefined) return deliveries
        const dueMs = Math.max(1, attention.nextAt() - clock.now())
        await bell.next({ since, withinMs: Math.min(restMs, dueMs, lookEveryMs), signal })
      }
      return []
    },

    async begin({ handle, number, message }) {
      const begun = await shards.run(handle as number, begin, [message.id, number])
      return begun === 1 ? 'begun' : 'expired'
    },

    async settle(delivery: Delivery, settlement: Settlement) {
      assertOpen()
      const values = settleRow(delivery, settlement, { at: clock.now(), consumer })
      const [settled] = await settlements.add([{ shard: delivery.handle as number, values }])
      // Who waits may have looked before this message had a time to come back at, or a grant was there again.
      if (settled && (goesOn(settlement) || settlement.grant === 'free'))
        exchange.wake([delivery.handle as number])
      return settled ? 'settled' : 'expired'
    },

    async release(condition) {
      const released = await Promise.all(
        Array.from({ length: shards.count }, (_, shard) => releaseIn(shards, shard, condition)),
      )
      const where = [...released.keys()].filter((shard) => released[shard]! > 0)
      if (where.length > 0) exchange.wake(where)
      return released.reduce((sum, some) => sum + some, 0)
    },

    async cancel({ tenant, id }): Promise<Cancellation> {
      const answers = (await shards.runAll(cancel, [tenant, id])) as readonly (readonly string[] | null)[]
      return cancellationOf(answers.find((answer) => answer !== null))
    },

    depth: () => readDepth(shards, [...Array(shards.count).keys()]),

    pending: () => intake.pending() + settlements.pending(),

    close() {
      closing ??= (async () => {
        bell.ring()
        await Promise.all([intake.drain(), settlements.drain(), leases.idle()])
        await options.close()
      })()
      return closing
    },
  }
}

/** The shards of these messages, and which of them have something that is not to wait. */
const placesOf = (shards: Shards, messages: readonly Message[]) => {
  const [ready, urgent] = [new Set<number>(), new Set<number>()]
  for (const message of messages) {
    const isUrgent = message.lane === 'urgent' && message.sendAt <= message.acceptedAt
    ;(isUrgent ? urgent : ready).add(shards.ofPerson(message))
  }
  return { ready: [...ready], urgent: [...urgent] }
}

const settleAll = async (shards: Shards, rows: readonly SettledRow[]): Promise<readonly boolean[]> => {
  const results: boolean[] = rows.map(() => false)
  const groups = groupBy([...rows.keys()], (index) => rows[index]!.shard)
  await Promise.all(
    [...groups].map(async ([shard, indexes]) => {
      const args = indexes.flatMap((index) => rows[index]!.values)
      const settled = (await shards.run(shard, settle, args)) as readonly number[]
      for (const [at, index] of indexes.entries()) results[index] = settled[at] === 1
    }),
  )
  return results
}

/** At a start: who watched over the quotas may be gone, and then nobody would tell that there are calls again. */
export const releaseAll = async (shards: Shards, beginning: string): Promise<void> => {
  const known = (await shards.runAll(conditions)) as readonly (readonly string[])[]
  for (const [shard, some] of known.entries())
    for (const condition of some)
      if (condition.startsWith(beginning)) await releaseIn(shards, shard, condition)
}

const releaseIn = async (shards: Shards, shard: number, condition: string): Promise<number> => {
  let released = 0
  for (;;) {
    const some = (await shards.run(shard, release, [condition, releasedAtOnce])) as number
    released += some
    if (some < releasedAtOnce) return released
  }
}

const cancellationOf = (answer: readonly string[] | undefined | null): Cancellation => {
  const [kind, state] = answer ?? ['missing']
  switch (kind) {
    case 'cancelled':
      return { kind, state: state as 'cancelled' | 'unknown' }
    case 'final':
      return { kind, state: state as State }
    case 'in-flight':
      return { kind }
    default:
      return { kind: 'missing' }
  }
}
