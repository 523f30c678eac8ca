import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { createTestClock } from '../support/clock.ts'
import { receiveNow } from '../support/harness.ts'
import { beat, beatsUntil, startNode, type TestNode } from '../support/memberships.ts'
import { aMessage } from '../support/messages.ts'
import { openRedisEngine, startRedis } from '../support/redis.ts'
import { soon, until } from '../support/waiting.ts'

const all = Array.from({ length: 16 }, (_, shard) => shard)

/** Whether every shard is looked after by exactly one of these. */
const cover = (nodes: readonly TestNode[]): boolean => {
  const owned = nodes.flatMap((node) => node.own()).sort((a, b) => a - b)
  return JSON.stringify(owned) === JSON.stringify(all)
}

const several = async (t: TestContext, count: number) => {
  const server = await startRedis(t)
  const clock = createTestClock()
  const start = (id: string, rest: Partial<Parameters<typeof startNode>[1]> = {}) =>
    startNode(t, { url: server.url, clock, id, ...rest })
  const nodes: TestNode[] = []
  for (let n = 0; n < count; n++) nodes.push(await start(`node_${n}`))
  await beatsUntil(clock, nodes, () => cover(nodes) && nodes.every((node) => node.own().length > 0), 3)
  return { server, clock, nodes, start }
}

