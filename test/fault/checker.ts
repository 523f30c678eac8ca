/**
 * Compares what callers were told with what the records say and what users saw. Pure: it knows nothing of
 * processes, so every set can be shown to be detectable with a history made by hand.
 *
 * Messages are matched by the caller's key, which travels in a field of the text: what a user saw is known by
 * it even if the service forgot the message, took it twice, or changed the key that WeChat is given.
 */
import { type Channel, isFinal, type State } from '../../src/message.ts'
import type { Line } from './history.ts'

/** A message as its record tells it at the end. */
export interface FinalRecord {
  readonly id: string
  /** The caller's own key. */
  readonly key: string
  readonly channel: Channel
  readonly state: State
  readonly reason: string | null
  readonly timeline: readonly TimelineEvent[]
}

export interface TimelineEvent {
  /** Milliseconds since 1970 UTC. */
  readonly at: number
  /** A state, or one of the steps on the way to it. */
  readonly event: string
}

/** One thing that a user saw. */
export interface SeenEffect {
  readonly key: string
  readonly at: number
}

export interface Evidence {
  readonly history: readonly Line[]
  readonly records: readonly FinalRecord[]
  readonly effects: readonly SeenEffect[]
  /** Whether a message that waits for its receipt counts as at rest: the wait is longer than a short run. */
  readonly receiptsMayWait?: boolean
}

/** Each names messages by id where they have one, else by the caller's key. All must be empty. */
export interface Findings {
  /** Accepted, and not at rest in a state that ends it. */
  readonly lost: readonly string[]
  /** There, or seen by a user, though nobody was told so and no request for it is in doubt. */
  readonly resurrected: readonly string[]
  /** Came to two different ends. `unknown` may become `sent`. */
  readonly flip: readonly string[]
  /** Seen more than once by a user. */
  readonly visibleDuplicates: readonly string[]
  /** Said to be sent, seen by nobody. */
  readonly ghost: readonly string[]
  /** Said not to be sent, seen by a user. */
  readonly silent: readonly string[]
  /** Keys under which there are two messages. */
  readonly doubleAccept: readonly string[]
  /** Still on lease when everything is quiet. */
  readonly leak: readonly string[]
}

export const check = ({ history, records, effects, receiptsMayWait = false }: Evidence): Findings => {
  const told = toldOf(history)
  const byId = new Map(records.map((record) => [record.id, record]))
  const seen = Map.groupBy(effects, ({ key }) => key)
  const timesSeen = ({ key }: FinalRecord) => seen.get(key)?.length ?? 0
  const idsOf = (keep: (record: FinalRecord) => boolean) => records.filter(keep).map(({ id }) => id)

  const idsByKey = new Map([...told.accepted].map(([key, ids]) => [key, new Set(ids)]))
  for (const { key, id } of records) setOf(idsByKey, key).add(id)

  return {
    lost: [...told.ids].filter((id) => !isAtRest(byId.get(id), receiptsMayWait)),
    resurrected: [
      ...idsOf(({ id, key }) => !told.ids.has(id) && !told.inDoubt.has(key)),
      ...[...seen.keys()].filter((key) => !told.accepted.has(key) && !told.inDoubt.has(key)),
    ],
    flip: idsOf((record) => differ([...endsOf(record), ...(told.ends.get(record.id) ?? [])])),
    visibleDuplicates: [...seen].filter(([, all]) => all.length > 1).map(([key]) => key),
    ghost: idsOf((record) => record.state === 'sent' && timesSeen(record) === 0),
    silent: idsOf((record) => notSent.has(record.state) && timesSeen(record) > 0),
    doubleAccept: [...idsByKey].filter(([, ids]) => ids.size > 1).map(([key]) => key),
    leak: idsOf(({ state }) => state === 'leased'),
  }
}

/** The names of the sets that are not empty. */
export const faultsIn = (findings: Findings): readonly (keyof Findings)[] =>
  (Object.keys(findings) as (keyof Findings)[]).filter((name) => findings[name].length > 0)

const notSent: ReadonlySet<State> = new Set(['dead', 'expired', 'cancelled'])

interface Told {
  /** Every id that was answered. */
  readonly ids: ReadonlySet<string>
  /** The ids that were answered for each key. */
  readonly accepted: ReadonlyMap<string, ReadonlySet<string>>
  /** Keys of requests that may or may not have been taken. */
  readonly inDoubt: ReadonlySet<string>
  /** Final states that were told of each id while the run went on. */
  readonly ends: ReadonlyMap<string, ReadonlySet<State>>
}

const toldOf = (history: readonly Line[]): Told => {
  const accepted = new Map<string, Set<string>>()
  const ends = new Map<string, Set<State>>()
  const ids = new Set<string>()
  const inDoubt = new Set<string>()
  for (const { op, key, status, detail } of history) {
    if (op === 'accept' && status === 'info') inDoubt.add(key)
    if (status !== 'ok' || detail.id === undefined) continue
    if (detail.state !== undefined && isFinal(detail.state as State))
      setOf(ends, detail.id).add(detail.state as State)
    if (op !== 'accept') continue
    ids.add(detail.id)
    setOf(accepted, key).add(detail.id)
  }
  return { ids, accepted, inDoubt, ends }
}

/** Whether nothing more happens to it, or at most a receipt may come. */
export const isAtRest = (
  record: Pick<FinalRecord, 'state' | 'reason'> | undefined,
  receiptsMayWait: boolean,
): boolean =>
  record !== undefined &&
  (isFinal(record.state) ||
    (receiptsMayWait && record.state === 'parked' && record.reason === 'awaiting-receipt'))

/** The ends in the timeline and the state itself, which must agree. */
const endsOf = ({ state, timeline }: FinalRecord): readonly State[] => [
  ...timeline.map(({ event }) => event as State).filter(isFinal),
  ...(isFinal(state) || timeline.some(({ event }) => isFinal(event as State)) ? [state] : []),
]

const differ = (ends: readonly State[]): boolean => {
  const kinds = new Set(ends)
  if (kinds.has('sent')) kinds.delete('unknown')
  return kinds.size > 1
}

const setOf = <Key, Value>(sets: Map<Key, Set<Value>>, key: Key): Set<Value> => {
  const set = sets.get(key) ?? new Set()
  sets.set(key, set)
  return set
}
