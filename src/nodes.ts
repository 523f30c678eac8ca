/**
 * The processes that share one installation's work, and who of them looks after which part of it.
 *
 * Every node tells once a second how it is. From what all have told, each computes by itself who looks after which
 * shards of the queue, and all come to the same answer. This is a matter of speed and fairness alone: any node may take
 * any message, because leases are fenced. So nothing goes wrong while two nodes see different things for a moment, or
 * while nobody can be asked and the last answer stays in force.
 */

/** What a node can do: take messages in, send them, look after the engine. */
export const roles = ['gateway', 'worker', 'scheduler'] as const
export type Role = (typeof roles)[number]

/** How shards are shared out; see `assignShards`. */
export const balances = ['weighted', 'least-loaded', 'round-robin'] as const
export type Balance = (typeof balances)[number]

/** What a node tells of itself. */
export interface NodeReport {
  /** New at every start. */
  readonly id: string
  readonly name: string
  readonly roles: readonly Role[]
  readonly startedAt: number
  /** Grows with every report: who sees that it does not any more knows that the node is gone, whatever the clocks say. */
  readonly beats: number
  /** `draining`: it takes nothing new. `drained`: it has nothing in hand any more. */
  readonly state: 'live' | 'draining' | 'drained'
  /** Calls to WeChat at once, at most. */
  readonly concurrency: number
  /** Messages a second while it had more to send than hands: what the weights go by. Absent until it had. */
  readonly speed?: number
  readonly load: NodeLoad
}

export interface NodeLoad {
  /** Calls under way. */
  readonly inFlight: number
  /** Messages in hand whose call has not begun. */
  readonly waiting: number
  /** Messages a second, since the last report. */
  readonly perSecond: number
  /** Of one core, by all threads of the process: 1 is the whole of it. */
  readonly cpu: number
  /** The longest delay of the event loop since the last report. */
  readonly loopDelayMs: number
  /** How long the oldest message that is ready in its shards has waited. Absent when none is. */
  readonly oldestReadyMs?: number
}

/** A node as another one sees it. */
export interface Node extends Omit<NodeReport, 'state'> {
  /** `missed`: it has not been heard of for a while, and its shards are others' now. */
  readonly state: NodeReport['state'] | 'missed'
  /** When whoever answers has last heard something new of it. */
  readonly seenAt: number
  /** Somebody has asked it to drain. */
  readonly drainAsked: boolean
}

/** What a node does of the common work. */
export interface Share {
  /** The shards that it looks after. */
  readonly own: readonly number[]
  /** Shards of others whose messages wait: where it helps when there is nothing in its own; the oldest first. */
  readonly help: readonly number[]
  /** Whether it does the upkeep of the engine: one node at a time does. */
  readonly upkeep: boolean
}

/** A node whose event loop was delayed longer than this takes nothing more until it is better. */
export const mostLoopDelayMs = 1000
/** The weight of the slowest node: a share so small still measures whether it has become better. */
const leastWeight = 1 / 8
/** Where so much has waited for so long, others help. */
const helpAfterMs = 1000
/** How much more than its even share a node may get, so that few shards have to move when the shares change. */
const roomOverShare = 1.15

const works = ({ state, roles }: Pick<Node, 'state' | 'roles'>): boolean =>
  state === 'live' && roles.includes('worker')

/**
 * Who looks after each of the shards: the id of a live worker; nothing when there is none.
 *
 * `weighted`: in proportion to how fast each node has been while it was busy, from 1 to 1/8 of the fastest; a node that
 * has not been measured counts as the fastest. `least-loaded`: even, and see `shardsToHelp`. `round-robin`: dealt out in
 * the order of the ids, whatever anybody's load.
 *
 * The first two deal by weighted rendezvous: each pair of shard and node draws a lot, -w / ln(h), and the best lots win
 * as long as their node has room. With 64 shards, a node that comes or goes moves hardly ever more than 1/n + 10 % of
 * them; the fewer shards there are, the more chance decides (with 16 shards sometimes 1/n + 30 %).
 */
