import assert from 'node:assert/strict'
import { suite } from 'node:test'
import { isFinal, type Message, type MessageRecord, type State } from '../../src/message.ts'
import type { DeliveredMessage, Delivery, Queue } from '../../src/queue.ts'
import type { Settlement } from '../../src/settlement.ts'
import { clausesOf, type ContractOptions, type Harness, receiveNow, receiveOne } from '../support/harness.ts'
import { aKeyedMessage, aMessage } from '../support/messages.ts'
import { soon } from '../support/waiting.ts'

const minuteMs = 60_000

/** All that a `Queue` promises. Every engine is held to every clause, or says why it cannot be. */
export const queueContract = (engine: string, options: ContractOptions) =>
  suite(`${engine} keeps the queue contract`, () => {
    suite('publish and receive', () => publishAndReceive(options))
    suite('a receiver that waits', () => waiting(options))
    suite('leases', () => leases(options))
    suite('settle', () => settling(options))
    suite('cancel', () => cancelling(options))
    suite('idempotency', () => idempotency(options))
    suite('many at once', () => concurrency(options))
    suite('after a restart', () => restarting(options))
    suite('depth', () => depth(options))
  })

const publishAndReceive = (options: ContractOptions) => {
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
        body: JSON.stringify({ first: '包裹已发出 "今天" \\ \n\t\u0000\u2028 👨‍👩‍👧 \ud800', long: '长'.repeat(50_000) }),
        expiresAt: 8_640_000_000_000_000,
      }),
      aMessage({ body: '' }),
    ]
    assert.deepEqual(await harness.queue.publish(messages), messages.map(() => ({ kind: 'accepted' })))
    const deliveries = await receiveNow(harness)
    assert.deepEqual(byId(deliveries.map(({ message }) => message)), byId(messages.map(delivered)))
  })

  clause('a first delivery has number 1, no tries, no doubt and a lease that starts now', async (_t, harness) => {
    await harness.queue.publish([aMessage()])
    const { number, tries, leasedAt, leaseUntil, doubtSince } = await receiveOne(harness)
    assert.deepEqual({ number, tries, leasedAt, doubtSince }, {
      number: 1,
      tries: 0,
      leasedAt: harness.clock.now(),
      doubtSince: undefined,
    })
    assert.ok(leaseUntil > leasedAt)
  })

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
    assert.deepEqual(together.map(({ message }) => message.lane), ['urgent', 'urgent', 'normal'])
    const rest = [await receiveOne(harness), await receiveOne(harness), await receiveOne(harness)]
    assert.deepEqual(rest.map(({ message }) => message.lane), ['normal', 'bulk', 'bulk'])
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

