import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { nextBeijingMidnight } from '../src/retry.ts'
import {
  miniprogram,
  official,
  type Row,
  type Settled,
  startSending,
  subscribeSend,
  templateSend,
} from './support/sending.ts'
import { until } from './support/waiting.ts'

const isSent = ({ settlement }: Settled) => settlement.kind === 'sent'
const isParked = ({ settlement }: Settled) => settlement.kind === 'parked'
const refused = (calls: readonly Row[], errcode: number) => calls.filter((call) => call.errcode === errcode)
const minuteMs = 60_000
const setQuota = { appid: official.appid, path: templateSend }

suite('a campaign larger than the quota of the day', () => {
  test('stops before WeChat refuses, keeps the urgent reserve, and goes on by itself the next day', async (t) => {
    const stage = await startSending(t, { quota: { daily: 300 } })
    const campaign = await stage.publish(340, { lane: 'bulk' })
    // A day has 300 calls, of which 15 are kept.
    await stage.settled(285, isSent)
    await stage.settled(340 - 285, isParked)
    const [urgent] = await stage.publish(1, { lane: 'urgent' })
    await stage.settled(286, isSent)
    assert.deepEqual(await stage.records([urgent!]), { sent: 1 })
    const calls = await stage.calls()
    assert.equal(calls.length, 286)
    assert.deepEqual(refused(calls, 45009), [])
    for (const { settlement } of stage.settlements.filter(isParked))
      assert.partialDeepStrictEqual(settlement, {
        reason: 'quota-reserved',
        condition: `quota ${official.appid} ${templateSend}`,
      })

    await stage.advance(nextBeijingMidnight(stage.clock.now()) - stage.clock.now() + 2 * minuteMs)
    await stage.settled(341, isSent)
    assert.deepEqual(await stage.records(campaign), { sent: 340 })
    assert.deepEqual(refused(await stage.calls(), 45009), [])
    assert.ok(stage.settlements.every(({ delivery }) => delivery.tries === 0))
  })
})

suite('a quota that turns out to be lower', () => {
  const concurrency = 16

  test('because others use it as well refuses at most five calls, for few are under way near its end', async (t) => {
    const stage = await startSending(t, { concurrency, latencyMs: 5, quota: { daily: 300 } })
    await stage.publish(100)
    await stage.settled(100, isSent)
    await stage.sendElsewhere(60)
    const campaign = await stage.publish(200)
    await until(async () => {
      const { sent, parked } = await stage.records(campaign)
      return sent === 140 && parked === 60
    }, 10_000)
    const times = refused(await stage.calls(), 45009).length
    assert.ok(times >= 1 && times <= 5, String(times))
    assert.ok(stage.settlements.every(({ delivery }) => delivery.tries === 0))
  })

  test('refuses no more calls than are under way; nothing dies, no try is spent, and the next day goes on', async (t) => {
    const stage = await startSending(t, { concurrency, latencyMs: 5, quota: { daily: 100_000 } })
    const campaign = await stage.publish(600, { lane: 'bulk' })
    await stage.settled(150, isSent)
    await stage.admin('quotas', { ...setQuota, daily: 200 })
    // Nothing is on lease when the clocks jump, or the leases would be lost.
    const atRest = async () => {
      const { sent, parked } = await stage.records(campaign)
      return sent === 200 && parked === 400
    }
    await until(atRest, 10_000)
    // What was under way when the first refusal came could not be called back; nothing was begun after it.
    assert.ok(refused(await stage.calls(), 45009).length <= concurrency)
    assert.equal(stage.count(isSent), 200)

    await stage.advance(6 * minuteMs)
    const before = stage.count(isParked)
    await stage.publish(5)
    await stage.settled(before + 5, isParked)
    await until(atRest, 10_000)
    assert.ok(refused(await stage.calls(), 45009).length <= concurrency, 'it is not tried again')

    await stage.advance(nextBeijingMidnight(stage.clock.now()) - stage.clock.now() + 2 * minuteMs)
    // Of the 200 of that day, 10 are kept.
    await stage.settled(200 + 190, isSent)
    assert.equal(stage.count(isSent), 390)
    const { dead, expired, unknown } = await stage.records(campaign)
    assert.deepEqual({ dead, expired, unknown }, { dead: undefined, expired: undefined, unknown: undefined })
    assert.ok(stage.settlements.every(({ delivery }) => delivery.tries === 0))
  })

  test('lets calls go on early once quota/get shows that there are some left', async (t) => {
    const stage = await startSending(t, { concurrency, quota: { daily: 50 } })
    const reset = nextBeijingMidnight(stage.clock.now())
    const campaign = await stage.publish(60, { lane: 'bulk' })
    await stage.settled(48, isSent)
    await stage.settled(12, isParked)
    assert.deepEqual(stage.released, [])

    await stage.admin('quotas', { ...setQuota, daily: 1000 })
    await stage.advance(5 * minuteMs)
    await until(() => stage.released.length > 0, 5000)
    assert.deepEqual(stage.released, [`quota ${official.appid} ${templateSend}`])
    // Long before the reset that they were parked for, and without another message or an operator.
    await stage.settled(60, isSent)
    assert.deepEqual(await stage.records(campaign), { sent: 60 })
    assert.ok(stage.clock.now() < reset)
  })

  test('is asked about first: a refusal with plenty left is probed with one call a minute later', async (t) => {
    const stage = await startSending(t, { concurrency, quota: { daily: 100_000 } })
    await stage.publish(40)
    await stage.settled(40, isSent)
    await stage.admin('faults', { rules: [{ path: templateSend, errcode: 45009, count: 1 }] })
    await stage.publish(1)
    await stage.settled(1, isParked)
    await until(() => stage.gates.reports(official.appid, stage.clock.now())[0]!.hold !== undefined, 5000)
    await stage.publish(30)
    await stage.settled(31, isParked)
    const [report] = stage.gates.reports(official.appid, stage.clock.now())
    assert.equal(report!.allowed, 1)
    assert.ok(report!.hold!.until < stage.clock.now() + 2 * minuteMs)

    await stage.advance(2 * minuteMs)
    await stage.settled(71, isSent)
    assert.equal(stage.gates.reports(official.appid, stage.clock.now())[0]!.hold, undefined)
    assert.equal(refused(await stage.calls(), 45009).length, 1)
  })
})

