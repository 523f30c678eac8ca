import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import type { AccountLimits } from '../../src/directory.ts'
import type { Message } from '../../src/message.ts'
import { nextBeijingMidnight } from '../../src/retry.ts'
import type { Sending } from '../../src/sender.ts'
import { aDelivery, aMessage } from '../support/messages.ts'
import { type Node, type NodeOptions, openStage, type Stage, statesOf } from '../support/quota-nodes.ts'
import { startRedis } from '../support/redis.ts'
import { until } from '../support/waiting.ts'

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs
/** On a busy machine. */
const patienceMs = 60_000

/** Four workers of different speeds and sizes. */
const four: readonly NodeOptions[] = [
  { concurrency: 4, latencyMs: 1 },
  { concurrency: 8, latencyMs: 2 },
  { concurrency: 16, latencyMs: 5 },
  { concurrency: 8, latencyMs: 20 },
]

const open = async (t: TestContext, limits?: AccountLimits, prepare?: (stage: Stage) => void) => {
  const redis = await startRedis(t)
  const stage = openStage(t, redis.url, limits)
  prepare?.(stage)
  const nodes = await Promise.all(four.map(stage.start))
  return { ...stage, redis, nodes }
}

const publish = async (
  [node]: readonly Node[],
  { clock }: Pick<Stage, 'clock'>,
  count: number,
  overrides: Partial<Message> = {},
): Promise<readonly Message[]> => {
  const acceptedAt = clock.now()
  const messages = Array.from({ length: count }, (_, n) =>
    aMessage({ acceptedAt, expiresAt: acceptedAt + 7 * dayMs, touser: `o-${n}`, ...overrides }),
  )
  await node!.engine.queue.publish(messages)
  return messages
}

const toNextDay = ({ clock }: Pick<Stage, 'clock'>) =>
  clock.advance(nextBeijingMidnight(clock.now()) - clock.now() + 2 * minuteMs)

suite('four nodes and the quota of the day', () => {
  test('never pass it together, keep the reserve for urgent messages, and go on by themselves the next day', async (t) => {
    const stage = await open(t, { daily: 300 }, ({ wechat }) => {
      wechat.daily = 300
    })
    const { wechat, nodes } = stage
    const campaign = await publish(nodes, stage, 340, { lane: 'bulk' })
    let looks = 0
    await until(async () => {
      const { sent = 0, parked = 0 } = await statesOf(nodes[0]!, campaign)
      // When words cross, more is thought to be used than is: quota/get puts that right a few minutes later.
      if (sent + parked === 340 && sent < 285 && ++looks % 100 === 0) stage.clock.advance(5 * minuteMs)
      return sent === 285 && parked === 55
    }, patienceMs)
    const urgent = await publish(nodes, stage, 20, { lane: 'urgent' })
    await until(async () => {
      const { sent, parked } = await statesOf(nodes[0]!, urgent)
      return sent === 15 && parked === 5
    }, patienceMs)
    assert.deepEqual([wechat.used, wechat.refused], [300, 0])

    wechat.used = 0
    toNextDay(stage)
    await until(async () => (await statesOf(nodes[0]!, [...campaign, ...urgent])).sent === 360, patienceMs)
    assert.equal(wechat.refused, 0)
  })

  test('make at most five calls more when others have used it up', async (t) => {
    const stage = await open(t, undefined, ({ wechat }) => {
      wechat.daily = 300
    })
    const { wechat, nodes } = stage
    const first = await publish(nodes, stage, 100)
    await until(async () => (await statesOf(nodes[0]!, first)).sent === 100, patienceMs)
    wechat.used += 60
    const campaign = await publish(nodes, stage, 200)
    await until(async () => {
      const { sent, parked } = await statesOf(nodes[0]!, campaign)
      return sent === 140 && parked === 60
    }, patienceMs)
    assert.ok(wechat.refused >= 1 && wechat.refused <= 5, `${wechat.refused} refused`)
    assert.ok(wechat.begunSince <= 5, `${wechat.begunSince} begun after a refusal`)
    const asked = wechat.questions
    // Every node watches over it, and one of them asks.
    for (let n = 0; n < 3; n++) {
      const before = wechat.questions
      stage.clock.advance(5 * minuteMs)
      await until(() => wechat.questions > before, patienceMs)
    }
    assert.ok(wechat.questions <= asked + 3, `${wechat.questions - asked} questions in a quarter of an hour`)

    wechat.daily = 1000
    stage.clock.advance(5 * minuteMs)
    await until(async () => (await statesOf(nodes[0]!, campaign)).sent === 200, patienceMs)
  })

  test('lose no more than what crashed nodes had in hand, and nothing starves', async (t) => {
    const stage = await open(t, { daily: 400, urgentShare: 0 })
    const { wechat, nodes } = stage
    const campaign = await publish(nodes, stage, 300)
    await until(() => wechat.used >= 60, patienceMs)
    nodes[0]!.crash()
    await until(() => wechat.used >= 120, patienceMs)
    nodes[2]!.crash()
    await stage.start({ concurrency: 8 })
    // What was in the hands of those that died stays on lease: that is not what this is about.
    const inDoubt = 4 * (four[0]!.concurrency! + four[2]!.concurrency!)
    await until(() => {
      stage.clock.advance(100)
      return wechat.used >= 300 - inDoubt
    }, patienceMs)
    await until(async () => (await nodes[1]!.engine.queue.depth()).lanes.normal.ready === 0, patienceMs)
    assert.ok(wechat.used <= 400)
    assert.equal((await statesOf(nodes[1]!, campaign)).parked, undefined)
  })
})

