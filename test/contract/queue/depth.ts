import assert from 'node:assert/strict'
import { type ContractOptions, clausesOf } from '../../support/harness.ts'
import { aMessage } from '../../support/messages.ts'
import { minuteMs, oneOfEachState } from './parts.ts'

/** How much is waiting. */
export const depth = (options: ContractOptions) => {
  const clause = clausesOf(options)

  clause('an empty queue is empty', async (_t, { queue }) => {
    const nothing = { ready: 0 }
    assert.deepEqual(await queue.depth(), {
      lanes: { urgent: nothing, normal: nothing, bulk: nothing },
      later: 0,
    })
  })

  clause('it counts what is ready by lane, with the age of the oldest', async (_t, { queue, clock }) => {
    const start = clock.now()
    await queue.publish([
      aMessage({ lane: 'bulk', acceptedAt: start }),
      aMessage({ lane: 'urgent', acceptedAt: start }),
    ])
    clock.advance(1000)
    await queue.publish([aMessage({ lane: 'bulk', acceptedAt: clock.now() })])
    assert.deepEqual(await queue.depth(), {
      lanes: {
        urgent: { ready: 1, oldestReadyAt: start },
        normal: { ready: 0 },
        bulk: { ready: 2, oldestReadyAt: start },
      },
      later: 0,
    })
  })

  clause('what waits or is on lease comes later; what is final does not count', async (_t, harness) => {
    await oneOfEachState(harness)
    const { lanes, later } = await harness.queue.depth()
    assert.deepEqual([lanes.urgent.ready, lanes.normal.ready, lanes.bulk.ready, later], [0, 1, 0, 4])
  })

  clause('what was scheduled is ready from its time on', async (_t, { queue, clock }) => {
    const sendAt = clock.now() + minuteMs
    await queue.publish([aMessage({ sendAt })])
    assert.equal((await queue.depth()).later, 1)
    clock.advance(minuteMs + 5000)
    const { lanes, later } = await queue.depth()
    assert.deepEqual([lanes.normal, later], [{ ready: 1, oldestReadyAt: sendAt }, 0])
  })
}
