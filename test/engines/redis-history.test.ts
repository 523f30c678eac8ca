import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { openClient } from '../../src/engines/redis/client.ts'
import { createIntake } from '../../src/engines/redis/intake.ts'
import { openShards } from '../../src/engines/redis/shards.ts'
import type { History, HistoryEvent } from '../../src/history.ts'
import type { MessageId, MessageRecord, Step } from '../../src/message.ts'
import type { HistorySource } from '../../src/recorder.ts'
import type { Settlement } from '../../src/settlement.ts'
import { atEnd } from '../support/at-end.ts'
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
  const engine = await openRedisEngine(t, { url, clock, hasHistory: true })
  return { url, clock, engine, ...kept, tell: () => tellAll(engine.telling!.source, kept.history) }
}

/** Tells all that there is; answers how many events that were. */
const tellAll = async ({ next }: Pick<HistorySource, 'next'>, history: History): Promise<number> => {
  let told = 0
  for (let batch = await next(100); batch !== undefined; batch = await next(100)) {
    await history.record(batch.events)
    await batch.acknowledge()
    told += batch.events.length
  }
  return told
}

const aRetry = (until: number): Settlement => ({
  ...{ kind: 'retry', until, reason: 'errcode--1', spent: true, inDoubt: false },
})

/** The record without what only one of the two keeps. */
const comparable = (record: MessageRecord | undefined) => {
  const { version: _, idempotency: __, ...rest } = record as MessageRecord & { version?: number }
  return rest
}