suite('four nodes and the limit of the minute', () => {
  test('never pass it together, and use it', async (t) => {
    const perMinute = 40
    const stage = await open(t, { perMinute })
    const { wechat, nodes, clock } = stage
    const campaign = await publish(nodes, stage, 150)
    // What a node has asked of the store must be answered before so much time has gone by that the store counts as away.
    const step = async () => {
      clock.advance(300)
      await Promise.all(nodes.map(({ engine }) => engine.queue.depth()))
    }
    await until(async () => {
      for (let n = 0; n < 10; n++) await step()
      return (await statesOf(nodes[0]!, campaign)).sent === 150
    }, 2 * patienceMs)
    const most = Math.max(...wechat.inMinute.values())
    assert.ok(most <= perMinute, `${most} calls in a minute`)
  })
})

const answered = (errcode: number, at: number): Sending => ({
  reply: { kind: 'answered', errcode, errmsg: '' },
  attempts: [{ startedAt: at, endedAt: at, outcome: 'answered', errcode }],
})

/** One call by this node, refused with a code; what then holds up the same message on another. */
const refuse = async (
  node: Node,
  { clock }: Pick<Stage, 'clock'>,
  code: number,
  message: Partial<Message>,
) => {
  const now = clock.now()
  const delivery = () => aDelivery({ message, leaseUntil: now + dayMs })
  const refused = delivery()
  await until(() => {
    const outcome = node.gates.before(refused, clock.now())
    if (outcome === 'wait')
      return node.gates.next(clock.now()) === refused && node.gates.before(refused, now) === undefined
    return outcome === undefined
  }, patienceMs)
  node.gates.ended(refused, answered(code, now), now)
  return delivery
}

suite('what one node is told', () => {
  const cases: readonly [code: number, about: string, message: Partial<Message>, reason: string][] = [
    [48001, 'an API without permission', { channel: 'template' }, 'errcode-48001'],
    [40164, 'an account that must rest', { channel: 'template' }, 'errcode-40164'],
    [45011, 'the limit of the minute', { channel: 'template' }, 'errcode-45011'],
    [
      43117,
      'a recipient who was sent to too often',
      { channel: 'subscribe', touser: 'anna' },
      'errcode-43117',
    ],
    [45009, 'the quota of the day', { channel: 'template' }, 'errcode-45009'],
  ]
  for (const [code, about, message, reason] of cases)
    test(`of ${about} (${code}) holds on the others, and on one that starts later`, async (t) => {
      const { url } = await startRedis(t)
      const stage = openStage(t, url)
      const [a, b] = [await stage.start({ idle: true }), await stage.start({ idle: true })]
      const delivery = await refuse(a, stage, code, message)
      const outcomeOn = (node: Node) => {
        const outcome = node.gates.before(delivery(), stage.clock.now())
        return typeof outcome === 'object' && 'reason' in outcome ? outcome.reason : outcome
      }
      assert.equal(outcomeOn(a), reason)
      await until(() => outcomeOn(b) === reason, patienceMs)
      const late = await stage.start({ idle: true })
      assert.equal(outcomeOn(late), reason)
    })
})

suite('while the store is away', () => {
  test('each node spends its part of what was left, and no more; afterwards all is as before', async (t) => {
    const daily = 1000
    const redis = await startRedis(t)
    const stage = openStage(t, redis.url, { daily, urgentShare: 0 })
    const { clock, wechat } = stage
    wechat.daily = daily
    const nodes = await Promise.all([1, 2].map(() => stage.start({ idle: true })))
    const begin = ({ gates }: Node): boolean => {
      const now = clock.now()
      const delivery =
        gates.next(now) ?? aDelivery({ leaseUntil: now + dayMs, message: { expiresAt: now + dayMs } })
      if (gates.before(delivery, now) !== undefined) return false
      gates.ended(delivery, answered(0, now), now)
      return true
    }
    let begun = 0
    const spendOn = (node: Node) => {
      while (begin(node)) begun++
    }
    // More than one chunk each, so that each has heard of the other.
    for (let round = 0; round < 60; round++)
      for (const node of nodes) await until(() => begin(node), patienceMs)
    begun = 120
    await redis.kill()
    // Many times longer than it takes to spend what there is.
    const end = performance.now() + 4000
    await until(() => {
      for (const node of nodes) spendOn(node)
      return performance.now() > end
    }, 20_000)
    assert.ok(begun > 100, `${begun} begun`)
    assert.ok(begun <= daily, `${begun} begun`)
    await redis.start()
    await until(() => {
      for (const node of nodes) spendOn(node)
      return nodes.every(
        ({ gates }) => gates.reports(aDelivery().message.account, clock.now())[0]!.used >= daily,
      )
    }, patienceMs)
    assert.equal(begun, daily)
  })
})
