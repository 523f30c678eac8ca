import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import type { RedisEngine, RedisOptions } from '../../src/engines/redis/redis.ts'
import type { Message } from '../../src/message.ts'
import { createRandom } from '../../src/simulator/random.ts'
import { createTestClock } from '../support/clock.ts'
import { type FaultProxy, openFaultProxy } from '../support/fault-proxy.ts'
import { receiveNow } from '../support/harness.ts'
import { aKeyedMessage, aMessage } from '../support/messages.ts'
import { answers, publishes, underLoad } from '../support/publishing-load.ts'
import { openRedisEngine, type RedisServer, startRedis } from '../support/redis.ts'
import { until } from '../support/waiting.ts'

const limitMs = 20_000
const portOf = ({ url }: RedisServer): number => Number(new URL(url).port)
const urlOf = ({ port }: FaultProxy): string => `redis://127.0.0.1:${port}`

const openBehind = (t: TestContext, proxy: FaultProxy, options: Partial<RedisOptions> = {}) =>
  openRedisEngine(t, { url: urlOf(proxy), callMs: 1000, onAlert: () => {}, ...options })

/** Takes out all that there is, and asserts that it is each of these once. */
const assertEachOnce = async (engine: RedisEngine, messages: readonly Message[]): Promise<void> => {
  const ids: string[] = []
  for (let some = await receiveNow(engine, 5000); some.length > 0; some = await receiveNow(engine, 5000))
    ids.push(...some.map(({ message }) => message.id))
  assert.equal(new Set(ids).size, ids.length)
  assert.equal(ids.length, messages.length)
}

suite('redis behind a network that breaks', () => {
  test('a reply that is cut anywhere leaves a doubt that the repeat ends', async (t) => {
    const server = await startRedis(t)
    const proxy = await openFaultProxy(t, portOf(server))
    const engine = await openBehind(t, proxy)
    const random = createRandom(1)
    const all: Message[] = []
    for (let round = 0; proxy.cuts() < 40; round++) {
      const messages = [1, 2, 3].map((n) => aKeyedMessage(`${round}-${n}`, { touser: `o-${round}-${n}` }))
      all.push(...messages)
      proxy.cutAfter(Math.floor(random.next() * 300))
      await until(() => publishes(engine, messages), limitMs)
    }
    await assertEachOnce(engine, all)
  })

  test('replies that never come end with the deadline, and what was done is not done again', async (t) => {
    const server = await startRedis(t)
    const proxy = await openFaultProxy(t, portOf(server))
    const engine = await openBehind(t, proxy)
    // A server that does not know the scripts yet would do nothing.
    await engine.queue.publish([aMessage(), aKeyedMessage('order-0')])
    const [plain, keyed] = [aMessage(), aKeyedMessage('order-1')]
    proxy.silence('replies')
    for (const message of [plain, keyed])
      await assert.rejects(engine.queue.publish([message]), /no answer within 1000 ms/)
    proxy.silence('nothing')
    await until(() => answers(engine), limitMs)
    assert.deepEqual(await engine.queue.publish([plain, aKeyedMessage('order-1')]), [
      { kind: 'duplicate', id: plain.id, state: 'queued' },
      { kind: 'duplicate', id: keyed.id, state: 'queued' },
    ])
    assert.equal((await receiveNow(engine, 10)).length, 4)
  })

  test('gateway and workers are cut off one by one: the others go on, and nobody changes what is not his', async (t) => {
    const server = await startRedis(t)
    const clock = createTestClock()
    const [toGateway, toWorker] = [
      await openFaultProxy(t, portOf(server)),
      await openFaultProxy(t, portOf(server)),
    ]
    const gateway = await openBehind(t, toGateway, { clock })
    const worker = await openBehind(t, toWorker, { clock })
    const other = await openRedisEngine(t, { url: server.url, clock })
    const messages = Array.from({ length: 10 }, (_, n) => aMessage({ touser: `o-${n}` }))
    await gateway.queue.publish(messages)

    toGateway.silence('both')
    await assert.rejects(gateway.queue.publish([aMessage()]), /no answer within/)
    const held = await receiveNow(worker, 5)
    assert.equal(held.length, 5)
    toGateway.silence('nothing')
    await until(() => answers(gateway), limitMs)

    toWorker.silence('both')
    await assert.rejects(worker.queue.settle(held[0]!, { kind: 'sent' }), /no answer within/)
    assert.deepEqual(await gateway.queue.publish([aMessage()]), [{ kind: 'accepted' }])
    clock.advance(60_000)
    const taken = await receiveNow(other, 20)
    assert.equal(taken.length, 11, 'what the lost worker holds comes back when its lease is over')
    toWorker.silence('nothing')
    await until(() => answers(worker), limitMs)
    for (const delivery of held)
      assert.equal(await worker.queue.settle(delivery, { kind: 'sent' }), 'expired')
    for (const delivery of taken)
      assert.equal(await other.queue.settle(delivery, { kind: 'sent' }), 'settled')
  })
})

