import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import type { Alert, RedisEngine, RedisOptions } from '../../src/engines/redis/redis.ts'
import type { Delivery } from '../../src/queue.ts'
import { createTestClock } from '../support/clock.ts'
import { receiveNow } from '../support/harness.ts'
import { aKeyedMessage, aMessage } from '../support/messages.ts'
import { answers, publishes, underLoad } from '../support/publishing-load.ts'
import { openRedisEngine, type RedisServer, startRedis } from '../support/redis.ts'
import { soon, until } from '../support/waiting.ts'

const open = async (
  t: TestContext,
  options: Partial<RedisOptions> = {},
  settings: readonly string[] = [],
) => {
  const server = await startRedis(t, settings)
  const alerts: Alert[] = []
  const clock = createTestClock()
  const onAlert = (alert: Alert) => void (alert.kind !== 'weak-setting' && alerts.push(alert))
  const engine = await openRedisEngine(t, { url: server.url, clock, callMs: 1000, onAlert, ...options })
  return { server, alerts, clock, engine }
}

const answersAgain = (engine: RedisEngine): Promise<void> => until(() => answers(engine), 5000)

/** All that can be had, however much it is. */
const receiveAll = async (engine: RedisEngine): Promise<readonly Delivery[]> => {
  const all: Delivery[] = []
  for (let some = await receiveNow(engine, 5000); some.length > 0; some = await receiveNow(engine, 5000))
    all.push(...some)
  return all
}

const keysOf = async ({ command }: RedisServer, pattern: string) =>
  (await command('KEYS', pattern)) as readonly string[]

