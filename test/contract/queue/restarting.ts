import assert from 'node:assert/strict'
import { type ContractOptions, clausesOf, receiveNow, receiveOne } from '../../support/harness.ts'
import { aRetry, byId, idsOf, oneOfEachState, publishOne, recordOf } from './parts.ts'

/** The next process finds what was answered by the one before. */
export const restarting = (options: ContractOptions) => {
  const clause = clausesOf(options)

  clause('every message is in the state in which it was', async (_t, harness) => {
    const before = await oneOfEachState(harness)
    const after = await harness.restart()
    for (const [state, record] of before) {
      const { readyAt: _, ...found } = await recordOf(after, record)
      const { readyAt: __, ...expected } = record
      assert.deepEqual(found, expected, state)
    }
  })

  clause(
    'what was on lease is delivered again, in doubt; what was queued, for the first time',
    async (_t, harness) => {
      const before = await oneOfEachState(harness)
      const leasedAt = harness.clock.now()
      const after = await harness.restart()
      await after.loseLeases()
      const deliveries = await receiveNow(after)
      assert.deepEqual(
        byId(deliveries.map(({ message: { id }, number, doubtSince }) => ({ id, number, doubtSince }))),
        byId([
          { id: before.get('leased')!.id, number: 2, doubtSince: leasedAt },
          { id: before.get('queued')!.id, number: 1, doubtSince: undefined },
        ]),
      )
    },
  )

  clause('what waits comes at its time, not before', async (_t, harness) => {
    const before = await oneOfEachState(harness)
    const after = await harness.restart()
    await after.loseLeases()
    for (const delivery of await receiveNow(after)) await after.queue.settle(delivery, { kind: 'sent' })
    const waiting = (['scheduled', 'retry', 'parked'] as const).map((state) => before.get(state)!)
    after.clock.advance(waiting[0]!.readyAt! - after.clock.now() - 1)
    assert.deepEqual(await receiveNow(after), [])
    after.clock.advance(1)
    assert.deepEqual(idsOf(await receiveNow(after)), waiting.map(({ id }) => id).sort())
  })

  clause('a delivery of before is refused once its message is delivered again', async (_t, harness) => {
    const message = await publishOne(harness)
    const zombie = await receiveOne(harness)
    const after = await harness.restart()
    await after.loseLeases()
    await receiveOne(after)
    assert.equal(await after.queue.settle(zombie, { kind: 'sent' }), 'expired')
    assert.equal((await recordOf(after, message)).state, 'leased')
  })

  clause('doubt and tries are remembered', async (_t, harness) => {
    await publishOne(harness)
    const first = await receiveOne(harness)
    await harness.queue.settle(first, aRetry(harness.clock.now(), { spent: true, inDoubt: true }))
    const { number, tries, doubtSince } = await receiveOne(await harness.restart())
    assert.deepEqual({ number, tries, doubtSince }, { number: 2, tries: 1, doubtSince: first.leasedAt })
  })
}
