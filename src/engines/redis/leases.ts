import { channelTraits } from '../../channels.ts'
import type { Clock } from '../../clock.ts'
import { type Channel, lanes } from '../../message.ts'
import type { Delivery } from '../../queue.ts'
import { createTurns } from '../../turns.ts'
import type { Attention, Target } from './attention.ts'
import { scriptOf } from './client.ts'
import { deliveryOf } from './rows.ts'
import { claimScript, lookScript } from './scripts/leases.ts'
import type { Shards } from './shards.ts'

const look = scriptOf('look for messages', lookScript)
const lease = scriptOf('lease messages', claimScript)

interface Look extends Target {
  /** Of each lane, at most as many as were asked for. */
  readonly ready: readonly number[]
  /** How many of these are leases that have run out. */
  readonly runOut: readonly number[]
  readonly nextAt: number | undefined
}

export interface LeaseOptions {
  readonly shards: Shards
  readonly clock: Clock
  readonly leaseMs: number
  readonly consumer: string
  readonly attention: Attention
}

export interface ClaimOptions {
  readonly max: number
  /** Looks at all shards that are looked after here, worth it or not. */
  readonly everything: boolean
  readonly signal?: AbortSignal | undefined
}

/** Between the look and the lease another process may have been faster; after so many times there is nothing to be had. */
const maxLooks = 3
/** A message whose recipient another process has in hand is looked at again after this. */
const busyRecipientMs = 250
const oneCallChannels = Object.keys(channelTraits).filter(
  (channel) => channelTraits[channel as Channel].oneCallPerRecipient,
)
/** Names and bodies of so many deliveries are held in the server's memory at once. */
const mostAtOnce = 10_000

/**
 * Leases what is ready, the urgent of all shards before the rest: first a look at every shard that is worth one, then a
 * lease of so many of each. Where there is nothing, others are helped. One process does one at a time, so that its own
 * receivers do not take each other's share.
 */
export const createLeases = ({ shards, clock, leaseMs, consumer, attention }: LeaseOptions) => {
  const inTurn = createTurns()
  let turn = 0

  const lookAt = (targets: readonly Target[], max: number, exact: boolean): Promise<readonly Look[]> =>
    Promise.all(
      targets.map(async (target) => {
        const answer = await shards.run(target.shard, look, [max, exact ? 1 : 0])
        return lookOf(target, answer as readonly (number | string | null)[])
      }),
    )

  const leaseIn = async (shard: number, quota: readonly number[]): Promise<readonly Delivery[]> => {
    if (sum(quota) === 0) return []
    const now = clock.now()
    const until = now + leaseMs
    const args = [until, consumer, ...quota, busyRecipientMs, ...oneCallChannels]
    const rows = (await shards.run(shard, lease, args)) as readonly unknown[]
    return rows.map((row) => deliveryOf(row, shard, now, until))
  }

  /** Between the look and the lease another process may have been faster, so it looks again. */
  const claimIn = async (targets: readonly Target[], max: number): Promise<readonly Delivery[]> => {
    for (let looks = 0; looks < maxLooks; looks++) {
      // A guess that has led nowhere is followed by a count.
      const seen = await lookAt(targets, max, looks > 0)
      const quotas = quotasOf(seen, max)
      const leased = await Promise.all(seen.map(({ shard }, index) => leaseIn(shard, quotas[index]!)))
      for (const [index, { shard, ready, nextAt }] of seen.entries())
        attention.seen(shard, { more: sum(ready) > leased[index]!.length || sum(ready) >= max, nextAt })
      const deliveries = leased.flat()
      if (deliveries.length > 0 || sum(quotas.map(sum)) === 0) return deliveries
    }
    return []
  }

  /** Those that are asked first change, so that none is left behind. A failed look has not been one. */
  const claimOwn = async (max: number, everything: boolean): Promise<readonly Delivery[]> => {
    const targets = attention.targets(clock.now(), everything)
    if (targets.length === 0) return []
    turn = (turn + 1) % targets.length
    try {
      return await claimIn([...targets.slice(turn), ...targets.slice(0, turn)], max)
    } catch (error) {
      attention.mark(targets.map(({ shard }) => shard))
      throw error
    }
  }

  const claimNow = async (max: number, everything: boolean): Promise<readonly Delivery[]> => {
    const own = await claimOwn(max, everything)
    const { help } = attention.share()
    if (own.length > 0 || help.length === 0) return urgentFirst(own)
    return urgentFirst(
      await claimIn(
        help.map((shard) => ({ shard, urgentOnly: false })),
        max,
      ),
    )
  }

  return {
    claim: ({ max, everything, signal }: ClaimOptions): Promise<readonly Delivery[]> =>
      inTurn(async () => (signal?.aborted ? [] : claimNow(Math.min(max, mostAtOnce), everything))),
    /** Resolves once nothing is under way. */
    idle: (): Promise<void> => inTurn(async () => {}),
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)

const lookOf = (target: Target, answer: readonly (number | string | null)[]): Look => {
  const ready = answer.slice(0, lanes.length).map(Number)
  const nextAt = answer[lanes.length]
  const runOut = answer.slice(lanes.length + 1).map(Number)
  return {
    ...target,
    ready: target.urgentOnly ? ready.map((some, lane) => (lane === 0 ? some : 0)) : ready,
    runOut: target.urgentOnly ? runOut.map((some, lane) => (lane === 0 ? some : 0)) : runOut,
    nextAt: nextAt == null ? undefined : Number(nextAt),
  }
}

/**
 * How many of each lane to take from each, in the order in which they were looked at. A few at a time would cost more, so
 * the first that has many gives all; what a dead process held does not wait for the turn of its shard.
 */
export const quotasOf = (
  seen: readonly Pick<Look, 'ready' | 'runOut'>[],
  max: number,
): readonly (readonly number[])[] => {
  const quotas = seen.map(() => lanes.map(() => 0))
  let rest = max
  const take = (lane: number, wanted: (look: Pick<Look, 'ready' | 'runOut'>) => number) => {
    for (const [index, look] of seen.entries()) {
      const some = Math.min(rest, wanted(look) - quotas[index]![lane]!)
      quotas[index]![lane]! += some
      rest -= some
    }
  }
  for (const lane of lanes.keys()) {
    take(lane, ({ runOut }) => runOut[lane]!)
    take(lane, ({ ready }) => ready[lane]!)
  }
  return quotas
}

const urgentFirst = (deliveries: readonly Delivery[]): readonly Delivery[] =>
  deliveries.toSorted((a, b) => lanes.indexOf(a.message.lane) - lanes.indexOf(b.message.lane))