export const assignShards = (
  nodes: readonly Pick<Node, 'id' | 'state' | 'roles' | 'speed'>[],
  count: number,
  balance: Balance,
): readonly (string | undefined)[] => {
  const workers = nodes.filter(works).toSorted(byId)
  if (workers.length === 0) return Array.from({ length: count }, () => undefined)
  if (balance === 'round-robin')
    return Array.from({ length: count }, (_, shard) => workers[shard % workers.length]!.id)
  const weights = balance === 'weighted' ? weightsOf(workers) : workers.map(() => 1)
  return dealt(
    workers.map(({ id }, index) => ({ id, weight: weights[index]! })),
    count,
  )
}

const byId = (a: { readonly id: string }, b: { readonly id: string }): number => (a.id < b.id ? -1 : 1)

/** The weights of these nodes: 1 for the fastest. */
export const weightsOf = (nodes: readonly Pick<Node, 'speed'>[]): readonly number[] => {
  const fastest = Math.max(0, ...nodes.map(({ speed }) => speed ?? 0))
  return nodes.map(({ speed = fastest }) => (fastest > 0 ? Math.max(leastWeight, speed / fastest) : 1))
}

interface Weighted {
  readonly id: string
  readonly weight: number
}

const dealt = (nodes: readonly Weighted[], count: number): readonly string[] => {
  const whole = nodes.reduce((sum, { weight }) => sum + weight, 0)
  const room = nodes.map(({ weight }) => Math.ceil((roomOverShare * count * weight) / whole))
  const lots = nodes.flatMap(({ id, weight }, node) =>
    Array.from({ length: count }, (_, shard) => ({ shard, node, lot: -weight / Math.log(drawn(id, shard)) })),
  )
  const owners: string[] = new Array(count)
  for (const { shard, node } of lots.sort((a, b) => b.lot - a.lot || a.shard - b.shard || a.node - b.node)) {
    if (owners[shard] !== undefined || room[node] === 0) continue
    owners[shard] = nodes[node]!.id
    room[node]!--
  }
  return owners
}

/** A number between 0 and 1 that looks like chance and is always the same for the same two (FNV-1a, then mixed). */
const drawn = (id: string, shard: number): number => {
  let hash = 0x811c9dc5
  for (const text of [String(shard), ' ', id])
    for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (((hash ^ (hash >>> 16)) >>> 0) + 0.5) / 2 ** 32
}

/** `least-loaded`: the shards of others where something has waited for more than a second, the oldest first. */
export const shardsToHelp = (
  nodes: readonly Pick<Node, 'id' | 'load'>[],
  owners: readonly (string | undefined)[],
  self: string,
): readonly number[] => {
  const ages = new Map(nodes.map(({ id, load }) => [id, load.oldestReadyMs ?? 0]))
  const ageOf = (shard: number): number => ages.get(owners[shard] ?? '') ?? 0
  return [...owners.keys()]
    .filter((shard) => owners[shard] !== self && ageOf(shard) >= helpAfterMs)
    .sort((a, b) => ageOf(b) - ageOf(a))
}

/**
 * The live worker that would begin one more message soonest; nothing when there is none. `sentSince`: how many have been
 * sent to each since it told of its load.
 */
export const leastLoaded = (
  nodes: readonly Pick<Node, 'id' | 'state' | 'roles' | 'speed' | 'concurrency' | 'load'>[],
  sentSince: ReadonlyMap<string, number>,
): string | undefined => {
  const able = nodes.filter((node) => works(node) && node.load.loopDelayMs <= mostLoopDelayMs)
  const weights = weightsOf(able)
  let best: string | undefined
  let least = Number.POSITIVE_INFINITY
  for (const [index, { id, concurrency, load }] of able.entries()) {
    const ahead = load.inFlight + load.waiting + (sentSince.get(id) ?? 0)
    const wait = (ahead + 1) / (concurrency * weights[index]!)
    if (wait < least) [best, least] = [id, wait]
  }
  return best
}