suite('redis when something breaks', () => {
  test('killed under load, it has all it had answered for, and the workers go on', async (t) => {
    const { server, engine } = await open(t)
    const load = underLoad(engine)
    await until(() => load.accepted.length > 500, 10_000)
    await server.kill()
    await until(() => load.doubted.length > 20, 5000)
    await server.start()
    await answersAgain(engine)
    await load.stop()
    for (const message of load.accepted)
      assert.equal((await engine.ledger.find(message))?.state, 'queued', 'An accepted message is lost')
    // What is in doubt is published again, under its keys.
    const again = await engine.queue.publish(load.doubted)
    assert.ok(again.every(({ kind }) => kind !== 'conflict'))
    const all = load.accepted.length + load.doubted.length
    assert.equal((await receiveAll(engine)).length, all)
  })

  test('whose group was destroyed gives out what waits, and not what is in hand', async (t) => {
    const { server, engine, alerts, clock } = await open(t, { shards: 1 })
    await engine.queue.publish([aMessage(), aMessage(), aMessage()])
    const [inHand] = await receiveNow(engine, 1)
    const [stream] = await keysOf(server, '*ready:1')
    await server.command('XGROUP', 'DESTROY', stream!, 'workers')
    await assert.rejects(receiveNow(engine), /NOGROUP/)
    await answersAgain(engine)
    assert.equal((await receiveNow(engine)).length, 2)
    assert.deepEqual(
      alerts.map(({ kind }) => kind),
      ['group-lost'],
    )
    clock.advance(60_000)
    assert.equal((await receiveNow(engine)).length, 3)
    assert.equal(await engine.queue.settle(inHand!, { kind: 'sent' }), 'expired')
  })

  test('full, it takes nothing in and goes on settling', async (t) => {
    const { server, engine } = await open(t)
    await engine.queue.publish(Array.from({ length: 200 }, (_, n) => aMessage({ touser: `o-${n}` })))
    await server.command('CONFIG', 'SET', 'maxmemory', '1mb')
    await assert.rejects(engine.queue.publish([aMessage()]), /OOM/)
    const deliveries = await receiveNow(engine, 200)
    assert.equal(deliveries.length, 200)
    for (const delivery of deliveries)
      assert.equal(await engine.queue.settle(delivery, { kind: 'sent', msgid: '1' }), 'settled')
    await engine.upkeep.look()
    await assert.rejects(engine.queue.publish([aMessage()]), /memory is \d+ % full/)
    await server.command('CONFIG', 'SET', 'maxmemory', '1gb')
    await engine.upkeep.look()
    assert.deepEqual(await engine.queue.publish([aMessage()]), [{ kind: 'accepted' }])
  })

  test('stalled, it leaves a publish in doubt, and the repeat is the same message', async (t) => {
    const { server, engine } = await open(t, { callMs: 300 })
    await engine.queue.publish([aMessage()])
    const message = aKeyedMessage('order-1')
    await server.command('CLIENT', 'PAUSE', 1000, 'WRITE')
    await assert.rejects(soon(engine.queue.publish([message]), 'the publish ends'), /no answer within 300 ms/)
    await answersAgain(engine)
    const repeat = aKeyedMessage('order-1')
    await until(
      () =>
        engine.queue.publish([repeat]).then(
          () => true,
          () => false,
        ),
      5000,
    )
    const ids = (await receiveNow(engine)).map((delivery) => delivery.message.id)
    assert.equal(ids.length, 2, 'There is one of the first, and one of the two')
  })

  test('what an operator took away is given back its place', async (t) => {
    const { server, engine, alerts, clock } = await open(t, { shards: 1 })
    const messages = Array.from({ length: 40 }, () => aMessage())
    await engine.queue.publish(messages)
    await receiveNow(engine, 10)
    const [stream] = await keysOf(server, '*ready:1')
    const [consumer] = (await server.command('XINFO', 'CONSUMERS', stream!, 'workers')) as string[][]
    const entries = (await server.command('XRANGE', stream!, '-', '+')) as [string, string[]][]
    // Two that are in hand and two that wait; then the consumer with all it holds; then half of the rest.
    for (const index of [0, 1, 38, 39]) await server.command('XDEL', stream!, entries[index]![0])
    await server.command('XGROUP', 'DELCONSUMER', stream!, 'workers', consumer![1]!)
    await server.command('XTRIM', stream!, 'MAXLEN', 18)
    assert.ok((await engine.upkeep.reconcile()) > 0)
    assert.equal(await engine.upkeep.reconcile(), 0)
    assert.equal(alerts[0]!.kind, 'mended')
    assert.equal((await engine.queue.depth()).lanes.normal.ready, 30)
    assert.equal((await receiveNow(engine)).length, 30)
    clock.advance(60_000)
    const back = await receiveNow(engine)
    assert.deepEqual(back.map(({ message: { id } }) => id).sort(), messages.map(({ id }) => id).sort())
  })

  test('what a dead process held does not wait behind what has come since', async (t) => {
    const { server, engine, clock } = await open(t, { shards: 1 })
    const held = [aMessage(), aMessage()]
    await engine.queue.publish(held)
    assert.equal((await receiveNow(engine)).length, 2)
    await engine.queue.publish(Array.from({ length: 50 }, () => aMessage()))
    clock.advance(60_000)
    const again = await receiveNow(engine, 10)
    assert.deepEqual(
      again
        .slice(0, 2)
        .map(({ message }) => message.id)
        .toSorted(),
      held.map(({ id }) => id).toSorted(),
    )
    assert.equal(again.length, 10)
    assert.equal((await receiveAll(engine)).length, 42)
    const [stream] = await keysOf(server, '*ready:1')
    const [pending] = (await server.command('XPENDING', stream!, 'workers')) as readonly unknown[]
    assert.equal(pending, 52)
  })

  test('what one has found run out is had by another, as soon as it is that late there', async (t) => {
    const { server, engine, clock } = await open(t, { shards: 1 })
    await engine.queue.publish([aMessage({ lane: 'urgent' }), aMessage()])
    await receiveNow(engine, 2)
    const later = createTestClock()
    const behind = await openRedisEngine(t, { url: server.url, clock: later, shards: 1 })
    clock.advance(60_000)
    // One is asked for, so the other one is seen and left.
    const [urgent] = await receiveNow(engine, 1)
    assert.deepEqual(await receiveNow(behind, 5), [])
    later.advance(60_000)
    const [normal] = await receiveNow(behind, 5)
    assert.deepEqual([urgent?.message.lane, normal?.message.lane], ['urgent', 'normal'])
    assert.equal(normal?.number, 2)
  })

  test('what a stranger has read from the group is given back its place', async (t) => {
    const { server, engine } = await open(t, { shards: 1 })
    await engine.queue.publish([aMessage(), aMessage(), aMessage()])
    const [stream] = await keysOf(server, '*ready:1')
    await server.command('XREADGROUP', 'GROUP', 'workers', 'a-stranger', 'COUNT', 2, 'STREAMS', stream!, '>')
    assert.equal(await engine.upkeep.reconcile(), 2)
    assert.equal(await engine.upkeep.reconcile(), 0)
    assert.equal((await receiveNow(engine, 5)).length, 3)
    assert.equal(await engine.upkeep.reconcile(), 0)
  })

  test('a consumer that was deleted with all it holds keeps nothing else from coming', async (t) => {
    const { server, engine } = await open(t, { shards: 1 })
    await engine.queue.publish(Array.from({ length: 20 }, () => aMessage({ lane: 'urgent' })))
    await receiveNow(engine, 20)
    await engine.queue.publish([aMessage({ lane: 'bulk' })])
    const [stream] = await keysOf(server, '*ready:0')
    const [consumer] = (await server.command('XINFO', 'CONSUMERS', stream!, 'workers')) as string[][]
    await server.command('XGROUP', 'DELCONSUMER', stream!, 'workers', consumer![1]!)
    const [delivery] = await receiveNow(engine, 5)
    assert.equal(delivery?.message.lane, 'bulk')
  })

  test('a stream that was deleted is made anew, and filled again', async (t) => {
    const { server, engine } = await open(t, { shards: 1 })
    await engine.queue.publish([aMessage(), aMessage()])
    const [stream] = await keysOf(server, '*ready:1')
    await server.command('DEL', stream!)
    await assert.rejects(receiveNow(engine))
    await answersAgain(engine)
    await engine.upkeep.reconcile()
    assert.equal((await receiveNow(engine)).length, 2)
  })

  test('what was under way when the connection was cut is not sent again unasked', async (t) => {
    const { server, engine } = await open(t)
    await server.command('CLIENT', 'PAUSE', 60_000, 'WRITE')
    const message = aMessage()
    const published = engine.queue.publish([message])
    // It may be rejected before anybody waits for it.
    published.catch(() => {})
    await until(
      async () => String(await server.command('INFO', 'clients')).includes('blocked_clients:1'),
      5000,
    )
    await server.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    await assert.rejects(soon(published, 'the publish ends'))
    await server.command('CLIENT', 'UNPAUSE')
    await answersAgain(engine)
    assert.equal(await engine.ledger.find(message), undefined)
    await until(() => publishes(engine, [message]), 5000)
  })

  test('a connection that is cut leaves no call open, and what is accepted is there once', async (t) => {
    const { server, engine } = await open(t)
    const load = underLoad(engine)
    for (let cut = 0; cut < 10; cut++) {
      const before = load.accepted.length
      await until(() => load.accepted.length > before + 20, 5000)
      await server.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    }
    await soon(load.stop(), 'every call ends')
    await answersAgain(engine)
    await until(() => publishes(engine, load.doubted), 15_000)
    const received = await receiveAll(engine)
    assert.deepEqual(
      [received.length, new Set(received.map(({ message }) => message.id)).size],
      [load.accepted.length + load.doubted.length, received.length],
    )
  })

  test('what no replica confirms is in doubt, where one was asked for', async (t) => {
    const { server, engine } = await open(t, { replicas: 1, callMs: 1000 })
    await assert.rejects(engine.queue.publish([aMessage()]), /0 of 1 replicas/)
    const port = new URL(server.url).port
    const replica = await startRedis(t, ['--replicaof', '127.0.0.1', port, '--repl-diskless-sync-delay', '0'])
    await until(async () => String(await server.command('INFO')).includes('state=online'), 20_000)
    // A replica that has just come up confirms its first writes late: what is in doubt is published again, as callers do.
    const message = aMessage()
    await until(() => publishes(engine, [message]), 20_000)
    await replica.kill()
    await assert.rejects(engine.queue.publish([aMessage()]), /0 of 1 replicas/)
  })
})
