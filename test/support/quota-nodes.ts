/** Several workers on one Redis, with a WeChat that only counts. All have one clock, which the test moves on. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { AccountLimits } from '../../src/directory.ts'
import type { RedisEngine } from '../../src/engines/redis/redis.ts'
import { createGates, type Gates } from '../../src/gates.ts'
import { createHolds } from '../../src/holds.ts'
import { createObserver } from '../../src/observe.ts'
import type { QuotaAnswer } from '../../src/quota.ts'
import { createQuotaWatch } from '../../src/quota-watch.ts'
import { defaultRetryPolicy, nextMinute } from '../../src/retry.ts'
import type { Sender } from '../../src/sender.ts'
import { startWorker } from '../../src/worker.ts'
import { atEnd } from './at-end.ts'
import { testStart } from './clock.ts'
import { openRedisEngine } from './redis.ts'
import { createRunningClock, type MovedClock } from './sending.ts'

const dayMs = 86_400_000

export interface Node {
  readonly engine: RedisEngine
  readonly gates: Gates
  /** Calls that it has begun. */
  calls(): number
  /** Ends as a killed process does: without a word. */
  crash(): void
}

export interface Stage {
  readonly clock: MovedClock
  readonly wechat: ReturnType<typeof aWechat>
  start(options?: NodeOptions): Promise<Node>
}

export interface NodeOptions {
  readonly concurrency?: number
  /** How long a call takes. */
  readonly latencyMs?: number
  /** Only the gates: what is sent is for the test to say. */
  readonly idle?: boolean
}

/** Counts calls by the clock of all, refuses those above its limits, and says how many there are. */
const aWechat = (now: () => number) => {
  const inMinute = new Map<number, number>()
  const self = {
    daily: 100_000,
    used: 0,
    /** Times at which it refused for the day. */
    refused: 0,
    begunSince: 0,
    questions: 0,
    /** The errcode of every call from now on. */
    errcode: undefined as number | undefined,
    inMinute,
    call(): number {
      if (self.refused > 0) self.begunSince++
      const minute = nextMinute(now())
      inMinute.set(minute, (inMinute.get(minute) ?? 0) + 1)
      if (self.errcode !== undefined) return self.errcode
      if (self.used >= self.daily) return 45009
      self.used++
      return 0
    },
    async answer(): Promise<QuotaAnswer> {
      self.questions++
      return { kind: 'known', daily: self.daily, used: self.used }
    },
  }
  return self
}

export const openStage = (t: TestContext, url: string, limits?: AccountLimits): Stage => {
  const clock = createRunningClock(testStart)
  const wechat = aWechat(clock.now)

  const start = async ({ concurrency = 8, latencyMs = 2, idle = false }: NodeOptions = {}): Promise<Node> => {
    const engine = await openRedisEngine(t, { url, clock, leaseMs: 3 * dayMs, retentionMs: 30 * dayMs })
    const { calls, bulletin } = engine.coordination
    const observer = createObserver()
    const holds = createHolds()
    const policy = { retry: defaultRetryPolicy, callMs: 42_000, whenNoGrant: () => 'try' as const }
    let begun = 0
    const sender: Sender = {
      async send() {
        begun++
        const startedAt = clock.now()
        const errcode = wechat.call()
        await new Promise((resolve) => setTimeout(resolve, latencyMs))
        if (errcode === 45009) wechat.refused++
        const endedAt = clock.now()
        return {
          reply: { kind: 'answered', errcode, errmsg: '', ...(errcode === 0 && { msgid: '1' }) },
          attempts: [{ startedAt, endedAt, outcome: 'answered', errcode }],
        }
      },
      async close() {},
    }
    const gates = createGates({
      ...{ policy, random: () => 0.5, concurrency, holds, limitsOf: () => limits },
      watch: createQuotaWatch({
        ...{ askQuota: wechat.answer, mayAsk: calls!.mayAsk, clock, observe: observer.observe },
        release: engine.queue.release,
      }),
      sharing: { calls: calls!, bulletin: bulletin!, clock },
    })
    await bulletin!.listen((notice) => gates.hear(notice, clock.now()))
    const node = { engine, gates, calls: () => begun }
    if (idle) {
      atEnd(t, gates.stop)
      return { ...node, crash: engine.cut }
    }
    const worker = startWorker({
      ...{ queue: engine.queue, sender, policy, clock, random: () => 0.5, observe: observer.observe },
      ...{ holds, concurrency, gates },
    })
    let isGone = false
    atEnd(t, () => (isGone ? undefined : worker.stop()))
    const crash = () => {
      isGone = true
      engine.cut()
      // Nothing that is still in its hands comes to a call.
      worker.stop().catch(() => {})
    }
    return { ...node, crash }
  }
  return { clock, wechat, start }
}

/** How many messages are in each state. */
export const statesOf = async (
  { engine }: Pick<Node, 'engine'>,
  messages: readonly { readonly tenant: string; readonly id: string }[],
): Promise<Readonly<Record<string, number>>> => {
  const states: Record<string, number> = {}
  for (const { tenant, id } of messages) {
    const found = await engine.ledger.find({ tenant, id: id as never })
    assert.ok(found)
    states[found.state] = (states[found.state] ?? 0) + 1
  }
  return states
}
