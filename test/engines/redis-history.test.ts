import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import type { History, HistoryEvent } from '../../src/history.ts'
import type { MessageId, MessageRecord, Step } from '../../src/message.ts'
import { createTestClock } from '../support/clock.ts'
import { receiveNow, receiveOne } from '../support/harness.ts'
import { aKeyedMessage, aMessage } from '../support/messages.ts'
import { openRedisEngine, startRedis } from '../support/redis.ts'

/** A history in memory, as plain as can be. */
const createHistory = () => {
  const records = new Map<MessageId, MessageRecord & { readonly version: number }>()
  let failing = false
  const take = (event: HistoryEvent): void => {
    if (event.kind === 'accepted') {
      const { message } = event
      const { acceptedAt, sendAt } = message
      const state = sendAt > acceptedAt ? 'scheduled' : 'queued'
      const steps: readonly Step[] = []
      if (!records.has(message.id))
        records.set(message.id, {
          ...{ ...message, state, readyAt: sendAt, deliveries: 0, updatedAt: acceptedAt, steps, version: 0 },
        })
      return
    }
    const { kind: _, version, step, at, readyAt, reason, ...rest } = event
    const known = records.get(event.id)!
    if (version <= known.version) return
    const { readyAt: __, reason: ___, ...kept } = known
    records.set(event.id, {
      ...{ ...kept, ...rest, version, updatedAt: at },
      ...(readyAt !== undefined && { readyAt }),
      ...(reason !== undefined && { reason }),
      steps: step ? [...known.steps, step] : known.steps,
    })
  }
  const history: History = {
    async record(events) {
      if (failing) throw new Error('The history is gone')
      for (const event of events) take(event)
    },
  }
  return {
    history,
    records,
    fail(now: boolean) {
      failing = now
    },
  }
}

const open = async (t: TestContext) => {
  // What is told by a timer, the test tells.
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { url } = await startRedis(t)
  const clock = createTestClock()
  const kept = createHistory()
  const engine = await openRedisEngine(t, { url, clock, history: kept.history })
  return { url, clock, engine, ...kept }
}

/** The record without what only one of the two keeps. */
const comparable = (record: MessageRecord | undefined) => {
  const { version: _, idempotency: __, ...rest } = record as MessageRecord & { version?: number }
  return rest
}

suite('redis tells a history', () => {
  test('all that happens to messages, so that its records are the same', async (t) => {
    const { engine, clock, records } = await open(t)
    const { queue, recipients, ledger } = engine
    const messages = Array.from({ length: 12 }, (_, n) =>
      aKeyedMessage(`order-${n}`, { touser: `o-${n}`, tags: ['a'] }),
    )
    await queue.publish([...messages, aMessage({ sendAt: 8e12 })])
    const [a, b, c, d, e] = await receiveNow(engine, 5)
    await queue.settle(a!, { kind: 'sent', msgid: '1' })
    await queue.settle(b!, { kind: 'dead', reason: 'errcode-43004' })
    const until = clock.now() + 30_000
    await queue.settle(c!, { kind: 'retry', until, reason: 'errcode--1', spent: true, inDoubt: true })
    const parked = { kind: 'parked', reason: 'quota', inDoubt: false, condition: 'quota x' } as const
    await queue.settle(d!, { ...parked, until })
    await queue.settle(e!, { kind: 'returned' })
    await queue.cancel(c!.message)
    clock.advance(10)
    await queue.release('quota x')
    const { account, touser } = a!.message
    const receipt = { touser, channel: 'template', msgid: '1', at: clock.now(), authentic: true } as const
    const result = { kind: 'undelivered', reason: 'user "block"' } as const
    await recipients.note({ account, keys: [], grants: [], receipt: { ...receipt, result } })
    await receiveNow(engine, 3)
    clock.advance(60_000)
    await receiveOne(engine)
    assert.ok((await engine.upkeep.tell()) > 20)
    assert.equal(await engine.upkeep.tell(), 0)
    assert.equal(records.size, 13)
    for (const [id, record] of records)
      assert.deepEqual(comparable(record), comparable(await ledger.find({ tenant: record.tenant, id })))
  })

  test('later, when it was gone for a while', async (t) => {
    const { engine, records, fail } = await open(t)
    fail(true)
    await engine.queue.publish([aMessage()])
    await engine.queue.settle(await receiveOne(engine), { kind: 'sent' })
    await assert.rejects(engine.upkeep.tell(), /gone/)
    fail(false)
    assert.equal(await engine.upkeep.tell(), 3)
    assert.deepEqual(
      [...records.values()].map(({ state }) => state),
      ['sent'],
    )
  })
})
