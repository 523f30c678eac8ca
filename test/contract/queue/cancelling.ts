import assert from 'node:assert/strict'
import { isFinal, type Message, type State } from '../../../src/message.ts'
import type { Delivery, Queue } from '../../../src/queue.ts'
import type { Settlement } from '../../../src/settlement.ts'
import { type ContractOptions, clausesOf, receiveNow, receiveOne } from '../../support/harness.ts'
import { aMessage } from '../../support/messages.ts'
import { aPark, aRetry, everySettlement, minuteMs, publishOne, recordOf } from './parts.ts'

/** A message can be stopped as long as nobody has it in hand. */
export const cancelling = (options: ContractOptions) => {
  const clause = clausesOf(options)

  /** Brings a fresh message where the case wants it. */
  const cases: readonly {
    readonly name: string
    readonly message?: Partial<Message>
    readonly settlement?: (now: number) => Settlement
    readonly becomes: 'cancelled' | 'unknown'
  }[] = [
    { name: 'queued', becomes: 'cancelled' },
    { name: 'scheduled', message: { sendAt: 8e12 }, becomes: 'cancelled' },
    { name: 'to be tried again', settlement: (now) => aRetry(now + minuteMs), becomes: 'cancelled' },
    { name: 'parked', settlement: (now) => aPark(now + minuteMs), becomes: 'cancelled' },
    { name: 'returned', settlement: () => ({ kind: 'returned' }), becomes: 'cancelled' },
    {
      name: 'in doubt, to be tried again',
      settlement: (now) => aRetry(now, { inDoubt: true }),
      becomes: 'unknown',
    },
    { name: 'in doubt and parked', settlement: (now) => aPark(now, { inDoubt: true }), becomes: 'unknown' },
  ]

  for (const { name, message: overrides = {}, settlement, becomes } of cases)
    clause(`a message that is ${name} becomes ${becomes}`, async (_t, harness) => {
      const { queue, clock } = harness
      const message = await publishOne(harness, overrides)
      if (settlement) await queue.settle(await receiveOne(harness), settlement(clock.now()))
      const { steps } = await recordOf(harness, message)
      clock.advance(10)
      assert.deepEqual(await queue.cancel(message), { kind: 'cancelled', state: becomes })

      const record = await recordOf(harness, message)
      assert.deepEqual([record.state, record.readyAt], [becomes, undefined])
      assert.deepEqual(record.steps.slice(0, -1), steps)
      assert.partialDeepStrictEqual(record.steps.at(-1), { at: clock.now(), state: becomes })
      clock.advance(365 * 24 * 60 * minuteMs)
      assert.deepEqual(await receiveNow(harness), [])
      assert.deepEqual(await queue.cancel(message), { kind: 'final', state: becomes })
    })

  clause('a message on lease is in flight, and its worker decides', async (_t, harness) => {
    const message = await publishOne(harness)
    const delivery = await receiveOne(harness)
    assert.deepEqual(await harness.queue.cancel(message), { kind: 'in-flight' })
    assert.equal(await harness.queue.settle(delivery, { kind: 'sent' }), 'settled')
    assert.equal((await recordOf(harness, message)).state, 'sent')
  })

  clause('a message whose lease was lost never becomes cancelled', async (_t, harness) => {
    const message = await publishOne(harness)
    await receiveOne(harness)
    await harness.loseLeases()
    await harness.queue.settle(await receiveOne(harness), aRetry(harness.clock.now()))
    assert.deepEqual(await harness.queue.cancel(message), { kind: 'cancelled', state: 'unknown' })
  })

  clause('a final message stays what it is', async (_t, harness) => {
    const { queue, clock } = harness
    for (const settlement of everySettlement(clock.now()).filter(({ kind }) => isFinal(kind as State))) {
      const message = await publishOne(harness)
      await queue.settle(await receiveOne(harness), settlement)
      const before = await recordOf(harness, message)
      assert.deepEqual(await queue.cancel(message), { kind: 'final', state: settlement.kind })
      assert.deepEqual(await recordOf(harness, message), before)
    }
  })

  clause('a message that is not there is missing', async (_t, { queue }) => {
    assert.deepEqual(await queue.cancel(aMessage()), { kind: 'missing' })
  })

  clause('the message of another tenant is missing, and goes on', async (_t, harness) => {
    const message = await publishOne(harness)
    assert.deepEqual(await harness.queue.cancel({ tenant: 'other', id: message.id }), { kind: 'missing' })
    assert.equal((await receiveOne(harness)).message.id, message.id)
  })

  clause('cancel and receive at the same moment: one of them has it', async (_t, harness) => {
    for (let round = 0; round < 30; round++) {
      const message = await publishOne(harness)
      const cancel = () => harness.queue.cancel(message)
      const receive = () => receiveNow(harness, 1)
      const [cancellation, deliveries] =
        round % 2 === 0
          ? await Promise.all([cancel(), receive()])
          : ((await Promise.all([receive(), cancel()])).reverse() as [
              Awaited<ReturnType<Queue['cancel']>>,
              Delivery[],
            ])
      assert.equal(cancellation.kind, deliveries.length === 1 ? 'in-flight' : 'cancelled')
      for (const delivery of deliveries) await harness.queue.settle(delivery, { kind: 'sent' })
    }
  })
}