const waiting = (options: ContractOptions) => {
  const clause = clausesOf(options)

  clause('it is given what is published meanwhile', async (t, { queue }) => {
    const received = queue.receive({ max: 10, waitMs: minuteMs, signal: t.signal })
    await queue.depth()
    const message = aMessage()
    await queue.publish([message])
    assert.deepEqual(idsOf(await soon(received, 'the receiver hears of it')), [message.id])
  })

  clause('it gets nothing when the wait is over, and not before', async (t, { queue, clock }) => {
    let over = false
    const received = queue.receive({ max: 10, waitMs: 50, signal: t.signal }).finally(() => {
      over = true
    })
    await queue.depth()
    assert.equal(over, false)
    clock.advance(50)
    assert.deepEqual(await soon(received, 'the wait ends'), [])
  })

  clause('it gets nothing when its signal aborts, and nothing stays on lease', async (_t, harness) => {
    const stop = new AbortController()
    const received = harness.queue.receive({ max: 10, waitMs: minuteMs, signal: stop.signal })
    await harness.queue.depth()
    stop.abort()
    assert.deepEqual(await soon(received, 'the abort is heard'), [])
    await publishOne(harness)
    assert.equal((await receiveOne(harness)).number, 1)
  })

  clause('it does not even look when its signal has aborted already', async (_t, harness) => {
    await publishOne(harness)
    const signal = AbortSignal.abort()
    assert.deepEqual(await harness.queue.receive({ max: 10, waitMs: minuteMs, signal }), [])
    assert.equal((await receiveOne(harness)).number, 1)
  })

  clause('an abort at the very moment of a delivery loses nothing', async (_t, harness) => {
    for (let round = 0; round < 30; round++) {
      const stop = new AbortController()
      const received = harness.queue.receive({ max: 10, waitMs: minuteMs, signal: stop.signal })
      if (round % 3 === 0) await harness.queue.depth()
      const message = aMessage()
      const published = harness.queue.publish([message])
      if (round % 2 === 0) await published
      stop.abort()
      await published
      const [delivery = await receiveOne(harness)] = await soon(received, 'the abort is heard')
      assert.deepEqual([delivery.message.id, delivery.number], [message.id, 1], `round ${round}`)
    }
  })

  clause('it is given a scheduled message promptly at its time', async (t, { queue, clock }) => {
    await queue.publish([aMessage({ sendAt: clock.now() + 40 })])
    const received = queue.receive({ max: 1, waitMs: minuteMs, signal: t.signal })
    await queue.depth()
    clock.advance(40)
    assert.equal((await soon(received, 'the scheduled message comes')).length, 1)
  })

  clause('it is given a message scheduled earlier than the one it waits for', async (t, { queue, clock }) => {
    const [later, sooner] = [aMessage({ sendAt: clock.now() + minuteMs }), aMessage({ sendAt: clock.now() + 40 })]
    await queue.publish([later])
    const received = queue.receive({ max: 10, waitMs: minuteMs, signal: t.signal })
    await queue.depth()
    await queue.publish([sooner])
    clock.advance(40)
    assert.deepEqual(idsOf(await soon(received, 'the earlier message comes')), [sooner.id])
  })

  clause('it is given what another hands back', async (t, harness) => {
    const message = await publishOne(harness)
    const delivery = await receiveOne(harness)
    const received = harness.queue.receive({ max: 1, waitMs: minuteMs, signal: t.signal })
    await harness.queue.depth()
    await harness.queue.settle(delivery, { kind: 'returned' })
    assert.deepEqual(idsOf(await soon(received, 'the receiver hears of it')), [message.id])
  })

  clause('it is given a message that another wants tried again, promptly at its time', async (t, harness) => {
    const message = await publishOne(harness)
    const delivery = await receiveOne(harness)
    const received = harness.queue.receive({ max: 1, waitMs: minuteMs, signal: t.signal })
    await harness.queue.depth()
    await harness.queue.settle(delivery, aRetry(harness.clock.now() + 40))
    harness.clock.advance(40)
    assert.deepEqual(idsOf(await soon(received, 'the retry comes')), [message.id])
  })
}

const leases = (options: ContractOptions) => {
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

  clause('a settlement is refused once the message was handed back and leased to another', async (_t, harness) => {
    const message = await publishOne(harness)
    const first = await receiveOne(harness)
    await harness.queue.settle(first, { kind: 'returned' })
    await receiveOne(harness)
    assert.equal(await harness.queue.settle(first, { kind: 'sent' }), 'expired')
    assert.equal((await recordOf(harness, message)).state, 'leased')
  })

  clause('a settlement is taken when the lease has run out but nobody else has it', async (_t, harness) => {
    const message = await publishOne(harness)
    const delivery = await receiveOne(harness)
    await harness.loseLeases()
    assert.equal(await harness.queue.settle(delivery, { kind: 'sent', msgid: '7' }), 'settled')
    assert.equal((await recordOf(harness, message)).state, 'sent')
    assert.deepEqual(await receiveNow(harness), [])
  })
}

