import assert from 'node:assert/strict'
import { type ContractOptions, clausesOf, receiveNow, receiveOne } from '../../support/harness.ts'
import { aRetry, everySettlement, minuteMs, publishOne, recordOf } from './parts.ts'

/** A message is in one hand at a time, and what a lost hand may have done is not forgotten. */
export const leases = (options: ContractOptions) => {
  const clause = clausesOf(options)

  clause('a lost lease is delivered again, in doubt since its start', async (_t, harness) => {
    const message = await publishOne(harness)
    const first = await receiveOne(harness)
    await harness.loseLeases()
    const second = await receiveOne(harness)
    assert.deepEqual([second.message.id, second.number, second.tries], [message.id, 2, 0])
    assert.equal(second.doubtSince, first.leasedAt)
    assert.equal(second.leasedAt, harness.clock.now())
    assert.equal((await recordOf(harness, message)).doubtSince, first.leasedAt)
  })

  clause('after many lost leases the doubt is still as old as the first', async (_t, harness) => {
    await publishOne(harness)
    const first = await receiveOne(harness)
    for (let number = 2; number <= 5; number++) {
      await harness.loseLeases()
      const next = await receiveOne(harness)
      assert.deepEqual([next.number, next.doubtSince, next.tries], [number, first.leasedAt, 0])
    }
  })

  const mustNotBeRepeated = { channel: 'subscribe' } as const

  clause('losing what was only held leaves no doubt, where a repeat is not safe', async (_t, harness) => {
    const message = await publishOne(harness, mustNotBeRepeated)
    await receiveOne(harness)
    await harness.loseLeases()
    const second = await receiveOne(harness)
    assert.deepEqual([second.number, second.doubtSince], [2, undefined])
    assert.equal((await recordOf(harness, message)).doubtSince, undefined)
  })

  clause('losing a lease whose call had begun leaves a doubt', async (_t, harness) => {
    const message = await publishOne(harness, mustNotBeRepeated)
    const first = await receiveOne(harness)
    assert.equal(await harness.queue.begin(first), 'begun')
    await harness.loseLeases()
    assert.equal((await receiveOne(harness)).doubtSince, first.leasedAt)
    // The next holder has not begun, but the doubt of the first is not forgotten.
    await harness.loseLeases()
    assert.equal((await receiveOne(harness)).doubtSince, first.leasedAt)
    assert.equal((await recordOf(harness, message)).doubtSince, first.leasedAt)
  })

  clause('a call does not begin on a lease that another has', async (_t, harness) => {
    await publishOne(harness, mustNotBeRepeated)
    const zombie = await receiveOne(harness)
    await harness.loseLeases()
    await receiveOne(harness)
    assert.equal(await harness.queue.begin(zombie), 'expired')
    await harness.loseLeases()
    assert.equal((await receiveOne(harness)).doubtSince, undefined)
  })

  clause('a call does not begin on what is settled', async (_t, harness) => {
    await publishOne(harness, mustNotBeRepeated)
    const delivery = await receiveOne(harness)
    await harness.queue.settle(delivery, { kind: 'sent' })
    assert.equal(await harness.queue.begin(delivery), 'expired')
  })

  clause('a lost lease is a step of the timeline', async (_t, harness) => {
    const message = await publishOne(harness)
    const { leasedAt } = await receiveOne(harness)
    await harness.loseLeases()
    await receiveOne(harness)
    const { steps } = await recordOf(harness, message)
    assert.deepEqual(steps, [{ at: harness.clock.now(), state: 'lease-lost', leasedAt }])
  })

  clause('a settlement is refused once the message is leased to another', async (_t, harness) => {
    const message = await publishOne(harness)
    const zombie = await receiveOne(harness)
    await harness.loseLeases()
    const current = await receiveOne(harness)
    const before = await recordOf(harness, message)
    for (const settlement of everySettlement(harness.clock.now()))
      assert.equal(await harness.queue.settle(zombie, settlement), 'expired', settlement.kind)
    assert.deepEqual(await recordOf(harness, message), before)
    assert.equal(await harness.queue.settle(current, { kind: 'sent' }), 'settled')
  })

  clause('a settlement is refused once another has settled', async (_t, harness) => {
    const message = await publishOne(harness)
    const zombie = await receiveOne(harness)
    await harness.loseLeases()
    await harness.queue.settle(await receiveOne(harness), aRetry(harness.clock.now() + minuteMs))
    const before = await recordOf(harness, message)
    assert.equal(await harness.queue.settle(zombie, { kind: 'dead', reason: 'errcode-43004' }), 'expired')
    assert.deepEqual(await recordOf(harness, message), before)
  })

  clause(
    'a settlement is refused once the message was handed back and leased to another',
    async (_t, harness) => {
      const message = await publishOne(harness)
      const first = await receiveOne(harness)
      await harness.queue.settle(first, { kind: 'returned' })
      await receiveOne(harness)
      assert.equal(await harness.queue.settle(first, { kind: 'sent' }), 'expired')
      assert.equal((await recordOf(harness, message)).state, 'leased')
    },
  )

  clause('a settlement is taken when the lease has run out but nobody else has it', async (_t, harness) => {
    const message = await publishOne(harness)
    const delivery = await receiveOne(harness)
    await harness.loseLeases()
    assert.equal(await harness.queue.settle(delivery, { kind: 'sent', msgid: '7' }), 'settled')
    assert.equal((await recordOf(harness, message)).state, 'sent')
    assert.deepEqual(await receiveNow(harness), [])
  })
}