/** A primary and its replica, each link through a proxy, and an engine that wants a replica's word. */
const openPair = async (t: TestContext) => {
  const primary = await startRedis(t)
  const link = await openFaultProxy(t, portOf(primary))
  const port = String(link.port)
  const replica = await startRedis(t, ['--replicaof', '127.0.0.1', port, '--repl-diskless-sync-delay', '0'])
  await until(async () => String(await primary.command('INFO')).includes('state=online'), limitMs)
  const address = await openFaultProxy(t, portOf(primary))
  const engine = await openBehind(t, address, { replicas: 1 })
  await until(() => publishes(engine, [aKeyedMessage('first')]), limitMs)
  return { primary, link, replica, address, engine }
}

suite('redis when another becomes the primary', () => {
  test('a primary that was cut off from its replica dies: what was accepted is on the replica', async (t) => {
    const { primary, link, replica, address, engine } = await openPair(t)
    const load = underLoad(engine)
    await until(() => load.accepted.length > 50, limitMs)
    link.silence('both')
    await until(() => load.doubted.length > 0, limitMs)
    await load.stop()
    await assert.rejects(engine.queue.publish([aMessage()]), /0 of 1 replicas/)
    await primary.kill()
    await replica.command('REPLICAOF', 'NO', 'ONE')
    address.target(portOf(replica))
    address.cut()
    await until(() => answers(engine), limitMs)
    const found = await Promise.all(load.accepted.map((message) => engine.ledger.find(message)))
    assert.ok(found.every((record) => record?.state === 'queued'))
  })

  test('a primary that has become a replica is left for the new one, and the work goes on', async (t) => {
    const { primary, replica, address } = await openPair(t)
    const engine = await openBehind(t, address)
    const load = underLoad(engine)
    await until(() => load.accepted.length > 50, limitMs)
    // As a failover does it: the replica has all before the primary gives way.
    await primary.command('CLIENT', 'PAUSE', 60_000, 'WRITE')
    await until(async () => (await offsetOf(primary)) === (await offsetOf(replica)), limitMs)
    await replica.command('REPLICAOF', 'NO', 'ONE')
    address.target(portOf(replica))
    await primary.command('REPLICAOF', '127.0.0.1', portOf(replica))
    await primary.command('CLIENT', 'UNPAUSE')
    const before = load.accepted.length
    await until(() => load.accepted.length > before + 50, limitMs)
    await load.stop()
    await until(() => publishes(engine, load.doubted), limitMs)
    const first = aKeyedMessage('first')
    await assertEachOnce(engine, [first, ...load.accepted, ...load.doubted])
  })
})

const offsetOf = async ({ command }: RedisServer): Promise<string> => {
  const info = String(await command('INFO', 'replication'))
  return /(?:slave_repl_offset|master_repl_offset):(\d+)/.exec(info)![1]!
}