const settling = (options: ContractOptions) => {
  const clause = clausesOf(options)

  const cases: readonly { name: string; settlement: (now: number) => Settlement }[] = [
    { name: 'sent', settlement: () => ({ kind: 'sent', msgid: '9007199254740993001' }) },
    { name: 'sent, though WeChat gave no number', settlement: () => ({ kind: 'sent', reason: 'errcode-45065' }) },
    { name: 'dead', settlement: () => ({ kind: 'dead', reason: 'errcode-43004' }) },
    { name: 'unknown', settlement: () => ({ kind: 'unknown', reason: 'no-receipt' }) },
    { name: 'expired', settlement: () => ({ kind: 'expired', reason: 'expired' }) },
    { name: 'retry', settlement: (now) => aRetry(now + minuteMs) },
    { name: 'parked', settlement: (now) => aPark(now + minuteMs) },
  ]

  for (const { name, settlement: settlementAt } of cases)
    clause(`${name}: state, reason, time and calls are on record`, async (_t, harness) => {
      const { queue, clock } = harness
      const message = await publishOne(harness)
      const delivery = await receiveOne(harness)
      clock.advance(250)
      const settlement = settlementAt(clock.now())
      const attempts = [
        { startedAt: clock.now() - 200, endedAt: clock.now(), outcome: 'answered', errcode: 0, errmsg: '"好的"', rid: 'x-y' },
      ] as const
      assert.equal(await queue.settle(delivery, { ...settlement, attempts }), 'settled')

      const record = await recordOf(harness, message)
      const reason = 'reason' in settlement ? settlement.reason : undefined
      const until = 'until' in settlement ? settlement.until : undefined
      const seen = { state: record.state, reason: record.reason, readyAt: record.readyAt, updatedAt: record.updatedAt }
      assert.deepEqual(seen, { state: settlement.kind, reason, readyAt: until, updatedAt: clock.now() })
      assert.equal(record.msgid, settlement.kind === 'sent' ? settlement.msgid : undefined)
      assert.equal(record.deliveries, 1)
      const step = { at: clock.now(), state: settlement.kind, leasedAt: delivery.leasedAt, attempts }
      assert.deepEqual(record.steps, [
        { ...step, ...(reason !== undefined && { reason }), ...(until !== undefined && { until }) },
      ])
    })

  clause('what is final never comes back', async (_t, harness) => {
    const { queue, clock } = harness
    for (const settlement of everySettlement(clock.now()).filter(({ kind }) => isFinal(kind as State))) {
      const message = await publishOne(harness)
      await queue.settle(await receiveOne(harness), settlement)
      const before = await recordOf(harness, message)
      clock.advance(365 * 24 * 60 * minuteMs)
      assert.deepEqual(await receiveNow(harness), [], settlement.kind)
      assert.deepEqual(await recordOf(harness, message), before)
    }
  })

  clause('what waits comes back at its time, not before', async (_t, harness) => {
    const { queue, clock } = harness
    for (const kind of ['retry', 'parked'] as const) {
      const message = await publishOne(harness)
      const wait = kind === 'retry' ? aRetry : aPark
      await queue.settle(await receiveOne(harness), wait(clock.now() + 10 * minuteMs))
      clock.advance(10 * minuteMs - 1)
      assert.deepEqual(await receiveNow(harness), [], kind)
      clock.advance(1)
      const again = await receiveOne(harness)
      assert.deepEqual([again.message.id, again.number, again.doubtSince], [message.id, 2, undefined])
      await queue.settle(again, { kind: 'sent' })
    }
  })

  clause('only a try that was spent counts', async (_t, harness) => {
    const { queue, clock } = harness
    await publishOne(harness)
    const waits: readonly [Settlement, tries: number][] = [
      [aRetry(clock.now(), { spent: false }), 0],
      [aRetry(clock.now(), { spent: true }), 1],
      [aPark(clock.now()), 1],
      [{ kind: 'returned' }, 1],
      [aRetry(clock.now(), { spent: true, inDoubt: true }), 2],
    ]
    for (const [settlement, tries] of waits) {
      await queue.settle(await receiveOne(harness), settlement)
      const next = await receiveOne(harness)
      assert.equal(next.tries, tries, settlement.kind)
      await queue.settle(next, { kind: 'returned' })
    }
  })

  clause('doubt begins with the lease that was settled in doubt, and stays', async (_t, harness) => {
    const { queue, clock } = harness
    const message = await publishOne(harness)
    const first = await receiveOne(harness)
    clock.advance(1000)
    await queue.settle(first, aRetry(clock.now(), { inDoubt: true }))
    const later: readonly Settlement[] = [
      aRetry(clock.now(), { inDoubt: true }),
      aRetry(clock.now(), { inDoubt: false }),
      aPark(clock.now(), { inDoubt: true }),
      aPark(clock.now(), { inDoubt: false }),
      { kind: 'returned' },
      { kind: 'sent' },
    ]
    for (const settlement of later) {
      const delivery = await receiveOne(harness)
      assert.equal(delivery.doubtSince, first.leasedAt, settlement.kind)
      clock.advance(1000)
      await queue.settle(delivery, settlement)
      assert.equal((await recordOf(harness, message)).doubtSince, first.leasedAt, settlement.kind)
    }
  })

  clause('a second settlement of the same delivery is refused and changes nothing', async (_t, harness) => {
    const { queue, clock } = harness
    for (const first of everySettlement(clock.now() + minuteMs)) {
      const message = await publishOne(harness)
      const delivery = await receiveOne(harness)
      assert.equal(await queue.settle(delivery, first), 'settled')
      const before = await recordOf(harness, message)
      for (const second of everySettlement(clock.now()))
        assert.equal(await queue.settle(delivery, second), 'expired', `${first.kind}, then ${second.kind}`)
      assert.deepEqual(await recordOf(harness, message), before)
      if (first.kind === 'returned') await queue.settle(await receiveOne(harness), { kind: 'sent' })
    }
  })

  clause('two settlements of one delivery at the same moment: exactly one is taken', async (_t, harness) => {
    const message = await publishOne(harness)
    const delivery = await receiveOne(harness)
    const results = await Promise.all([
      harness.queue.settle(delivery, { kind: 'dead', reason: 'errcode-43004' }),
      harness.queue.settle(delivery, { kind: 'sent' }),
    ])
    assert.deepEqual([...results].sort(), ['expired', 'settled'])
    const { state, steps } = await recordOf(harness, message)
    assert.equal(state, results[0] === 'settled' ? 'dead' : 'sent')
    assert.equal(steps.length, 1)
  })

  clause('what is returned leaves no trace and can be received at once', async (_t, harness) => {
    const { queue } = harness
    const message = await publishOne(harness)
    const first = await receiveOne(harness)
    assert.equal(await queue.settle(first, { kind: 'returned' }), 'settled')
    const { state, steps, reason, doubtSince } = await recordOf(harness, message)
    assert.deepEqual({ state, steps, reason, doubtSince }, {
      state: 'queued',
      steps: [],
      reason: undefined,
      doubtSince: undefined,
    })
    const second = await receiveOne(harness)
    assert.deepEqual([second.tries, second.doubtSince], [0, undefined])
    assert.ok(second.number > first.number)
  })
}

