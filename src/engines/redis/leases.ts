import { channelTraits } from '../../channels.ts'
import type { Clock } from '../../clock.ts'
import { type Channel, lanes } from '../../message.ts'
import type { Delivery } from '../../queue.ts'
import { createTurns } from '../../turns.ts'
import { scriptOf } from './client.ts'
import { deliveryOf } from './rows.ts'
import { claimScript, lookScript } from './scripts/leases.ts'
import type { Shards } from './shards.ts'

const look = scriptOf('look for messages', lookScript)
const lease = scriptOf('lease messages', claimScript)

export interface Claimed {
  readonly deliveries: readonly Delivery[]
  /** When the next message is due, where there was nothing to lease. */
  readonly nextAt?: number
}

interface Look {
  readonly ready: readonly number[]
  readonly nextAt: number | undefined
}

export interface LeaseOptions {
  readonly shards: Shards
  readonly clock: Clock
  readonly leaseMs: number
  readonly consumer: string
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
 * Leases what is ready, the urgent of all shards before the rest: first a look at every shard, then a lease of so many
 * of each. One process does one at a time, so that its own receivers do not take each other's share.
 */
export const createLeases = ({ shards, clock, leaseMs, consumer }: LeaseOptions) => {
  const inTurn = createTurns()
  let firstShard = 0

  const lookAll = async (max: number, exact: boolean): Promise<readonly Look[]> =>
    (
      (await shards.runAll(look, [max, exact ? 1 : 0])) as readonly (readonly (number | string | null)[])[]
    ).map((answer) => ({
      ready: answer.slice(0, lanes.length).map(Number),
      nextAt: answer[lanes.length] == null ? undefined : Number(answer[lanes.length]),
    }))

  const leaseIn = async (shard: number, quota: readonly number[]): Promise<readonly Delivery[]> => {
    const now = clock.now()
    const until = now + leaseMs
    const args = [until, consumer, ...quota, busyRecipientMs, ...oneCallChannels]
    const rows = (await shards.run(shard, lease, args)) as readonly unknown[]
    return rows.map((row) => deliveryOf(row, shard, now, until))
  }

  const claimNow = async (max: number): Promise<Claimed> => {
    for (let looks = 0; looks < maxLooks; looks++) {
      // A guess that has led nowhere is followed by a count.
      const seen = await lookAll(max, looks > 0)
      firstShard = (firstShard + 1) % shards.count
      const quotas = quotasOf(seen, max, firstShard)
      if (quotas.every((quota) => sum(quota) === 0)) return nothing(seen)
      const leased = await Promise.all(
        quotas.map((quota, shard) => (sum(quota) === 0 ? [] : leaseIn(shard, quota))),
      )
      const deliveries = leased.flat()
      if (deliveries.length > 0) return { deliveries: urgentFirst(deliveries) }
    }
    return { deliveries: [], nextAt: clock.now() }
  }

  return {
    claim: (max: number, signal?: AbortSignal): Promise<Claimed> =>
      inTurn(async () => (signal?.aborted ? { deliveries: [] } : claimNow(Math.min(max, mostAtOnce)))),
    /** Resolves once nothing is under way. */
    idle: (): Promise<void> => inTurn(async () => {}),
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)

const nothing = (seen: readonly Look[]): Claimed => {
  const times = seen.flatMap(({ nextAt }) => nextAt ?? [])
  return times.length === 0 ? { deliveries: [] } : { deliveries: [], nextAt: Math.min(...times) }
}

/** How many of each lane to take from each shard; which shard is asked first changes, so that none is left behind. */
const quotasOf = (seen: readonly Look[], max: number, firstShard: number): readonly (readonly number[])[] => {
  const quotas = seen.map(() => lanes.map(() => 0))
  let rest = max
  for (const lane of lanes.keys())
    for (const step of seen.keys()) {
      const shard = (firstShard + step) % seen.length
      const some = Math.min(rest, seen[shard]!.ready[lane]!)
      quotas[shard]![lane] = some
      rest -= some
    }
  return quotas
}

const urgentFirst = (deliveries: readonly Delivery[]): readonly Delivery[] =>
  deliveries.toSorted((a, b) => lanes.indexOf(a.message.lane) - lanes.indexOf(b.message.lane))
