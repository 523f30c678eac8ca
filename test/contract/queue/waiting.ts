import assert from 'node:assert/strict'
import { type ContractOptions, clausesOf, receiveOne } from '../../support/harness.ts'
import { aMessage } from '../../support/messages.ts'
import { soon } from '../../support/waiting.ts'
import { aRetry, idsOf, minuteMs, publishOne } from './parts.ts'

/** A receiver that found nothing waits, and hears of what comes. */
export const waiting = (options: ContractOptions) => {
  const clause = clausesOf(options)

  clause('it is given what is published meanwhile', async (t, { queue }) => {
    const received = queue.receive({ max: 10, waitMs: minuteMs, signal: t.signal })
    await queue.depth()
    const message = aMessage()
    await queue.publish([message])
    assert.deepEqual(idsOf(await soon(received, 'the receiver hears of it')), [message.id])
  })

  clause('it gets nothing when the wait is over, and not before', async (t, { queue, clock }) => {
    let over = false
    const received = queue.receive({ max: 10, waitMs: 50, signal: t.signal }).finally(() => {
      over = true
    })
    await queue.depth()
    assert.equal(over, false)
    clock.advance(50)
    assert.deepEqual(await soon(received, 'the wait ends'), [])
  })

  clause('it gets nothing when its signal aborts, and nothing stays on lease', async (_t, harness) => {
    const stop = new AbortController()
    const received = harness.queue.receive({ max: 10, waitMs: minuteMs, signal: stop.signal })
    await harness.queue.depth()
    stop.abort()
    assert.deepEqual(await soon(received, 'the abort is heard'), [])
    await publishOne(harness)
    assert.equal((await receiveOne(harness)).number, 1)
  })

  clause('it does not even look when its signal has aborted already', async (_t, harness) => {
    await publishOne(harness)
    const signal = AbortSignal.abort()
    assert.deepEqual(await harness.queue.receive({ max: 10, waitMs: minuteMs, signal }), [])
    assert.equal((await receiveOne(harness)).number, 1)
  })

  clause('an abort at the very moment of a delivery loses nothing', async (_t, harness) => {
    for (let round = 0; round < 30; round++) {
      const stop = new AbortController()
      const received = harness.queue.receive({ max: 10, waitMs: minuteMs, signal: stop.signal })
      if (round % 3 === 0) await harness.queue.depth()
      const message = aMessage()
      const published = harness.queue.publish([message])
      if (round % 2 === 0) await published
      stop.abort()
      await published
      const [delivery = await receiveOne(harness)] = await soon(received, 'the abort is heard')
      assert.deepEqual([delivery.message.id, delivery.number], [message.id, 1], `round ${round}`)
    }
  })

  clause('it is given a scheduled message promptly at its time', async (t, { queue, clock }) => {
    await queue.publish([aMessage({ sendAt: clock.now() + 40 })])
    const received = queue.receive({ max: 1, waitMs: minuteMs, signal: t.signal })
    await queue.depth()
    clock.advance(40)
    assert.equal((await soon(received, 'the scheduled message comes')).length, 1)
  })

  clause('it is given a message scheduled earlier than the one it waits for', async (t, { queue, clock }) => {
    const [later, sooner] = [
      aMessage({ sendAt: clock.now() + minuteMs }),
      aMessage({ sendAt: clock.now() + 40 }),
    ]
    await queue.publish([later])
    const received = queue.receive({ max: 10, waitMs: minuteMs, signal: t.signal })
    await queue.depth()
    await queue.publish([sooner])
    clock.advance(40)
    assert.deepEqual(idsOf(await soon(received, 'the earlier message comes')), [sooner.id])
  })

  clause('it is given what another hands back', async (t, harness) => {
    const message = await publishOne(harness)
    const delivery = await receiveOne(harness)
    const received = harness.queue.receive({ max: 1, waitMs: minuteMs, signal: t.signal })
    await harness.queue.depth()
    await harness.queue.settle(delivery, { kind: 'returned' })
    assert.deepEqual(idsOf(await soon(received, 'the receiver hears of it')), [message.id])
  })

  clause('it is given a message that another wants tried again, promptly at its time', async (t, harness) => {
    const message = await publishOne(harness)
    const delivery = await receiveOne(harness)
    const received = harness.queue.receive({ max: 1, waitMs: minuteMs, signal: t.signal })
    await harness.queue.depth()
    await harness.queue.settle(delivery, aRetry(harness.clock.now() + 40))
    harness.clock.advance(40)
    assert.deepEqual(idsOf(await soon(received, 'the retry comes')), [message.id])
  })
}