const cancelling = (options: ContractOptions) => {
  const clause = clausesOf(options)

  /** Brings a fresh message where the case wants it. */
  const cases: readonly {
    readonly name: string
    readonly message?: Partial<Message>
    readonly settlement?: (now: number) => Settlement
    readonly becomes: 'cancelled' | 'unknown'
  }[] = [
    { name: 'queued', becomes: 'cancelled' },
    { name: 'scheduled', message: { sendAt: 8e12 }, becomes: 'cancelled' },
    { name: 'to be tried again', settlement: (now) => aRetry(now + minuteMs), becomes: 'cancelled' },
    { name: 'parked', settlement: (now) => aPark(now + minuteMs), becomes: 'cancelled' },
    { name: 'returned', settlement: () => ({ kind: 'returned' }), becomes: 'cancelled' },
    { name: 'in doubt, to be tried again', settlement: (now) => aRetry(now, { inDoubt: true }), becomes: 'unknown' },
    { name: 'in doubt and parked', settlement: (now) => aPark(now, { inDoubt: true }), becomes: 'unknown' },
  ]

  for (const { name, message: overrides = {}, settlement, becomes } of cases)
    clause(`a message that is ${name} becomes ${becomes}`, async (_t, harness) => {
      const { queue, clock } = harness
      const message = await publishOne(harness, overrides)
      if (settlement) await queue.settle(await receiveOne(harness), settlement(clock.now()))
      const { steps } = await recordOf(harness, message)
      clock.advance(10)
      assert.deepEqual(await queue.cancel(message), { kind: 'cancelled', state: becomes })

      const record = await recordOf(harness, message)
      assert.deepEqual([record.state, record.readyAt], [becomes, undefined])
      assert.deepEqual(record.steps.slice(0, -1), steps)
      assert.partialDeepStrictEqual(record.steps.at(-1), { at: clock.now(), state: becomes })
      clock.advance(365 * 24 * 60 * minuteMs)
      assert.deepEqual(await receiveNow(harness), [])
      assert.deepEqual(await queue.cancel(message), { kind: 'final', state: becomes })
    })

  clause('a message on lease is in flight, and its worker decides', async (_t, harness) => {
    const message = await publishOne(harness)
    const delivery = await receiveOne(harness)
    assert.deepEqual(await harness.queue.cancel(message), { kind: 'in-flight' })
    assert.equal(await harness.queue.settle(delivery, { kind: 'sent' }), 'settled')
    assert.equal((await recordOf(harness, message)).state, 'sent')
  })

  clause('a message whose lease was lost never becomes cancelled', async (_t, harness) => {
    const message = await publishOne(harness)
    await receiveOne(harness)
    await harness.loseLeases()
    await harness.queue.settle(await receiveOne(harness), aRetry(harness.clock.now()))
    assert.deepEqual(await harness.queue.cancel(message), { kind: 'cancelled', state: 'unknown' })
  })

  clause('a final message stays what it is', async (_t, harness) => {
    const { queue, clock } = harness
    for (const settlement of everySettlement(clock.now()).filter(({ kind }) => isFinal(kind as State))) {
      const message = await publishOne(harness)
      await queue.settle(await receiveOne(harness), settlement)
      const before = await recordOf(harness, message)
      assert.deepEqual(await queue.cancel(message), { kind: 'final', state: settlement.kind })
      assert.deepEqual(await recordOf(harness, message), before)
    }
  })

  clause('a message that is not there is missing', async (_t, { queue }) => {
    assert.deepEqual(await queue.cancel(aMessage()), { kind: 'missing' })
  })

  clause('the message of another tenant is missing, and goes on', async (_t, harness) => {
    const message = await publishOne(harness)
    assert.deepEqual(await harness.queue.cancel({ tenant: 'other', id: message.id }), { kind: 'missing' })
    assert.equal((await receiveOne(harness)).message.id, message.id)
  })

  clause('cancel and receive at the same moment: one of them has it', async (_t, harness) => {
    for (let round = 0; round < 30; round++) {
      const message = await publishOne(harness)
      const cancel = () => harness.queue.cancel(message)
      const receive = () => receiveNow(harness, 1)
      const [cancellation, deliveries] =
        round % 2 === 0
          ? await Promise.all([cancel(), receive()])
          : ((await Promise.all([receive(), cancel()])).reverse() as [Awaited<ReturnType<Queue['cancel']>>, Delivery[]])
      assert.equal(cancellation.kind, deliveries.length === 1 ? 'in-flight' : 'cancelled')
      for (const delivery of deliveries) await harness.queue.settle(delivery, { kind: 'sent' })
    }
  })
}

