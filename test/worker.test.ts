import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { createHolds } from '../src/holds.ts'
import type { Observation } from '../src/observe.ts'
import type { Delivery, Queue } from '../src/queue.ts'
import { defaultRetryPolicy } from '../src/retry.ts'
import type { Sending } from '../src/sender.ts'
import { startWorker } from '../src/worker.ts'
import { createTestClock, testStart } from './support/clock.ts'
import { aDelivery } from './support/messages.ts'
import { soon } from './support/waiting.ts'

/** A worker between a queue that gives out `deliveries` once and a WeChat that answers when it is told to. */
const aWorker = (
  t: TestContext,
  deliveries: readonly Delivery[],
  { concurrency = 2, begun = 'begun', errcode = 0, lateOnAbort = false } = {},
) => {
  const log: string[] = []
  const calls: (() => void)[] = []
  const watchers = new Set<() => void>()
  const note = (line: string) => {
    log.push(line)
    for (const look of watchers) look()
  }
  const name = ({ handle }: Delivery) => String(handle)
  const all = [...deliveries]
  let left = [...deliveries]
  let over = false
  /** Whoever waits for a delivery. */
  let arrived = () => {}
  const give = (handle: number) => {
    all.push(aDelivery({ handle }))
    left.push(all.at(-1)!)
    arrived()
  }

  const queue: Queue = {
    publish: async () => [],
    async receive({ max, signal }) {
      if (left.length === 0)
        await new Promise<void>((resolve) => {
          arrived = resolve
          // A queue that has begun to lease may answer with deliveries although it was told to stop.
          if (!lateOnAbort || over) signal?.addEventListener('abort', () => resolve())
        })
      if (signal?.aborted && !lateOnAbort) return []
      const given = left.slice(0, max)
      left = left.slice(max)
      return given
    },
    async begin(delivery) {
      note(`begin ${name(delivery)}`)
      return begun as 'begun' | 'expired'
    },
    async settle(delivery, { kind }) {
      note(`settle ${name(delivery)} ${kind}`)
      return 'settled'
    },
    release: async () => 0,
    cancel: async () => ({ kind: 'missing' }),
    depth: async () => assert.fail('not asked here'),
    close: async () => {},
  }
  const worker = startWorker({
    queue,
    sender: {
      send(message) {
        note(`send ${all.find((delivery) => delivery.message === message)!.handle}`)
        const sending: Sending = {
          reply: { kind: 'answered', errcode, errmsg: '' },
          attempts: [{ startedAt: testStart, endedAt: testStart, outcome: 'answered', errcode }],
        }
        return over ? Promise.resolve(sending) : new Promise((resolve) => calls.push(() => resolve(sending)))
      },
      close: async () => {},
    },
    holds: createHolds(),
    policy: { retry: defaultRetryPolicy, callMs: 1000, whenNoGrant: () => 'try' },
    clock: createTestClock(),
    random: () => 0.5,
    observe: ({ kind }: Observation) => note(`observe ${kind}`),
    concurrency,
  })
  t.after(() => {
    over = true
    arrived()
    for (const answer of calls) answer()
    return worker.stop()
  })
  const seen = (line: string) =>
    soon(
      new Promise<void>((resolve) => {
        const look = () => log.includes(line) && resolve()
        watchers.add(look)
        look()
      }),
      line,
    )
  return { worker, log, calls, seen, give, sent: () => log.filter((line) => line.startsWith('send')).length }
}

const several = (count: number): readonly Delivery[] =>
  Array.from({ length: count }, (_, index) => aDelivery({ handle: index + 1 }))

