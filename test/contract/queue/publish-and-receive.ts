import assert from 'node:assert/strict'
import { type ContractOptions, clausesOf, receiveNow, receiveOne } from '../../support/harness.ts'
import { aMessage } from '../../support/messages.ts'
import { byId, delivered, idsOf, minuteMs, publishOne, recordOf } from './parts.ts'

/** What goes in comes out: whole, in time, the urgent first. */
export const publishAndReceive = (options: ContractOptions) => {
  const clause = clausesOf(options)

  clause('what is published is received with every field intact', async (_t, harness) => {
    const messages = [
      aMessage(),
      aMessage({
        tenant: "O'Brien & 儿子",
        channel: 'subscribe',
        lane: 'bulk',
        touser: 'o-_😀"quoted"',
        templateId: "tpl'; DROP TABLE messages; --",
        body: JSON.stringify({
          first: '包裹已发出 "今天" \\ \n\t\u0000\u2028 👨‍👩‍👧 \ud800',
          long: '长'.repeat(50_000),
        }),
        expiresAt: 8_640_000_000_000_000,
      }),
      aMessage({ body: '' }),
    ]
    assert.deepEqual(
      await harness.queue.publish(messages),
      messages.map(() => ({ kind: 'accepted' })),
    )
    const deliveries = await receiveNow(harness)
    assert.deepEqual(byId(deliveries.map(({ message }) => message)), byId(messages.map(delivered)))
  })

  clause(
    'a first delivery has number 1, no tries, no doubt and a lease that starts now',
    async (_t, harness) => {
      await harness.queue.publish([aMessage()])
      const { number, tries, leasedAt, leaseUntil, doubtSince } = await receiveOne(harness)
      assert.deepEqual(
        { number, tries, leasedAt, doubtSince },
        {
          number: 1,
          tries: 0,
          leasedAt: harness.clock.now(),
          doubtSince: undefined,
        },
      )
      assert.ok(leaseUntil > leasedAt)
    },
  )

  clause('what is on lease is on record as such', async (_t, harness) => {
    const message = await publishOne(harness)
    const { leaseUntil } = await receiveOne(harness)
    const { state, deliveries, readyAt } = await recordOf(harness, message)
    assert.deepEqual({ state, deliveries, readyAt }, { state: 'leased', deliveries: 1, readyAt: leaseUntil })
  })

  clause('what is on lease is not received again', async (_t, harness) => {
    await publishOne(harness)
    await receiveOne(harness)
    harness.clock.advance(minuteMs - 1)
    assert.deepEqual(await receiveNow(harness), [])
  })

  clause('an empty batch is nothing', async (_t, harness) => {
    assert.deepEqual(await harness.queue.publish([]), [])
    assert.deepEqual(await receiveNow(harness), [])
  })

  clause('more urgent lanes are served first', async (_t, harness) => {
    const lanes = ['bulk', 'normal', 'urgent', 'bulk', 'urgent', 'normal'] as const
    await harness.queue.publish(lanes.map((lane) => aMessage({ lane })))
    const together = await receiveNow(harness, 3)
    assert.deepEqual(
      together.map(({ message }) => message.lane),
      ['urgent', 'urgent', 'normal'],
    )
    const rest = [await receiveOne(harness), await receiveOne(harness), await receiveOne(harness)]
    assert.deepEqual(
      rest.map(({ message }) => message.lane),
      ['normal', 'bulk', 'bulk'],
    )
  })

  clause('an old message of a lesser lane waits behind a new urgent one', async (_t, harness) => {
    await publishOne(harness, { lane: 'bulk' })
    harness.clock.advance(minuteMs)
    await publishOne(harness, { lane: 'urgent', acceptedAt: harness.clock.now() })
    assert.equal((await receiveOne(harness)).message.lane, 'urgent')
  })

  clause('no more than max are received', async (_t, harness) => {
    await harness.queue.publish(Array.from({ length: 10 }, () => aMessage()))
    const sizes = [3, 3, 100, 100].map(async (max) => (await receiveNow(harness, max)).length)
    assert.deepEqual(await Promise.all(sizes), [3, 3, 4, 0])
  })

  clause('a thousand in one batch are all there', async (_t, harness) => {
    const messages = Array.from({ length: 1000 }, () => aMessage())
    await harness.queue.publish(messages)
    const deliveries = await receiveNow(harness, 1000)
    assert.deepEqual(idsOf(deliveries), messages.map(({ id }) => id).sort())
  })

  clause('a scheduled message is not received before its time', async (_t, harness) => {
    const message = await publishOne(harness, { sendAt: harness.clock.now() + minuteMs })
    assert.equal((await recordOf(harness, message)).state, 'scheduled')
    harness.clock.advance(minuteMs - 1)
    assert.deepEqual(await receiveNow(harness), [])
    harness.clock.advance(1)
    assert.equal((await receiveOne(harness)).message.id, message.id)
  })

  clause('a message past its expiry still comes, so that somebody can say so', async (_t, harness) => {
    const message = await publishOne(harness, { expiresAt: harness.clock.now() + 1 })
    harness.clock.advance(minuteMs)
    assert.equal((await receiveOne(harness)).message.id, message.id)
  })
}