const idempotency = (options: ContractOptions) => {
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
    const answer = await queue.publish([aKeyedMessage('order-1', { tenant: 'other', fingerprint: 'print-2' })])
    assert.deepEqual(answer, [{ kind: 'accepted' }])
  })

  clause('keys that differ in case, accent or trailing blank are different', async (_t, { queue }) => {
    const keys = ['order', 'Order', 'order ', 'ördér', 'o\u0308rde\u0301r', '订单', '']
    const answers = await queue.publish(keys.map((key) => aKeyedMessage(key)))
    assert.deepEqual(answers, keys.map(() => ({ kind: 'accepted' })))
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
    assert.deepEqual(answers.map(({ kind }) => kind), ['accepted', 'accepted', 'duplicate', 'accepted', 'conflict'])
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
      if (answer.kind !== 'accepted') assert.deepEqual(answer, { kind: 'duplicate', id: accepted!.id, state: 'queued' })
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

const concurrency = (options: ContractOptions) => {
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
    assert.deepEqual(settled.filter(({ status }) => status === 'rejected'), [])
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

const restarting = (options: ContractOptions) => {
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

  clause('what was on lease is delivered again, in doubt; what was queued, for the first time', async (_t, harness) => {
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
  })

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

const depth = (options: ContractOptions) => {
  const clause = clausesOf(options)

  clause('an empty queue is empty', async (_t, { queue }) => {
    const nothing = { ready: 0 }
    assert.deepEqual(await queue.depth(), { lanes: { urgent: nothing, normal: nothing, bulk: nothing }, later: 0 })
  })

  clause('it counts what is ready by lane, with the age of the oldest', async (_t, { queue, clock }) => {
    const start = clock.now()
    await queue.publish([aMessage({ lane: 'bulk', acceptedAt: start }), aMessage({ lane: 'urgent', acceptedAt: start })])
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

const aRetry = (until: number, { spent = true, inDoubt = false } = {}): Settlement => ({
  kind: 'retry',
  until,
  reason: 'errcode--1',
  spent,
  inDoubt,
})

const aPark = (until: number, { inDoubt = false } = {}): Settlement => ({
  kind: 'parked',
  until,
  reason: 'errcode-45009',
  inDoubt,
})

const everySettlement = (until: number): readonly Settlement[] => [
  { kind: 'sent', msgid: '1' },
  { kind: 'dead', reason: 'errcode-43004' },
  { kind: 'unknown', reason: 'no-receipt' },
  { kind: 'expired', reason: 'expired' },
  aRetry(until),
  aPark(until, { inDoubt: true }),
  { kind: 'returned' },
]

const publishOne = async ({ queue }: Harness, overrides: Partial<Message> = {}): Promise<Message> => {
  const message = aMessage(overrides)
  assert.deepEqual(await queue.publish([message]), [{ kind: 'accepted' }])
  return message
}

const recordOf = async ({ ledger }: Harness, message: Pick<Message, 'tenant' | 'id'>): Promise<MessageRecord> => {
  const record = await ledger.find(message)
  assert.ok(record, `There is no record of ${message.id}`)
  return record
}

/** A record in each state there is, all of lane `normal`. */
const oneOfEachState = async (harness: Harness): Promise<ReadonlyMap<State, MessageRecord>> => {
  const { queue, clock } = harness
  const until = clock.now() + 30 * minuteMs
  const ids = new Map<State, Message>()
  for (const settlement of everySettlement(until)) {
    if (settlement.kind === 'returned') continue
    ids.set(settlement.kind, await publishOne(harness))
    await queue.settle(await receiveOne(harness), settlement.kind === 'parked' ? aPark(until) : settlement)
  }
  ids.set('cancelled', await publishOne(harness))
  await queue.cancel(ids.get('cancelled')!)
  ids.set('leased', await publishOne(harness))
  await receiveOne(harness)
  ids.set('queued', await publishOne(harness))
  ids.set('scheduled', await publishOne(harness, { sendAt: until }))

  const records = new Map<State, MessageRecord>()
  for (const [state, message] of ids) {
    const record = await recordOf(harness, message)
    assert.equal(record.state, state)
    records.set(state, record)
  }
  return records
}

/** What a worker is given of a message. */
const delivered = (message: Message): DeliveredMessage => {
  const { id, tenant, account, channel, lane, touser, templateId, body, acceptedAt, expiresAt } = message
  return { id, tenant, account, channel, lane, touser, templateId, body, acceptedAt, expiresAt }
}

const byId = <T extends { readonly id: string }>(items: readonly T[]): readonly T[] =>
  items.toSorted((a, b) => (a.id < b.id ? -1 : 1))

const idsOf = (deliveries: readonly Delivery[]): string[] => deliveries.map(({ message }) => message.id).sort()
