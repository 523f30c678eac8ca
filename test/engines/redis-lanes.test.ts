import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { createTestClock } from '../support/clock.ts'
import { receiveNow } from '../support/harness.ts'
import { aMessage } from '../support/messages.ts'
import { openRedisEngine, startRedis } from '../support/redis.ts'

const leaseMs = 60_000

/** Two processes on one Redis, with one clock. */
const twoEngines = async (t: TestContext) => {
  const { url, command } = await startRedis(t)
  const clock = createTestClock()
  const [a, b] = [
    await openRedisEngine(t, { url, clock, leaseMs }),
    await openRedisEngine(t, { url, clock, leaseMs }),
  ]
  return { a, b, clock, command }
}

const to = (touser: string, channel: 'subscribe' | 'template' = 'subscribe') => aMessage({ touser, channel })

suite('of a recipient to whom WeChat takes one call at a time', () => {
  test('one process alone has messages in hand, whatever it settles first', async (t) => {
    const { a, b, clock } = await twoEngines(t)
    await a.queue.publish([to('anna'), to('anna')])
    const [first, second] = await receiveNow(a)
    await a.queue.publish([to('anna'), to('bob')])
    const [other, ...none] = await receiveNow(b)
    assert.deepEqual([other?.message.touser, none], ['bob', []])
    await a.queue.settle(second!, { kind: 'sent' })
    clock.advance(1000)
    assert.deepEqual(await receiveNow(b), [], 'the first one is still in hand')
    await a.queue.settle(first!, {
      kind: 'retry',
      until: clock.now() + 9000,
      reason: 'x',
      spent: true,
      inDoubt: false,
    })
    clock.advance(1000)
    assert.deepEqual(
      (await receiveNow(b)).map(({ message, number }) => [message.touser, number]),
      [['anna', 1]],
    )
    clock.advance(9000)
    assert.deepEqual(await receiveNow(a), [], 'now the other process has them')
  })

  test('the next message waits for a settlement, not for a lease to run out', async (t) => {
    const { a, b, clock } = await twoEngines(t)
    await a.queue.publish([to('anna')])
    const [first] = await receiveNow(a)
    await a.queue.publish([to('anna')])
    assert.deepEqual(await receiveNow(b), [])
    const waiting = b.queue.receive({ max: 1, waitMs: 5000 })
    await a.queue.settle(first!, { kind: 'sent' })
    clock.advance(250)
    assert.equal((await waiting).length, 1)
  })

  test('a process that died keeps nobody waiting for longer than its lease', async (t) => {
    const { a, b, clock } = await twoEngines(t)
    await a.queue.publish([to('anna'), to('anna')])
    assert.equal((await receiveNow(a)).length, 2)
    a.cut()
    await b.queue.publish([to('anna')])
    clock.advance(leaseMs - 1)
    assert.deepEqual(await receiveNow(b), [])
    clock.advance(1)
    assert.equal((await receiveNow(b)).length, 3)
  })

  test('a late word from whom the lease was taken does not open the lane of another', async (t) => {
    const { a, b, clock } = await twoEngines(t)
    await a.queue.publish([to('anna')])
    const [late] = await receiveNow(a)
    // Urgent, so that it comes before what was held.
    await a.queue.publish([{ ...to('anna'), lane: 'urgent' }])
    clock.advance(leaseMs)
    assert.notEqual((await receiveNow(b, 1))[0]?.message.id, late!.message.id)
    // Nobody else has it, so its word still counts.
    assert.equal(await a.queue.settle(late!, { kind: 'sent' }), 'settled')
    await a.queue.publish([to('anna')])
    assert.deepEqual(await receiveNow(a), [])
  })

  test('what is put off can be cancelled, is counted, and is not taken for lost', async (t) => {
    const { a, b, clock } = await twoEngines(t)
    await a.queue.publish([to('anna')])
    await receiveNow(a)
    const [waiting, another] = [to('anna'), to('anna')]
    await a.queue.publish([waiting, another])
    assert.deepEqual(await receiveNow(b), [])
    assert.equal(await b.upkeep.reconcile(), 0)
    assert.deepEqual(await b.queue.cancel(waiting), { kind: 'cancelled', state: 'cancelled' })
    clock.advance(300)
    assert.equal((await b.queue.depth()).lanes.normal.ready, 1)
  })

  test('nothing is kept of those who have been settled, and other channels leave no trace', async (t) => {
    const { a, b, command } = await twoEngines(t)
    await a.queue.publish([to('anna'), to('bob'), to('anna', 'template')])
    const some = await receiveNow(a)
    assert.equal(((await command('KEYS', '*:lane:*')) as string[]).length, 2)
    await a.queue.publish([to('anna', 'template')])
    assert.equal((await receiveNow(b)).length, 1)
    for (const delivery of some) await a.queue.settle(delivery, { kind: 'sent' })
    assert.deepEqual(await command('KEYS', '*:lane:*'), [])
  })
})