suite('the limit of the minute', () => {
  test('is kept, and what must wait is handed back without a word', async (t) => {
    // WeChat's own is higher, so that a call on its way from one minute to the next decides nothing.
    const stage = await startSending(t, {
      limits: { perMinute: 20 },
      quota: { daily: 100_000, minute: 40 },
    })
    const messages = await stage.publish(60)
    await stage.settled(20, isSent)
    assert.equal(stage.gates.reports(official.appid, stage.clock.now())[0]!.perMinute, 20)
    const start = stage.clock.now()
    await until(async () => {
      await stage.advance(5000)
      return stage.count(isSent) === 60
    }, 10_000)
    assert.ok(stage.clock.now() - start > minuteMs)
    assert.deepEqual(await stage.records(messages), { sent: 60 })
    assert.deepEqual(refused(await stage.calls(), 45011), [])
    assert.equal(stage.count(isParked), 0)
  })

  test('that nobody told is learned from a refusal: the pace is halved, and nothing is lost', async (t) => {
    const stage = await startSending(t, { concurrency: 8, latencyMs: 2 })
    await stage.publish(10)
    await stage.settled(10, isSent)
    await stage.admin('faults', { rules: [{ path: templateSend, errcode: 45011, count: 1 }] })
    await stage.publish(1)
    await stage.settled(1, ({ settlement }) => settlement.kind === 'retry')
    const [report] = stage.gates.reports(official.appid, stage.clock.now())
    assert.equal(report!.allowed, 4)
    assert.ok(report!.perMinute! <= 10)
    await stage.publish(5)
    await stage.settled(5, isParked)
    await stage.advance(2 * minuteMs)
    await stage.settled(16, isSent)
    assert.ok(stage.settlements.every(({ delivery }) => delivery.tries === 0))
  })
})

suite('one recipient', () => {
  const mini = { channel: 'subscribe' } as const
  const [anna, bob] = miniprogram.openids

  test('who was sent to too often is left alone for a while, and others are not', async (t) => {
    const stage = await startSending(t)
    await stage.admin('faults', { rules: [{ path: subscribeSend, touser: anna, errcode: 43117, count: 1 }] })
    await stage.publish(1, { ...mini, touser: anna! })
    await stage.settled(1, ({ settlement }) => settlement.kind === 'retry')
    await stage.publish(3, { ...mini, touser: anna! })
    await stage.publish(3, { ...mini, touser: bob! })
    await stage.settled(3, isParked)
    await stage.settled(3, isSent)
    assert.equal((await stage.calls(subscribeSend)).length, 4)
    await stage.advance(4 * minuteMs)
    await stage.settled(7, isSent)
  })

  test('whose call collided with one of another process is called again within a second', async (t) => {
    const stage = await startSending(t)
    await stage.admin('faults', { rules: [{ path: subscribeSend, errcode: 43108, count: 1 }] })
    await stage.publish(1, { ...mini, touser: anna! })
    await stage.settled(1, isSent)
    const [collided] = stage.settlements
    assert.partialDeepStrictEqual(collided!.settlement, { kind: 'retry', spent: false })
  })
})

suite('WeChat that becomes slow', () => {
  test('is called with less at once, and with as much as before when it has recovered', async (t) => {
    const concurrency = 32
    const stage = await startSending(t, { concurrency, latencyMs: 2 })
    const allowed = () => stage.gates.reports(official.appid, stage.clock.now())[0]!.allowed
    await stage.publish(8000)
    await stage.settled(400, isSent)
    await stage.admin('faults', { rules: [{ path: templateSend, latency_ms: 300 }] })
    await until(() => allowed() <= concurrency / 4, 15_000)
    await stage.admin('faults', { rules: [] })
    await until(() => allowed() >= 0.9 * concurrency, 30_000)
  })
})
