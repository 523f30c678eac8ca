import assert from 'node:assert/strict'
import { type ContractOptions, clausesOf, receiveNow } from '../../support/harness.ts'
import { aMessage } from '../../support/messages.ts'
import { minuteMs } from './parts.ts'

/** Many at once get what each alone would have got. */
export const concurrency = (options: ContractOptions) => {
  const clause = clausesOf(options)

  clause('receivers never get the same message, and together all of them', async (t, { queue }) => {
    const messages = Array.from({ length: 300 }, () => aMessage())
    const enough = new AbortController()
    const signal = AbortSignal.any([enough.signal, t.signal])
    const received: string[] = []
    const receiver = async () => {
      while (!signal.aborted)
        for (const { message } of await queue.receive({ max: 7, waitMs: minuteMs, signal })) {
          received.push(message.id)
          if (received.length >= messages.length) enough.abort()
        }
    }
    const receivers = Array.from({ length: 8 }, receiver)
    await Promise.all(messages.map((message) => queue.publish([message])))
    await Promise.all(receivers)
    assert.deepEqual(received.sort(), messages.map(({ id }) => id).sort())
  })

  clause('one that the store refuses harms none of those beside it', async (_t, { queue, ledger }) => {
    const twin = aMessage()
    await queue.publish([twin])
    const good = Array.from({ length: 20 }, () => aMessage())
    const answers = await Promise.allSettled(
      good.flatMap((message) => [queue.publish([message]), queue.publish([twin])]),
    )
    assert.ok(answers.every(({ status }, index) => index % 2 === 1 || status === 'fulfilled'))
    for (const message of good) assert.equal((await ledger.find(message))?.state, 'queued')
    assert.equal((await queue.depth()).lanes.normal.ready, 21)
  })

  clause('close finishes what was asked', async (_t, harness) => {
    const messages = Array.from({ length: 700 }, () => aMessage())
    const answers = messages.map((message) => harness.queue.publish([message]))
    await harness.queue.close()
    const settled = await Promise.allSettled(answers)
    assert.deepEqual(
      settled.filter(({ status }) => status === 'rejected'),
      [],
    )
    const after = await harness.restart()
    assert.equal((await receiveNow(after, 1000)).length, 700)
  })

  clause('what is asked after close is refused', async (_t, { queue }) => {
    await queue.close()
    await assert.rejects(queue.publish([aMessage()]))
    await assert.rejects(queue.receive({ max: 1, waitMs: 0 }))
  })

  clause('close can be asked for twice', async (_t, { queue }) => {
    await Promise.all([queue.close(), queue.close()])
    await queue.close()
  })
}
