import assert from 'node:assert/strict'
import { isFinal, type State } from '../../../src/message.ts'
import type { Settlement } from '../../../src/settlement.ts'
import { type ContractOptions, clausesOf, receiveNow, receiveOne } from '../../support/harness.ts'
import { aPark, aRetry, everySettlement, minuteMs, publishOne, recordOf } from './parts.ts'

/** What a worker says of a delivery is on record, once. */
export const settling = (options: ContractOptions) => {
  const clause = clausesOf(options)

  const cases: readonly { name: string; settlement: (now: number) => Settlement }[] = [
    { name: 'sent', settlement: () => ({ kind: 'sent', msgid: '9007199254740993001' }) },
    {
      name: 'sent, though WeChat gave no number',
      settlement: () => ({ kind: 'sent', reason: 'errcode-45065' }),
    },
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
        {
          startedAt: clock.now() - 200,
          endedAt: clock.now(),
          outcome: 'answered',
          errcode: 0,
          errmsg: '"好的"',
          rid: 'x-y',
        },
      ] as const
      assert.equal(await queue.settle(delivery, { ...settlement, attempts }), 'settled')

      const record = await recordOf(harness, message)
      const reason = 'reason' in settlement ? settlement.reason : undefined
      const until = 'until' in settlement ? settlement.until : undefined
      const seen = {
        state: record.state,
        reason: record.reason,
        readyAt: record.readyAt,
        updatedAt: record.updatedAt,
      }
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

  clause('what is returned for later leaves no trace and is not received before', async (_t, harness) => {
    const { queue, clock } = harness
    const message = await publishOne(harness)
    const first = await receiveOne(harness)
    const until = clock.now() + minuteMs
    assert.equal(await queue.settle(first, { kind: 'returned', until }), 'settled')
    const { state, steps, readyAt } = await recordOf(harness, message)
    assert.deepEqual({ state, steps, readyAt }, { state: 'queued', steps: [], readyAt: until })
    clock.advance(minuteMs - 1)
    assert.deepEqual(await receiveNow(harness), [])
    clock.advance(1)
    assert.equal((await receiveOne(harness)).tries, 0)
  })

  clause('what is returned leaves no trace and can be received at once', async (_t, harness) => {
    const { queue } = harness
    const message = await publishOne(harness)
    const first = await receiveOne(harness)
    assert.equal(await queue.settle(first, { kind: 'returned' }), 'settled')
    const { state, steps, reason, doubtSince } = await recordOf(harness, message)
    assert.deepEqual(
      { state, steps, reason, doubtSince },
      {
        state: 'queued',
        steps: [],
        reason: undefined,
        doubtSince: undefined,
      },
    )
    const second = await receiveOne(harness)
    assert.deepEqual([second.tries, second.doubtSince], [0, undefined])
    assert.ok(second.number > first.number)
  })
}