suite('nodes on one redis', () => {
  test('a node alone looks after everything, and does the upkeep', async (t) => {
    const { nodes } = await several(t, 1)
    assert.deepEqual(nodes[0]!.own(), all)
    assert.ok(nodes[0]!.upkeep())
  })

  test('share all shards, each looked after by one, also when another joins', async (t) => {
    const { clock, nodes, start } = await several(t, 3)
    const more = [...nodes, await start('node_late')]
    await beatsUntil(clock, more, () => cover(more) && more.at(-1)!.own().length > 0, 2)
    assert.equal(more.filter((node) => node.upkeep()).length, 1)
    assert.deepEqual(
      more[0]!.membership.nodes().map(({ id, state, shards }) => [id, state, shards]),
      more.map((node) => [node.id, 'live', node.own().length]),
    )
  })

  test('take over from one that died within four beats, its upkeep too, and not sooner than after three', async (t) => {
    const { clock, nodes } = await several(t, 3)
    const dead = nodes.find((node) => node.upkeep())!
    const rest = nodes.filter((node) => node !== dead)
    dead.engine.cut()
    const beats = await beatsUntil(clock, rest, () => cover(rest) && rest.some((node) => node.upkeep()), 5)
    assert.ok(beats >= 3, `after ${beats}`)
    assert.equal(rest[0]!.membership.nodes().find(({ id }) => id === dead.id)?.state, 'missed')
    assert.equal(rest.filter((node) => node.upkeep()).length, 1)
  })

  test('send what a dead one had in hand, within five seconds of the end of its leases', async (t) => {
    const { clock, nodes } = await several(t, 2)
    const [dead, alive] = nodes as [TestNode, TestNode]
    await alive.engine.queue.publish(Array.from({ length: 40 }, (_, n) => aMessage({ touser: `o-${n}` })))
    const lost = await receiveNow(dead.engine)
    const begunAt = clock.now()
    dead.engine.cut()
    assert.ok(lost.length > 0)
    await receiveNow(alive.engine)
    const found = new Set<string>()
    const look = async () => {
      for (const { message } of await receiveNow(alive.engine)) found.add(message.id)
      return lost.every(({ message }) => found.has(message.id))
    }
    for (let seconds = 0; seconds < 5; seconds++) await beat(clock, [alive])
    clock.advance(54_000)
    while (!(await look())) await beat(clock, [alive])
    assert.ok(clock.now() - begunAt <= 60_000 + 5000)
  })

  test('take over at once from one that leaves', async (t) => {
    const { clock, nodes } = await several(t, 3)
    const [first, ...rest] = nodes
    await first!.membership.leave()
    await beatsUntil(clock, rest, () => cover(rest) && rest.some((node) => node.upkeep()), 1)
    assert.equal(rest[0]!.membership.nodes().length, 2)
  })

  test('forget one that has been missed for ten minutes', async (t) => {
    const { clock, nodes } = await several(t, 2)
    const [dead, alive] = nodes
    dead!.engine.cut()
    clock.advance(600_001)
    await beat(clock, [alive!])
    assert.deepEqual(
      alive!.membership.nodes().map(({ id }) => id),
      [alive!.id],
    )
  })

  test('keep to what they know while the registry cannot be reached, and mourn nobody afterwards', async (t) => {
    const { server, clock, nodes } = await several(t, 2)
    const before = nodes.map((node) => node.own())
    await server.kill()
    for (let beats = 0; beats < 7; beats++) {
      clock.advance(1000)
      await until(() => clock.asleep() >= nodes.length, 10_000)
    }
    assert.deepEqual(
      nodes.map((node) => node.own()),
      before,
    )
    assert.ok(nodes[0]!.observed.some((each) => each.kind === 'alert' && each.code === 'nodes-unreachable'))
    await server.start()
    await beatsUntil(clock, nodes, () => cover(nodes), 3)
    assert.deepEqual(
      nodes[0]!.membership.nodes().map(({ state }) => state),
      ['live', 'live'],
    )
  })

  test('drain when they are asked to: the shards move at once, then the hands are empty, and back', async (t) => {
    const { clock, nodes } = await several(t, 2)
    const [asker, asked] = nodes as [TestNode, TestNode]
    const stateOf = () => asker.membership.nodes().find(({ id }) => id === asked.id)?.state
    assert.equal(await asker.membership.order(asked.id, true), true)
    await beatsUntil(clock, nodes, () => asker.own().length === all.length && stateOf() === 'draining', 2)
    assert.deepEqual([asked.own(), asked.worker.mayLease, asked.draining], [[], false, [true]])
    asked.worker.finish()
    await beatsUntil(clock, nodes, () => stateOf() === 'drained', 2)
    await asker.membership.order(asked.id, false)
    await beatsUntil(clock, nodes, () => stateOf() === 'live' && cover(nodes) && asked.worker.mayLease, 3)
    assert.deepEqual(asked.draining, [true, false])
    assert.equal(await asker.membership.order('node_nobody', true), false)
  })

  test('stay drained when the process ends, whatever is asked', async (t) => {
    const { clock, nodes } = await several(t, 2)
    const [ending, other] = nodes as [TestNode, TestNode]
    const drained = ending.membership.drain()
    await beatsUntil(clock, nodes, () => other.own().length === all.length, 2)
    ending.worker.finish()
    await soon(drained, 'it has drained')
    await other.membership.order(ending.id, false)
    await beat(clock, nodes)
    assert.deepEqual([ending.own(), ending.draining], [[], [true]])
  })

  test('leave the sending to those who can, and the upkeep to those who may', async (t) => {
    const { clock, nodes, start } = await several(t, 1)
    const gateway = await start('node_gateway', { roles: ['gateway'] })
    const scheduler = await start('node_scheduler', { roles: ['scheduler'] })
    const both = [...nodes, gateway, scheduler]
    await beat(clock, both)
    assert.deepEqual([gateway.own(), scheduler.own(), nodes[0]!.own()], [[], [], all])
    assert.deepEqual([gateway.upkeep(), scheduler.upkeep(), nodes[0]!.upkeep()], [false, false, true])
    await nodes[0]!.membership.leave()
    await beatsUntil(clock, [gateway, scheduler], () => scheduler.upkeep(), 1)
  })

  test('say so when nobody does the upkeep', async (t) => {
    const { url } = await startRedis(t)
    const clock = createTestClock()
    const node = await startNode(t, { url, clock, roles: ['worker'] })
    const told = () =>
      node.observed.filter((each) => each.kind === 'alert' && each.code === 'no-scheduler').length
    await beatsUntil(clock, [node], () => told() > 0, 31)
    assert.equal(told(), 1)
  })

  test('a node whose event loop is late takes nothing until it is better, but now and then', async (t) => {
    const { clock, nodes } = await several(t, 1)
    const [node] = nodes as [TestNode]
    node.load.loopDelayMs = 1500
    const mayLease: boolean[] = []
    for (let beats = 0; beats < 7; beats++) {
      await beat(clock, nodes)
      mayLease.push(node.worker.mayLease)
    }
    assert.deepEqual(mayLease, [false, false, false, false, false, true, false])
    node.load.loopDelayMs = 900
    await beat(clock, nodes)
    assert.equal(node.worker.mayLease, true)
  })
})