suite('the worker', () => {
  test('notes a call before it makes it where it must not be repeated', async (t) => {
    const { log, seen } = aWorker(t, [aDelivery({ message: { channel: 'subscribe' } })])
    await seen('send 1')
    assert.deepEqual(log, ['observe leased', 'begin 1', 'send 1'])
  })

  test('notes nothing where WeChat recognises a repeat', async (t) => {
    const { log, seen } = aWorker(t, several(1))
    await seen('send 1')
    assert.deepEqual(log, ['observe leased', 'send 1'])
  })

  test('does not call on a lease that was lost meanwhile, and goes on with the next', async (t) => {
    const lost = aDelivery({ message: { channel: 'subscribe' } })
    const { log, seen } = aWorker(t, [lost, aDelivery({ handle: 2 })], { concurrency: 1, begun: 'expired' })
    await seen('send 2')
    assert.ok(!log.includes('send 1'))
    assert.ok(!log.some((line) => line.startsWith('settle 1')))
  })

  test('makes so many calls at once and no more', async (t) => {
    const { calls, seen, sent } = aWorker(t, several(4))
    await seen('send 2')
    assert.equal(sent(), 2)
    calls[0]!()
    await seen('send 3')
    assert.equal(sent(), 3)
  })

  test('knows of a refusal before the next call begins in the place of the refused one', async (t) => {
    const { calls, log, seen } = aWorker(t, several(2), { concurrency: 1, errcode: 40164 })
    await seen('send 1')
    calls[0]!()
    await seen('settle 2 parked')
    assert.ok(!log.includes('send 2'))
  })

  test('keeps a second message to one recipient in hand until the first is answered', async (t) => {
    const toOne = several(2).map(({ handle }) => aDelivery({ handle, message: { channel: 'subscribe' } }))
    const { calls, log, seen } = aWorker(t, [...toOne, aDelivery({ handle: 3 })], { concurrency: 3 })
    await seen('send 3')
    assert.ok(!log.includes('send 2'))
    calls[0]!()
    calls[1]!()
    await seen('send 2')
  })

  test('hands back what it keeps in hand when it stops', async (t) => {
    const toOne = several(2).map(({ handle }) => aDelivery({ handle, message: { channel: 'subscribe' } }))
    const { worker, calls, seen } = aWorker(t, toOne)
    await seen('send 1')
    const stopped = worker.stop()
    await seen('settle 2 returned')
    calls[0]!()
    await soon(stopped, 'the worker has stopped')
  })

  test('hands back what it has not begun when it stops, and waits for its calls', async (t) => {
    const { worker, calls, log, seen } = aWorker(t, several(2), { concurrency: 1 })
    await seen('send 1')
    const stopped = worker.stop()
    await seen('settle 2 returned')
    assert.equal(worker.inFlight(), 1)
    calls[0]!()
    await soon(stopped, 'the worker has stopped')
    assert.ok(log.includes('settle 1 sent'))
  })

  test('rests: hands back what it has not begun, ends its calls, and works again when it may', async (t) => {
    const { worker, calls, log, seen, give } = aWorker(t, several(2), { concurrency: 1 })
    await seen('send 1')
    const rested = worker.rest()
    await seen('settle 2 returned')
    assert.deepEqual([worker.inFlight(), worker.waiting()], [1, 0])
    calls[0]!()
    await soon(rested, 'the worker rests')
    assert.deepEqual([worker.inFlight(), worker.settled()], [0, 1])
    give(3)
    assert.ok(!log.includes('send 3'))
    worker.lease(true)
    await seen('send 3')
  })

  test('hands back what the queue answers after it was told to rest', async (t) => {
    const { worker, log, seen, give } = aWorker(t, several(1), { lateOnAbort: true })
    await seen('send 1')
    const rested = worker.rest()
    give(2)
    await seen('settle 2 returned')
    assert.ok(!log.includes('send 2'))
    void rested
  })

  test('goes on with what it has in hand while it may take nothing new', async (t) => {
    const { worker, calls, log, seen, give } = aWorker(t, several(2), { concurrency: 1 })
    await seen('send 1')
    worker.lease(false)
    give(3)
    calls[0]!()
    await seen('send 2')
    calls[1]!()
    await seen('settle 2 sent')
    assert.ok(!log.includes('send 3'))
    worker.lease(true)
    await seen('send 3')
  })

  test('says what has expired without a call', async (t) => {
    const { log, seen } = aWorker(t, [aDelivery({ message: { expiresAt: 1 } })])
    await seen('settle 1 expired')
    assert.ok(!log.includes('send 1'))
  })
})
