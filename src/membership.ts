/**
 * This process among the nodes: it beats once a second, computes from what all have told who looks after what, and does
 * what it is asked.
 *
 * Clocks of machines are never compared. A node is missed when its reports have not moved during three of our own beats:
 * so a machine that was stopped for a while, or that could not reach the registry, does not take the others for dead. While
 * the registry cannot be reached, the last answer stays in force.
 */
import type { Clock } from './clock.ts'
import type { NodeRegistry, RollCall, Sharing } from './node-registry.ts'
import {
  assignShards,
  type Balance,
  leastLoaded,
  mostLoopDelayMs,
  type Node,
  type NodeReport,
  type Role,
  type Share,
  shardsToHelp,
} from './nodes.ts'
import type { Observe } from './observe.ts'
import { measuredSpeed, type Speed, type Work } from './speed.ts'
import type { Worker } from './worker.ts'

export interface MembershipParts {
  readonly sharing: Sharing
  readonly clock: Clock
  readonly observe: Observe
  readonly self: {
    /** New at every start. */
    readonly id: string
    readonly name: string
    readonly roles: readonly Role[]
    readonly concurrency: number
  }
  readonly balance: Balance
  /** Of this process, since it was asked last. */
  readonly processLoad: () => { readonly cpu: number; readonly loopDelayMs: number }
  readonly worker?: Pick<Worker, 'inFlight' | 'waiting' | 'settled' | 'work' | 'lease' | 'rest'> | undefined
  /** The process is to take nothing new from now on, or to work again. */
  readonly onDraining: (draining: boolean) => void
}

/** A node with what falls to it. */
export interface SharedNode extends Node {
  /** How many shards it looks after. */
  readonly shards: number
  /** Whether it does the upkeep. */
  readonly upkeep: boolean
}

export interface Membership {
  /** All nodes as they were known at the last beat, the oldest first. */
  nodes(): readonly SharedNode[]
  /** Asks a node to drain, or to work again. Answers whether there is such a node. */
  order: NodeRegistry['order']
  /** Drains this node for good: its shards go to others at once, and the worker rests when this resolves. */
  drain(): Promise<void>
  /** Beats no more, and is no node any more. */
  leave(): Promise<void>
}

/** Often enough that a failure is noticed within seconds; seldom enough to cost nothing. */
const beatEveryMs = 1000
/**
 * Until then nobody looks after what a dead node did. To take a slow one for dead does no harm: its shards move, and come
 * back. With five, where one after the other died, messages went from one dead node to the next.
 */
const missedAfter = 3
/** Somebody has to do the upkeep; at a start it may take a moment until somebody does. */
const noUpkeepAfter = 30
/** How long a process that ends waits for the registry to know. */
const leaveWithinMs = 2000
/** A node that is always late may be the only one, so it takes something now and then all the same. */
const lateBeatsWithoutLease = 5

/** Resolves after the first beat, whether it was heard or not. */
export const startMembership = async (parts: MembershipParts): Promise<Membership> => {
  const { sharing, clock, observe, self, balance, worker } = parts
  const { registry } = sharing
  const report = createReports(parts)
  const watch = createWatch(self.id, clock.now)
  const sentSince = new Map<string, number>()
  const stopped = new AbortController()
  let nodes: readonly SharedNode[] = []
  let lateBeats = 0
  let state: NodeReport['state'] = 'live'
  /** For good, because the process ends. */
  let ending = false
  let rested: Promise<void> | undefined
  let withoutUpkeep = 0
  let hurry = () => {}

  const urgentTo = (): string | undefined => {
    const id = leastLoaded(nodes, sentSince)
    if (id !== undefined) sentSince.set(id, (sentSince.get(id) ?? 0) + 1)
    return id
  }

  const setDraining = (draining: boolean): Promise<void> | undefined => {
    if (draining === (state !== 'live')) return rested
    state = draining ? 'draining' : 'live'
    parts.onDraining(draining)
    hurry()
    if (!draining) {
      rested = undefined
      return undefined
    }
    const rests = (worker?.rest() ?? Promise.resolve()).then(() => {
      if (rested !== rests || state !== 'draining') return
      state = 'drained'
      hurry()
    })
    rested = rests
    return rests
  }

  const shareOf = (seen: readonly Node[], owners: Owners, upkeep: boolean): Share => ({
    own: [...owners.keys()].filter((shard) => owners[shard] === self.id),
    help: canHelp() ? shardsToHelp(seen, owners, self.id) : [],
    upkeep,
  })

  const canHelp = (): boolean =>
    balance === 'least-loaded' && state === 'live' && self.roles.includes('worker')

  const take = (answer: RollCall): void => {
    const seen = watch.seen(answer.nodes)
    void setDraining(ending || (seen.find(({ id }) => id === self.id)?.drainAsked ?? false))
    const owners = assignShards(seen, sharing.shards, balance)
    nodes = seen.map((node) => ({
      ...node,
      shards: owners.filter((owner) => owner === node.id).length,
      upkeep: node.id === answer.upkeep,
    }))
    sentSince.clear()
    sharing.take(shareOf(seen, owners, answer.upkeep === self.id))
    withoutUpkeep = answer.upkeep === undefined ? withoutUpkeep + 1 : 0
    if (withoutUpkeep === noUpkeepAfter) observe(noScheduler)
  }

  const mayLease = ({ loopDelayMs }: NodeReport['load']): boolean => {
    lateBeats = loopDelayMs > mostLoopDelayMs ? lateBeats + 1 : 0
    return state === 'live' && lateBeats % (lateBeatsWithoutLease + 1) === 0
  }

  const beat = async (): Promise<void> => {
    const told = await report(state)
    worker?.lease(mayLease(told.load))
    const mayUpkeep = self.roles.includes('scheduler') && state === 'live'
    const gone = watch.upkeepGone()
    const answer = await registry.beat(told, { mayUpkeep, ...(gone !== undefined && { gone }) })
    watch.upkeepBy(answer.upkeep)
    take(answer)
  }

  const loop = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      const begunAt = clock.now()
      const rest = new AbortController()
      hurry = () => rest.abort()
      await beat().catch((error: unknown) =>
        observe({ kind: 'alert', code: 'nodes-unreachable', detail: String(error) }),
      )
      first.resolve()
      if (stopped.signal.aborted) return
      // A clock that was set may have made this beat long or negative: the next one comes within a second all the same.
      const tookMs = Math.min(beatEveryMs, Math.max(0, clock.now() - begunAt))
      await clock.sleep(Math.max(1, beatEveryMs - tookMs), rest.signal)
    }
  }

  const first = Promise.withResolvers<void>()
  sharing.join({ id: self.id, urgentTo })
  const beating = loop()
  await first.promise

  return {
    nodes: () => nodes,
    order: registry.order,
    async drain() {
      ending = true
      await setDraining(true)
    },
    async leave() {
      stopped.abort()
      hurry()
      const said = new AbortController()
      // Who cannot say good-bye in time is missed after three beats.
      const goodBye = beating.then(() => registry.leave(self.id)).catch(() => {})
      await Promise.race([goodBye, clock.sleep(leaveWithinMs, said.signal)])
      said.abort()
    },
  }
}

