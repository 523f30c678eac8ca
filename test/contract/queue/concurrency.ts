import assert from 'node:assert/strict'
import { type ContractOptions, clausesOf, receiveNow } from '../../support/harness.ts'
import { aKeyedMessage, aMessage } from '../../support/messages.ts'
import { aRetry, minuteMs } from './parts.ts'

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

  clause('a message that cannot be stored is refused alone', async (_t, { queue, ledger }) => {
    const good = Array.from({ length: 20 }, () => aMessage())
    const bad = { ...aMessage(), expiresAt: Number.NaN }
    const answers = await Promise.allSettled([
      ...good.slice(0, 10).map((message) => queue.publish([message])),
      queue.publish([bad]),
      ...good.slice(10).map((message) => queue.publish([message])),
    ])
    assert.deepEqual(
      answers.flatMap(({ status }, index) => (status === 'rejected' ? [index] : [])),
      [10],
    )
    for (const message of good) assert.equal((await ledger.find(message))?.state, 'queued')
    assert.equal(await ledger.find(bad), undefined)
  })

  clause('a settlement that cannot be stored is refused alone', async (_t, harness) => {
    const { queue, ledger } = harness
    await queue.publish(Array.from({ length: 5 }, () => aMessage()))
    const deliveries = await receiveNow(harness)
    const answers = await Promise.allSettled(
      deliveries.map((delivery, index) =>
        queue.settle(delivery, index === 2 ? aRetry(Number.NaN) : { kind: 'sent' }),
      ),
    )
    assert.deepEqual(
      answers.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
    )
    const states = await Promise.all(
      deliveries.map(async ({ message }) => (await ledger.find(message))?.state),
    )
    assert.deepEqual(states, ['sent', 'sent', 'leased', 'sent', 'sent'])
  })

  clause('a message published many times at the same moment is there once', async (_t, harness) => {
    const twin = aMessage()
    const answers = (
      await Promise.all(Array.from({ length: 20 }, () => harness.queue.publish([twin])))
    ).flat()
    assert.equal(answers.filter(({ kind }) => kind === 'accepted').length, 1)
    assert.equal((await receiveNow(harness)).length, 1)
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

  clause('one publish of very many is taken in whole', async (_t, { queue }) => {
    const count = 20_000
    const messages = Array.from({ length: count }, (_, n) =>
      aKeyedMessage(`c:${n}`, { touser: `o${n % 100}` }),
    )
    const publications = await queue.publish(messages)
    assert.equal(publications.filter(({ kind }) => kind === 'accepted').length, count)
    assert.equal((await queue.depth()).lanes.normal.ready, count)
  })
}
