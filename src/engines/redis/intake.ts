import type { Message, MessageId, State } from '../../message.ts'
import type { Publication } from '../../queue.ts'
import { scriptOf } from './client.ts'
import { acceptRow, type Value } from './rows.ts'
import { acceptScript, reserveKeysScript } from './scripts/accept.ts'
import type { Shards } from './shards.ts'

const accept = scriptOf('take messages in', acceptScript)
const reserveKeys = scriptOf('reserve idempotency keys', reserveKeysScript)

/** Who a message is taken in as: itself, or the one that has its key already. */
type Target = Place | { readonly conflict: MessageId }
type Place = { readonly id: MessageId; readonly shard: number }

/**
 * Takes messages in, in one or two steps: the keys of those that have one, in the shards of the keys; then the
 * messages, in the shards of their recipients. A crash between them leaves a key whose message is not there: the repeat
 * of it is taken in under the id that the key names, so the key still stands for one message.
 */
export const createIntake = (shards: Shards) => {
  const places = createPlaces()

  const targetsOf = async (messages: readonly Message[]): Promise<readonly Target[]> => {
    const targets: Target[] = messages.map((message) => ({
      id: message.id,
      shard: shards.ofPerson(message),
    }))
    const keyed = groupBy(
      [...messages.keys()].filter((index) => messages[index]!.idempotency !== undefined),
      (index) => keyShard(shards, messages[index]!.tenant, messages[index]!.idempotency!.key),
    )
    await Promise.all(
      [...keyed].map(async ([shard, indexes]) => {
        const args = indexes.flatMap((index) => {
          const { tenant, id, idempotency } = messages[index]!
          return [tenant, idempotency!.key, id, idempotency!.fingerprint, shards.ofPerson(messages[index]!)]
        })
        const holders = (await shards.run(shard, reserveKeys, args)) as readonly (readonly string[])[]
        for (const [at, index] of indexes.entries()) {
          const [id, fingerprint, home] = holders[at]!
          targets[index] =
            fingerprint === messages[index]!.idempotency!.fingerprint
              ? { id: id as MessageId, shard: Number(home) }
              : { conflict: id as MessageId }
        }
      }),
    )
    return targets
  }

  return async (messages: readonly Message[]): Promise<readonly Publication[]> => {
    const anyKey = messages.some(({ idempotency }) => idempotency !== undefined)
    const targets = anyKey
      ? await targetsOf(messages)
      : messages.map((message) => ({ id: message.id, shard: shards.ofPerson(message) }))
    const results: Publication[] = targets.map((target) =>
      'conflict' in target ? { kind: 'conflict', id: target.conflict } : accepted,
    )
    const order = messages.map(({ acceptedAt }) => places(acceptedAt))
    const taken = groupBy(
      [...targets.keys()].filter((index) => !('conflict' in targets[index]!)),
      (index) => (targets[index] as Place).shard,
    )
    await Promise.all(
      [...taken].map(async ([shard, indexes]) => {
        const args: Value[] = []
        for (const index of indexes) {
          const { id } = targets[index] as Place
          args.push(...acceptRow(messages[index]!, id, order[index]!))
        }
        const known = (await shards.run(shard, accept, args)) as readonly (State | null)[]
        for (const [at, index] of indexes.entries()) {
          const { id } = targets[index] as Place
          const { id: own, sendAt, acceptedAt } = messages[index]!
          const state = known[at] ?? (id === own ? null : sendAt > acceptedAt ? 'scheduled' : 'queued')
          if (state !== null) results[index] = { kind: 'duplicate', id, state }
        }
      }),
    )
    return results
  }
}

const accepted: Publication = { kind: 'accepted' }

export const keyShard = (shards: Pick<Shards, 'ofName'>, tenant: string, key: string): number =>
  shards.ofName(`${tenant}\n${key}`)

export const groupBy = <Item, Key>(
  items: readonly Item[],
  keyOf: (item: Item) => Key,
): ReadonlyMap<Key, readonly Item[]> => {
  const groups = new Map<Key, Item[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group) group.push(item)
    else groups.set(keyOf(item), [item])
  }
  return groups
}

/** As many places as a millisecond has; a place times so many still is a whole number until the year 2039. */
export const placesPerMs = 4096

/** Places in the order of acceptance: by time, and within a millisecond in the order in which one process took them in. */
export const createPlaces = () => {
  let lastAt = 0
  let next = 0
  return (acceptedAt: number): number => {
    next = acceptedAt === lastAt ? Math.min(next + 1, placesPerMs - 1) : 0
    lastAt = acceptedAt
    return acceptedAt * placesPerMs + next
  }
}