type Owners = ReturnType<typeof assignShards>

const noScheduler = {
  kind: 'alert',
  code: 'no-scheduler',
  detail:
    'No process has the role scheduler, so old messages are not forgotten and lost places are not found: give it to one.',
} as const

/** Makes the reports of this node, each about the time since the one before. */
const createReports = ({ sharing, clock, self, processLoad, worker }: MembershipParts) => {
  const startedAt = clock.now()
  let beats = 0
  let reportedAt = startedAt
  let settled = 0
  let speed: Speed | undefined
  let before: Work = { busyMs: 0, endedBusy: 0 }

  return async (state: NodeReport['state']): Promise<NodeReport> => {
    // Reached only when the engine is; without an answer the node is all the same how it is.
    const oldestReadyAt = worker && (await sharing.oldestReadyAt().catch(() => undefined))
    const now = clock.now()
    const work = worker?.work() ?? before
    speed = measuredSpeed(speed, before, work)
    const done = worker?.settled() ?? 0
    const perSecond = now > reportedAt ? Math.round((1000 * (done - settled)) / (now - reportedAt)) : 0
    before = work
    settled = done
    reportedAt = now
    return {
      ...{ ...self, startedAt, state, beats: ++beats },
      ...(speed && { speed: speed.told }),
      load: {
        inFlight: worker?.inFlight() ?? 0,
        waiting: worker?.waiting() ?? 0,
        perSecond,
        ...processLoad(),
        ...(oldestReadyAt !== undefined && { oldestReadyMs: Math.max(0, now - oldestReadyAt) }),
      },
    }
  }
}

/** Sees which nodes still move. */
const createWatch = (self: string, now: () => number) => {
  interface Watched {
    readonly beats: number
    readonly seenAt: number
    /** How many of our beats have passed since it moved. */
    readonly still: number
  }
  let watched: ReadonlyMap<string, Watched> = new Map()
  let upkeep: string | undefined

  const isMissed = (id: string): boolean => (watched.get(id)?.still ?? 0) >= missedAfter

  return {
    seen(told: RollCall['nodes']): readonly Node[] {
      const next = new Map<string, Watched>()
      for (const { report } of told) {
        const known = watched.get(report.id)
        const moved = known === undefined || known.beats !== report.beats
        next.set(
          report.id,
          moved
            ? { beats: report.beats, seenAt: now(), still: 0 }
            : { ...known, still: report.id === self ? 0 : known.still + 1 },
        )
      }
      watched = next
      return told
        .map(
          ({ report, drainAsked }): Node => ({
            ...report,
            state: isMissed(report.id) ? 'missed' : report.state,
            seenAt: next.get(report.id)!.seenAt,
            drainAsked,
          }),
        )
        .sort((a, b) => a.startedAt - b.startedAt || (a.id < b.id ? -1 : 1))
    },
    upkeepBy(id: string | undefined): void {
      upkeep = id
    },
    /** The node that does the upkeep, if it is missed. */
    upkeepGone: (): string | undefined => (upkeep !== undefined && isMissed(upkeep) ? upkeep : undefined),
  }
}
