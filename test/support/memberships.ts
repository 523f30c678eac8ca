import type { TestContext } from 'node:test'
import type { RedisEngine } from '../../src/engines/redis/redis.ts'
import { type Membership, type MembershipParts, startMembership } from '../../src/membership.ts'
import type { Observation } from '../../src/observe.ts'
import { atEnd } from './at-end.ts'
import type { TestClock } from './clock.ts'
import { openRedisEngine } from './redis.ts'
import { until } from './waiting.ts'

/** A node of a test: an engine of its own, and a worker that does what the test says. */
export interface TestNode {
  readonly id: string
  readonly engine: Pick<RedisEngine, 'queue' | 'sharing' | 'cut'>
  readonly membership: Membership
  /** The shards that it was last told to look after. */
  own(): readonly number[]
  upkeep(): boolean
  readonly observed: Observation[]
  readonly worker: TestWorker
  /** What the next beats tell of the process. */
  load: { cpu: number; loopDelayMs: number }
  readonly draining: boolean[]
}

export interface TestWorker {
  inHand: number
  mayLease: boolean
  /** The worker has finished what it had in hand. */
  finish(): void
}

const waitMs = 10_000

export const startNode = async (
  t: TestContext,
  {
    url,
    clock,
    ...self
  }: { readonly url: string; readonly clock: TestClock } & Partial<
    MembershipParts['self'] & Pick<MembershipParts, 'balance'>
  >,
): Promise<TestNode> => {
  const {
    id = 'node_a',
    name = id,
    roles = ['worker', 'scheduler'],
    concurrency = 8,
    balance = 'weighted',
  } = self
  const { queue, sharing, cut } = await openRedisEngine(t, { url, clock, callMs: 2000 })
  let share: { own: readonly number[]; upkeep: boolean } = { own: [], upkeep: false }
  const observed: Observation[] = []
  const draining: boolean[] = []
  const load = { cpu: 0, loopDelayMs: 0 }
  let finished = Promise.withResolvers<void>()
  const worker: TestWorker = {
    inHand: 0,
    mayLease: true,
    finish: () => finished.resolve(),
  }
  const membership = await startMembership({
    clock,
    balance,
    sharing: {
      ...sharing,
      take(next) {
        share = next
        sharing.take(next)
      },
    },
    self: { id, name, roles, concurrency },
    observe: (observation) => observed.push(observation),
    processLoad: () => load,
    worker: {
      inFlight: () => worker.inHand,
      waiting: () => 0,
      settled: () => 0,
      work: () => ({ busyMs: 0, endedBusy: 0 }),
      lease(may) {
        worker.mayLease = may
      },
      rest() {
        finished = Promise.withResolvers<void>()
        return finished.promise
      },
    },
    onDraining: (on) => void draining.push(on),
  })
  atEnd(t, async () => {
    worker.finish()
    await membership.leave()
  })
  return {
    ...{ id, engine: { queue, sharing, cut }, membership, observed, worker, load, draining },
    own: () => share.own,
    upkeep: () => share.upkeep,
  }
}

/** Lets a second pass, after which each of these has beaten. */
export const beat = async (clock: TestClock, nodes: readonly TestNode[]): Promise<void> => {
  const beatsOf = (node: TestNode) => node.membership.nodes().find(({ id }) => id === node.id)?.beats ?? 0
  await until(() => clock.asleep() >= nodes.length, waitMs)
  const before = nodes.map(beatsOf)
  clock.advance(1000)
  await until(() => nodes.every((node, index) => beatsOf(node) > before[index]!), waitMs)
}

/** Seconds until it is so; fails after so many. */
export const beatsUntil = async (
  clock: TestClock,
  nodes: readonly TestNode[],
  condition: () => boolean,
  most: number,
): Promise<number> => {
  for (let beats = 0; beats <= most; beats++) {
    if (condition()) return beats
    await beat(clock, nodes)
  }
  throw new Error(`Still not so after ${most} beats: ${condition}`)
}
