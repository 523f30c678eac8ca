import assert from 'node:assert/strict'
import { type ContractOptions, clausesOf, receiveNow, receiveOne } from '../../support/harness.ts'
import { aKeyedMessage, aMessage } from '../../support/messages.ts'
import { aRetry, idsOf, publishOne } from './parts.ts'

/** The same key is the same message, whenever and however often it comes. */
export const idempotency = (options: ContractOptions) => {
  const clause = clausesOf(options)

  clause('the same key and fingerprint is the same message, with its state of now', async (_t, harness) => {
    const { queue, clock } = harness
    const first = aKeyedMessage('order-1')
    await queue.publish([first])
    const again = async () => (await queue.publish([aKeyedMessage('order-1')]))[0]
    assert.deepEqual(await again(), { kind: 'duplicate', id: first.id, state: 'queued' })
    const delivery = await receiveOne(harness)
    assert.deepEqual(await again(), { kind: 'duplicate', id: first.id, state: 'leased' })
    await queue.settle(delivery, aRetry(clock.now()))
    assert.deepEqual(await again(), { kind: 'duplicate', id: first.id, state: 'retry' })
    await queue.settle(await receiveOne(harness), { kind: 'sent' })
    assert.deepEqual(await again(), { kind: 'duplicate', id: first.id, state: 'sent' })
    assert.deepEqual(await receiveNow(harness), [])
  })

  clause('the same key with another fingerprint is a conflict', async (_t, harness) => {
    const { queue } = harness
    const first = aKeyedMessage('order-1')
    await queue.publish([first])
    const [publication] = await queue.publish([aKeyedMessage('order-1', { fingerprint: 'print-2' })])
    assert.partialDeepStrictEqual(publication, { kind: 'conflict', id: first.id })
    assert.deepEqual(idsOf(await receiveNow(harness)), [first.id])
  })

  clause('a duplicate or a conflict leaves no record of its own', async (_t, harness) => {
    await harness.queue.publish([aKeyedMessage('order-1')])
    for (const fingerprint of ['print-1', 'print-2']) {
      const again = aKeyedMessage('order-1', { fingerprint })
      await harness.queue.publish([again])
      assert.equal(await harness.ledger.find(again), undefined)
    }
  })

  clause('the same key of another tenant is another message', async (_t, { queue }) => {
    await queue.publish([aKeyedMessage('order-1')])
    const answer = await queue.publish([
      aKeyedMessage('order-1', { tenant: 'other', fingerprint: 'print-2' }),
    ])
    assert.deepEqual(answer, [{ kind: 'accepted' }])
  })

  clause('keys that differ in case, accent or trailing blank are different', async (_t, { queue }) => {
    const keys = ['order', 'Order', 'order ', 'ördér', 'o\u0308rde\u0301r', '订单', '']
    const answers = await queue.publish(keys.map((key) => aKeyedMessage(key)))
    assert.deepEqual(
      answers,
      keys.map(() => ({ kind: 'accepted' })),
    )
  })

  clause('a key twice in one batch is accepted once, and its neighbours too', async (_t, harness) => {
    const messages = [
      aKeyedMessage('a'),
      aKeyedMessage('b'),
      aKeyedMessage('a'),
      aMessage(),
      aKeyedMessage('b', { fingerprint: 'print-2' }),
    ]
    const answers = await harness.queue.publish(messages)
    assert.deepEqual(
      answers.map(({ kind }) => kind),
      ['accepted', 'accepted', 'duplicate', 'accepted', 'conflict'],
    )
    assert.partialDeepStrictEqual(answers[2], { id: messages[0]!.id })
    const accepted = [messages[0]!, messages[1]!, messages[3]!]
    assert.deepEqual(idsOf(await receiveNow(harness)), accepted.map(({ id }) => id).sort())
  })

  clause('many publishes of one key at the same moment: exactly one is accepted', async (_t, harness) => {
    const messages = Array.from({ length: 50 }, () => aKeyedMessage('order-1'))
    const answers = (await Promise.all(messages.map((message) => harness.queue.publish([message])))).flat()
    const [accepted, ...more] = messages.filter((_, index) => answers[index]!.kind === 'accepted')
    assert.deepEqual(more, [])
    for (const answer of answers)
      if (answer.kind !== 'accepted')
        assert.deepEqual(answer, { kind: 'duplicate', id: accepted!.id, state: 'queued' })
    assert.deepEqual(idsOf(await receiveNow(harness)), [accepted!.id])
  })

  clause('a key is remembered after a restart', async (_t, harness) => {
    const message = aKeyedMessage('order-1')
    await harness.queue.publish([message])
    const { queue } = await harness.restart()
    assert.deepEqual(await queue.publish([aKeyedMessage('order-1')]), [
      { kind: 'duplicate', id: message.id, state: 'queued' },
    ])
    const [conflict] = await queue.publish([aKeyedMessage('order-1', { fingerprint: 'print-2' })])
    assert.equal(conflict!.kind, 'conflict')
  })

  clause('a message without a key that is published again is recognised by its id', async (_t, harness) => {
    const message = await publishOne(harness)
    const [answer] = await harness.queue.publish([message])
    assert.deepEqual(answer, { kind: 'duplicate', id: message.id, state: 'queued' })
    assert.equal((await receiveNow(harness)).length, 1)
  })
}
