import { type Message, type MessageId, momentOf, type State } from '../../message.ts'
import type { Publication } from '../../queue.ts'
import { scriptOf } from './client.ts'
import { acceptRow, type Value } from './rows.ts'
import { acceptScript, reserveKeysScript } from './scripts/accept.ts'
import type { Shards } from './shards.ts'

const accept = scriptOf('take messages in', acceptScript)
const reserveKeys = scriptOf('reserve idempotency keys', reserveKeysScript)

/** Who a message is taken in as: itself, or the one that has its key already. */
type Target = Place | Answered
type Place = { readonly id: MessageId; readonly shard: number }
/** The key alone says what to answer. */
type Answered = { readonly publication: Publication }

/**
 * Takes messages in, in one or two steps: the keys of those that have one, in the shards of the keys; then the
 * messages, in the shards of their recipients. A crash between them leaves a key whose message is not there: the repeat
 * of it is taken in under the id that the key names, so the key still stands for one message.
 *
 * A message that has ended is forgotten before its key is, and is not there either. The key says so before the message
 * goes, so whoever misses the message asks the key once more: if it says nothing then, the message has never been there.
 */
export const createIntake = (shards: Shards) => {
  const orders = createPlaces()

  /** Fills in what can be answered, and returns the numbers of those that an earlier call has reserved and are not there. */
  const takeIn = async (
    rows: readonly Row[],
    results: Publication[],
    earlier: 'look' | 'take',
  ): Promise<readonly Row[]> => {
    const absent: Row[] = []
    for (const { target, index } of rows) if ('publication' in target) results[index] = target.publication
    const byShard = groupBy(rows.filter(isPlaced), ({ target }) => target.shard)
    await Promise.all(
      [...byShard].map(async ([shard, some]) => {
        const args: Value[] = []
        for (const { message, target, order } of some) {
          const isKnown = earlier === 'look' && target.id !== message.id
          args.push(...acceptRow(message, target.id, order), isKnown ? 1 : 0)
        }
        const states = (await shards.run(shard, accept, args)) as readonly (State | '' | null)[]
        for (const [at, row] of some.entries()) {
          const { id } = row.target
          if (states[at] === '') absent.push(row)
          else if (states[at] || id !== row.message.id)
            results[row.index] = { kind: 'duplicate', id, state: states[at] || firstState(row.message) }
        }
      }),
    )
    return absent
  }

  return async (messages: readonly Message[]): Promise<readonly Publication[]> => {
    const results = messages.map(() => accepted)
    const targets = await targetsOf(shards, messages)
    const rows = messages.map((message, index) => {
      const target = targets[index]!
      return { message, index, target, order: orders('id' in target ? target.id : message.id) }
    })
    const absent = await takeIn(rows, results, 'look')
    if (absent.length === 0) return results
    const again = await targetsOf(
      shards,
      absent.map(({ message }) => message),
    )
    await takeIn(
      absent.map((row, at) => ({ ...row, target: again[at]! })),
      results,
      'take',
    )
    return results
  }
}

interface Row {
  readonly message: Message
  readonly index: number
  readonly target: Target
  readonly order: number
}

const isPlaced = (row: Row): row is Row & { readonly target: Place } => 'id' in row.target

const firstState = ({ sendAt, acceptedAt }: Message): State => (sendAt > acceptedAt ? 'scheduled' : 'queued')

/** Reserves the keys of those that have one. */
const targetsOf = async (shards: Shards, messages: readonly Message[]): Promise<readonly Target[]> => {
  const targets: Target[] = messages.map((message) => ({ id: message.id, shard: shards.ofPerson(message) }))
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
      const holders = (await shards.run(shard, reserveKeys, args)) as readonly Holder[]
      for (const [at, index] of indexes.entries())
        targets[index] = targetOf(holders[at]!, messages[index]!.idempotency!.fingerprint)
    }),
  )
  return targets
}

type Holder = readonly [id: MessageId, fingerprint: string, shard: string, ended: State | null]

const targetOf = ([id, fingerprint, shard, state]: Holder, asked: string): Target => {
  if (fingerprint !== asked) return { publication: { kind: 'conflict', id } }
  return state === null ? { id, shard: Number(shard) } : { publication: { kind: 'duplicate', id, state } }
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

/**
 * Places in the order of acceptance: by the millisecond in the id, and within it in the order in which one process took
 * them in.
 */
export const createPlaces = () => {
  let last = 0
  let next = 0
  return (id: MessageId): number => {
    const moment = momentOf(id)
    next = moment === last ? Math.min(next + 1, placesPerMs - 1) : 0
    last = moment
    return moment * placesPerMs + next
  }
}
