import assert from 'node:assert/strict'
import { grantCondition } from '../../../src/grants.ts'
import type { Settlement } from '../../../src/settlement.ts'
import {
  type ContractOptions,
  clausesOf,
  type Harness,
  receiveNow,
  receiveOne,
} from '../../support/harness.ts'
import { soon } from '../../support/waiting.ts'
import { minuteMs, publishOne, recordOf } from '../queue/parts.ts'
import { addGrants, holder, leaseOne, settled } from './parts.ts'

const parkedFor = (condition: string, until: number): Settlement => ({
  ...{ kind: 'parked', reason: 'waits', inDoubt: false },
  until,
  condition,
})

/** As a message is parked for want of a grant. */
const parkedForGrant = ({ clock }: Harness): Settlement =>
  parkedFor(grantCondition(holder), clock.now() + 60 * minuteMs)

/** A condition that comes true makes its messages ready at once. */
export const conditions = (options: ContractOptions) => {
  const clause = clausesOf(options)

  clause('release makes ready what is parked for it, and nothing else', async (_t, harness) => {
    const { queue, clock } = harness
    const until = clock.now() + 60 * minuteMs
    const mine = await publishOne(harness)
    await settled(harness, await receiveOne(harness), parkedFor('quota a', until))
    await publishOne(harness)
    await settled(harness, await receiveOne(harness), parkedFor('quota b', until))
    assert.deepEqual(await receiveNow(harness), [])
    assert.equal(await queue.release('quota a'), 1)
    assert.equal(await queue.release('quota a'), 0)
    assert.deepEqual(
      (await receiveNow(harness)).map(({ message }) => message.id),
      [mine.id],
    )
  })

  clause('release wakes a receiver that waits', async (_t, harness) => {
    const { queue, clock } = harness
    await publishOne(harness)
    await settled(harness, await receiveOne(harness), parkedFor('quota a', clock.now() + 60 * minuteMs))
    const waiting = queue.receive({ max: 1, waitMs: 10_000 })
    await queue.release('quota a')
    assert.equal((await soon(waiting, 'the receiver wakes')).length, 1)
  })

  clause('what is not released comes at its time', async (_t, harness) => {
    const { queue, clock } = harness
    await publishOne(harness)
    await settled(harness, await receiveOne(harness), parkedFor('quota a', clock.now() + minuteMs))
    clock.advance(minuteMs)
    await settled(harness, await receiveOne(harness), { kind: 'sent' })
    assert.equal(await queue.release('quota a'), 0)
  })

  clause('more than one transaction holds are all released', async (_t, harness) => {
    const { queue, clock } = harness
    const until = clock.now() + 60 * minuteMs
    for (let n = 0; n < 12; n++) {
      await Promise.all(Array.from({ length: 500 }, () => publishOne(harness)))
      for (const delivery of await receiveNow(harness, 500))
        void queue.settle(delivery, parkedFor('quota a', until))
    }
    await queue.depth()
    assert.equal(await queue.release('quota a'), 6000)
    assert.equal((await queue.depth()).lanes.normal.ready, 6000)
  })

  clause('a new grant releases the message that waits for one', async (_t, harness) => {
    const { clock } = harness
    const delivery = await leaseOne(harness)
    const until = clock.now() + 60 * minuteMs
    await settled(harness, delivery, parkedFor(grantCondition(holder), until))
    await addGrants(harness, 1, { touser: 'somebody-else' })
    assert.deepEqual(await receiveNow(harness), [])
    assert.deepEqual(await addGrants(harness, 1), { kind: 'taken', released: 1 })
    assert.equal((await receiveOne(harness)).grant?.kind, 'reserved')
  })

  clause('a grant that came between the lease and the park is not waited for', async (_t, harness) => {
    const delivery = await leaseOne(harness)
    assert.deepEqual(await addGrants(harness, 1), { kind: 'taken', released: 0 })
    await settled(harness, delivery, { ...parkedForGrant(harness), grant: 'free' })
    assert.equal((await receiveOne(harness)).grant?.kind, 'reserved')
  })

  clause('a grant that is free again releases one of those that wait for it', async (_t, harness) => {
    await addGrants(harness, 1)
    const holds = await leaseOne(harness)
    for (let n = 0; n < 2; n++)
      await settled(harness, await leaseOne(harness), { ...parkedForGrant(harness), grant: 'free' })
    assert.deepEqual(await receiveNow(harness), [])
    const waiting = harness.queue.receive({ max: 5, waitMs: 10_000 })
    await settled(harness, holds, { kind: 'dead', reason: 'errcode-47003', grant: 'free' })
    const [released, ...others] = await soon(waiting, 'the receiver wakes')
    assert.deepEqual([released?.grant?.kind, others], ['reserved', []])
    await settled(harness, released!, { kind: 'sent', grant: 'used' })
    assert.deepEqual(await receiveNow(harness), [])
  })

  clause('cancelled, it is released no more', async (_t, harness) => {
    const { queue, clock } = harness
    const message = await publishOne(harness)
    await settled(harness, await receiveOne(harness), parkedFor('quota a', clock.now() + 60 * minuteMs))
    await queue.cancel(message)
    assert.equal(await queue.release('quota a'), 0)
    assert.equal((await recordOf(harness, message)).state, 'cancelled')
  })
}