suite('redis tells a history', () => {
  test('all that happens to messages, so that its records are the same', async (t) => {
    const { engine, clock, records, tell } = await open(t)
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
    assert.ok((await tell()) > 20)
    assert.equal(await tell(), 0)
    assert.equal(records.size, 13)
    for (const [id, record] of records)
      assert.deepEqual(comparable(record), comparable(await ledger.find({ tenant: record.tenant, id })))
  })

  test('later, when it was gone for a while', async (t) => {
    const { engine, records, fail, tell } = await open(t)
    fail(true)
    await engine.queue.publish([aMessage()])
    await engine.queue.settle(await receiveOne(engine), { kind: 'sent' })
    await assert.rejects(tell(), /gone/)
    fail(false)
    assert.equal(await tell(), 3)
    assert.deepEqual(
      [...records.values()].map(({ state }) => state),
      ['sent'],
    )
  })

  test('of what was there before anybody wanted to be told, its past included', async (t) => {
    const { url } = await startRedis(t)
    t.mock.timers.enable({ apis: ['setInterval'] })
    const clock = createTestClock()
    const before = await openRedisEngine(t, { url, clock })
    await before.queue.publish([aMessage({ touser: 'o-sent' }), aMessage({ touser: 'o-waits' })])
    await before.queue.publish([aMessage({ touser: 'o-moves' }), aMessage({ sendAt: 8e12 })])
    for (const delivery of await receiveNow(before, 3)) {
      const { touser } = delivery.message
      if (touser === 'o-sent') await before.queue.settle(delivery, { kind: 'sent', msgid: '1' })
      else if (touser === 'o-moves') await before.queue.settle(delivery, aRetry(clock.now()))
      else await before.queue.settle(delivery, { ...aRetry(clock.now() + 60_000) })
    }
    before.cut()

    const engine = await openRedisEngine(t, { url, clock, hasHistory: true })
    const { history, records } = createHistory()
    const { source } = engine.telling!
    assert.equal(source.isComplete(), false)
    await engine.queue.settle(await receiveOne(engine), { kind: 'sent', msgid: '2' })
    for (let round = 0; !source.isComplete(); round++) {
      assert.ok(round < 100, 'The past does not end')
      const batch = await source.take({ max: 100, waitMs: 0, signal: AbortSignal.abort() })
      if (batch === undefined) continue
      await history.record(batch.events)
      await batch.acknowledge()
    }
    await tellAll(source, history)
    assert.equal(records.size, 4)
    for (const [id, record] of records)
      assert.deepEqual(comparable(record), comparable(await engine.ledger.find({ tenant: 'acme', id })))
  })

  test('through one process at a time, and through the next one when that lets go or is gone', async (t) => {
    const { url, clock, engine } = await open(t)
    const other = await openRedisEngine(t, { url, clock, hasHistory: true })
    const [one, two] = [engine.telling!.source, other.telling!.source] as const
    const isGiven = async ({ take }: HistorySource) =>
      (await take({ max: 10, waitMs: 0, signal: AbortSignal.abort() })) !== undefined
    while (!one.isComplete()) await isGiven(one)
    await engine.queue.publish([aMessage()])
    assert.deepEqual([await isGiven(one), await isGiven(two)], [true, false])
    await one.release()
    assert.deepEqual([await isGiven(two), await isGiven(one)], [true, false])
    clock.advance(60_000)
    assert.deepEqual([await isGiven(one), await isGiven(two)], [true, false])
  })

  test('and forgets what has ended soon after, but never before it has been told', async (t) => {
    const { engine, clock, tell } = await open(t)
    const message = aKeyedMessage('order-1', { acceptedAt: clock.now() })
    await engine.queue.publish([message])
    await engine.queue.settle(await receiveOne(engine), { kind: 'sent', msgid: '1' })
    clock.advance(2 * 3_600_000)
    await engine.upkeep.sweep()
    assert.equal((await engine.ledger.find(message))?.state, 'sent')
    await tell()
    const { account, touser } = message
    const receipt = { touser, channel: 'template', msgid: '1', at: clock.now(), authentic: true } as const
    await engine.recipients.note({
      ...{ account, keys: [], grants: [], receipt: { ...receipt, result: { kind: 'delivered' } } },
    })
    await engine.upkeep.sweep()
    assert.equal((await engine.ledger.find(message))?.state, 'delivered')
    await tell()
    await engine.upkeep.sweep()
    assert.equal(await engine.ledger.find(message), undefined)
    const { id } = message
    assert.deepEqual(
      await engine.queue.publish([aKeyedMessage('order-1'), aKeyedMessage('order-1', { fingerprint: 'x' })]),
      [
        { kind: 'duplicate', id, state: 'delivered' },
        { kind: 'conflict', id },
      ],
    )
    assert.equal((await receiveNow(engine)).length, 0)
  })

  test('and never takes a repeat in anew whose message is forgotten between its two steps', async (t) => {
    const { url, engine, clock, tell } = await open(t)
    const message = aKeyedMessage('order-1', { acceptedAt: clock.now() })
    await engine.queue.publish([message])
    await engine.queue.settle(await receiveOne(engine), { kind: 'sent' })
    await tell()
    const client = await openClient({ url, callMs: 5000 })
    atEnd(t, client.close)
    const shards = await openShards({
      client,
      clock,
      prefix: 'hongyan:',
      shards: undefined,
      onLoss: () => {},
    })
    const publish = createIntake({
      ...shards,
      async run(shard, script, args) {
        if (script.name === 'take messages in') {
          clock.advance(2 * 3_600_000)
          await engine.upkeep.sweep()
        }
        return shards.run(shard, script, args)
      },
    })
    const repeat = aKeyedMessage('order-1', { acceptedAt: clock.now() })
    assert.deepEqual(await publish([repeat]), [{ kind: 'duplicate', id: message.id, state: 'sent' }])
    assert.equal((await receiveNow(engine)).length, 0)
  })

  test('and is refused to a process that knows of none', async (t) => {
    const { url } = await open(t)
    await assert.rejects(openRedisEngine(t, { url }), /HONGYAN_HISTORY/)
  })

  test('tells nothing more when its data has been thrown away, until it begins anew', async (t) => {
    const { url, command } = await startRedis(t)
    t.mock.timers.enable({ apis: ['setInterval'] })
    const engine = await openRedisEngine(t, { url, hasHistory: true, onAlert: () => {} })
    await engine.queue.publish([aMessage()])
    await command('FLUSHALL')
    await assert.rejects(engine.telling!.source.next(10), /lost its data/)
    await assert.rejects(engine.queue.publish([aMessage()]), /lost its data/)
    const anew = await openRedisEngine(t, { url, hasHistory: true, onAlert: () => {} })
    await anew.queue.publish([aMessage()])
    assert.deepEqual(
      (await anew.telling!.source.next(10))?.events.map(({ kind }) => kind),
      ['accepted'],
    )
  })
})