suite('who takes a message', () => {
  const nobody = () => undefined
  /** Two engines of which each looks after half of the shards; who waits does not look by itself. */
  const halves = async (t: TestContext, urgentTo: () => string | undefined = nobody) => {
    const { url } = await startRedis(t)
    const [a, b] = [await openRedisEngine(t, { url }), await openRedisEngine(t, { url })]
    for (const [engine, id, parity] of [
      [a, 'a', 0],
      [b, 'b', 1],
    ] as const) {
      engine.sharing.join({ id, urgentTo })
      engine.sharing.take({ own: all.filter((shard) => shard % 2 === parity), help: [], upkeep: true })
    }
    return { a, b }
  }

  test('is the node that looks after its shard', async (t) => {
    const { a, b } = await halves(t)
    await a.queue.publish(Array.from({ length: 40 }, (_, n) => aMessage({ touser: `o-${n}` })))
    const [mine, others] = [await receiveNow(a), await receiveNow(b)]
    assert.equal(mine.length + others.length, 40)
    assert.ok(mine.every(({ handle }) => Number(handle) % 2 === 0))
    assert.ok(others.every(({ handle }) => Number(handle) % 2 === 1))
  })

  test('is the one that is named, at once, when the message is urgent', async (t) => {
    const { a, b } = await halves(t, () => 'b')
    // Everybody would look by himself after a while: here that while never ends.
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const stop = new AbortController()
    const waitingA = a.queue.receive({ max: 100, waitMs: 60_000, signal: stop.signal })
    const waitingB = b.queue.receive({ max: 1, waitMs: 60_000 })
    await Promise.all([a.queue.depth(), b.queue.depth()])
    for (let n = 0; n < 8; n++) await a.queue.publish([aMessage({ touser: `o-${n}`, lane: 'urgent' })])
    const got = [...(await soon(waitingB, 'b hears of it'))]
    while (got.length < 8)
      got.push(...(await soon(b.queue.receive({ max: 8, waitMs: 60_000 }), 'b takes them all')))
    assert.ok(
      got.some(({ handle }) => Number(handle) % 2 === 0),
      'also of shards that a looks after',
    )
    stop.abort()
    assert.deepEqual(await waitingA, [])
  })

  test('is the one that is named for what is urgent alone', async (t) => {
    const { b } = await halves(t, () => 'b')
    const people = Array.from({ length: 12 }, (_, n) => ({ touser: `o-${n}` }))
    await b.queue.publish(people.map((who) => aMessage(who)))
    await receiveNow(b)
    await b.queue.publish(people.map((who) => aMessage({ ...who, lane: 'urgent' })))
    const taken = await b.queue.receive({ max: 100, waitMs: 20_000 })
    assert.equal(taken.length, 12)
    assert.ok(taken.every(({ message }) => message.lane === 'urgent'))
  })

  test('is the one that looks after the shard when the word to the named one is lost', async (t) => {
    const { a, b } = await halves(t, () => 'gone')
    const waiting = [a, b].map(({ queue }) => queue.receive({ max: 1, waitMs: 20_000 }))
    await b.queue.publish([0, 1].map((n) => aMessage({ touser: `o-${n}`, lane: 'urgent' })))
    await b.queue.publish([2, 3, 4, 5, 6].map((n) => aMessage({ touser: `o-${n}`, lane: 'urgent' })))
    assert.deepEqual(
      (await Promise.all(waiting)).map(({ length }) => length),
      [1, 1],
    )
  })

  test('is another one that has nothing to do, where it is told to help', async (t) => {
    const { a, b } = await halves(t)
    await a.queue.publish(Array.from({ length: 40 }, (_, n) => aMessage({ touser: `o-${n}` })))
    await receiveNow(b)
    assert.deepEqual(await receiveNow(b), [])
    b.sharing.take({ own: [1, 3, 5, 7, 9, 11, 13, 15], help: [2, 0], upkeep: false })
    const helped = await receiveNow(b)
    assert.ok(helped.length > 0)
    assert.ok(helped.every(({ handle }) => [0, 2].includes(Number(handle))))
  })

  test('is whoever comes to look after the shard, also when it had been ready before', async (t) => {
    const { a, b } = await halves(t)
    await b.queue.publish(Array.from({ length: 40 }, (_, n) => aMessage({ touser: `o-${n}` })))
    await receiveNow(b)
    const waiting = b.queue.receive({ max: 100, waitMs: 60_000 })
    b.sharing.take({ own: all, help: [], upkeep: true })
    assert.ok((await soon(waiting, 'it takes what is there')).length > 0)
    void a
  })
})
