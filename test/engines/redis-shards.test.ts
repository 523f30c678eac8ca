import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { grantCondition } from '../../src/grants.ts'
import { type Lane, lanes, type Message } from '../../src/message.ts'
import { createTestClock } from '../support/clock.ts'
import { freePort } from '../support/free-port.ts'
import { type Harness, receiveNow, receiveOne } from '../support/harness.ts'
import { aKeyedMessage, aMessage } from '../support/messages.ts'
import { openRedisEngine, openRedisHarness, startRedis } from '../support/redis.ts'
import { soon, until } from '../support/waiting.ts'

/** Messages to so many people: they lie in all shards. */
const toMany = (count: number, overrides: (n: number) => Partial<Message> = () => ({})): readonly Message[] =>
  Array.from({ length: count }, (_, n) => aMessage({ touser: `o-${n}`, ...overrides(n) }))

const laneOf = (n: number): Lane => lanes[n % lanes.length]!

/** What the contracts, whose messages go to few people, do not see: that several shards are one queue. */
suite('redis is one queue over several shards', () => {
  test('the urgent of all shards come before the rest of any, and no more than were asked for', async (t) => {
    const harness = await openRedisHarness(t)
    await harness.queue.publish(toMany(90, (n) => ({ lane: laneOf(n) })))
    const received = await receiveNow(harness, 45)
    assert.deepEqual(
      received.map(({ message }) => message.lane),
      Array.from({ length: 45 }, (_, n) => (n < 30 ? 'urgent' : 'normal')),
    )
    const rest = await receiveNow(harness, 100)
    assert.equal(new Set([...received, ...rest].map(({ message }) => message.id)).size, 90)
    assert.ok(new Set([...received, ...rest].map(({ handle }) => handle)).size > 1, 'Several shards are used')
  })

  test('depth, release, search and counts take all shards together', async (t) => {
    const harness = await openRedisHarness(t)
    const { queue, ledger, clock } = harness
    const messages = toMany(40)
    await queue.publish(messages)
    assert.equal((await queue.depth()).lanes.normal.ready, 40)
    const parked = { kind: 'parked', reason: 'quota', inDoubt: false, condition: 'quota' } as const
    for (const delivery of await receiveNow(harness))
      await queue.settle(delivery, { ...parked, until: clock.now() + 60_000 })
    assert.equal((await queue.depth()).later, 40)
    assert.equal((await ledger.counts('acme')).parked, 40)
    assert.equal(await queue.release('quota'), 40)
    const pages: string[] = []
    for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
      const page = await ledger.search({ tenant: 'acme', limit: 7, ...(cursor !== undefined && { cursor }) })
      pages.push(...page.records.map(({ id }) => id))
      cursor = page.nextCursor
    }
    assert.deepEqual(pages, messages.map(({ id }) => id).reverse())
  })

  test('one key is one message, whoever its messages go to', async (t) => {
    const harness = await openRedisHarness(t)
    const first = aKeyedMessage('order-1', { touser: 'o-1' })
    assert.deepEqual(await harness.queue.publish([first]), [{ kind: 'accepted' }])
    for (let n = 2; n < 20; n++) {
      const other = aKeyedMessage('order-1', { touser: `o-${n}`, fingerprint: `print-${n}` })
      assert.deepEqual(await harness.queue.publish([other]), [{ kind: 'conflict', id: first.id }])
    }
    assert.equal((await receiveNow(harness)).length, 1)
  })

  test('a message that was sent before word of its grant came is set off against it', async (t) => {
    const harness = await openRedisHarness(t)
    const { queue, recipients } = harness
    const { account, templateId } = aMessage()
    const add = (touser: string) =>
      recipients.note({
        ...{ account, keys: [] },
        grants: [{ account, touser, templateId, kind: 'subscribe', change: 'add', count: 1 }],
      })
    // The account has books: in one shard, which the others must know.
    await add('somebody')
    const people = Array.from({ length: 10 }, (_, n) => `o-${n}`)
    await queue.publish(people.map((touser) => aMessage({ touser, channel: 'subscribe' })))
    for (const delivery of await receiveNow(harness)) {
      assert.equal(delivery.grant?.kind, 'none')
      await queue.settle(delivery, { kind: 'sent', grant: 'used' })
    }
    for (const touser of people) {
      await add(touser)
      const [grant] = await recipients.grants({ account, touser })
      assert.equal(grant?.left, 0)
      await add(touser)
      assert.equal((await recipients.grants({ account, touser }))[0]?.left, 1)
    }
  })

  test('a waiting process hears of what another one publishes', async (t) => {
    const { url } = await startRedis(t)
    const [a, b] = [await openRedisEngine(t, { url }), await openRedisEngine(t, { url })]
    // It would look again by itself after a while: here that while never ends.
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const waiting = a.queue.receive({ max: 1, waitMs: 60_000 })
    await a.queue.depth()
    await b.queue.publish([aMessage()])
    assert.equal((await soon(waiting, 'the other process hears of it')).length, 1)
  })

  test('two processes never get the same message, and together all', async (t) => {
    const { url } = await startRedis(t)
    const engines = await Promise.all([1, 2].map(() => openRedisEngine(t, { url })))
    await engines[0]!.queue.publish(toMany(400))
    const seen: string[] = []
    const drain = async ({ queue }: Pick<Harness, 'queue'>) => {
      for (
        let some = await receiveNow({ queue }, 13);
        some.length > 0;
        some = await receiveNow({ queue }, 13)
      )
        seen.push(...some.map(({ message }) => message.id))
    }
    await Promise.all(engines.flatMap((engine) => [drain(engine), drain(engine)]))
    await drain(engines[0]!)
    assert.deepEqual([seen.length, new Set(seen).size], [400, 400])
  })

  test('a key whose message was not taken in any more stands for the repeat', async (t) => {
    const { url, command } = await startRedis(t)
    const { queue, ledger } = await openRedisEngine(t, { url })
    const [lost, repeat] = [aKeyedMessage('order-1'), aKeyedMessage('order-1')]
    await queue.publish([lost])
    // What a crash between the two steps leaves: the key, and no message.
    for (const key of (await command('KEYS', `*:${lost.id}`)) as string[]) await command('DEL', key)
    const published = await queue.publish([repeat])
    assert.deepEqual(published, [{ kind: 'duplicate', id: lost.id, state: 'queued' }])
    assert.equal((await ledger.find(lost))?.state, 'queued')
    assert.equal(await ledger.find(repeat), undefined)
  })

  test('it works on a cluster of three nodes, all keys of a script on one of them', async (t) => {
    const clock = createTestClock()
    const engine = await openRedisEngine(t, { url: await startCluster(t), clock })
    const { queue, recipients, ledger, upkeep } = engine
    const holder = { account: aMessage().account, touser: 'o-1', templateId: 'tpl-shipped' }
    await queue.publish([
      ...toMany(20, () => ({ channel: 'subscribe' })),
      aKeyedMessage('order-1', { sendAt: 8e12 }),
    ])
    const grant = { ...holder, kind: 'subscribe', change: 'add', count: 1 } as const
    await recipients.note({ account: holder.account, keys: ['k'], grants: [grant] })
    const [first, second, ...others] = await receiveNow(engine)
    assert.equal(others.length, 18)
    await queue.begin(first!)
    const until1 = clock.now() + 60_000
    const condition = grantCondition(holder)
    await queue.settle(first!, {
      kind: 'parked',
      until: until1,
      reason: 'no-grant',
      inDoubt: true,
      condition,
    })
    await queue.settle(second!, { kind: 'sent', msgid: '7', grant: 'used' })
    const { touser } = second!.message
    const receipt = { touser, channel: 'subscribe', msgid: '7', at: clock.now() } as const
    const noted = await recipients.note({
      ...{ account: holder.account, keys: [], grants: [], contact: { touser, at: 1, following: true } },
      receipt: { ...receipt, result: { kind: 'undelivered', reason: 'user block' }, authentic: true },
    })
    assert.equal(noted.kind === 'taken' && noted.sharpened?.state, 'undelivered')
    await queue.release(condition)
    await queue.cancel(first!.message)
    clock.advance(60_000)
    assert.equal((await receiveOne(engine)).number > 0, true)
    assert.equal(await engine.coordination.claimNonce({ keyId: 'k', nonce: 'n', until: until1 * 2 }), true)
    assert.equal(await engine.coordination.claimNonce({ keyId: 'k', nonce: 'n', until: until1 * 2 }), false)
    clock.advance(365 * 24 * 3_600_000)
    await upkeep.reconcile()
    await upkeep.sweep()
    assert.equal(await ledger.find(second!.message), undefined)
  })

  test('the directory keeps what it was given', async (t) => {
    const { url } = await startRedis(t)
    const { directoryRecords } = await openRedisEngine(t, { url })
    await directoryRecords.put('key', 'b', '2')
    await directoryRecords.put('key', 'a', '1')
    await directoryRecords.put('account', 'c', '3')
    await directoryRecords.put('key', 'b', '4')
    assert.deepEqual(await directoryRecords.list('key'), ['1', '4'])
    await directoryRecords.remove('key', 'a')
    assert.deepEqual(await directoryRecords.list('key'), ['4'])
    assert.deepEqual(await directoryRecords.list('nothing'), [])
  })

  test('data of another number of shards is not opened', async (t) => {
    const { url } = await startRedis(t)
    await openRedisEngine(t, { url, shards: 2 })
    await assert.rejects(openRedisEngine(t, { url, shards: 3 }), /2 shards/)
  })
})

/** Three primaries that share the slots; answers the url of the cluster. */
const startCluster = async (t: TestContext): Promise<string> => {
  const clustered = async () => ['--cluster-enabled', 'yes', '--cluster-port', String(await freePort())]
  const nodes = await Promise.all(
    [0, 1, 2].map(async () => {
      const settings = await clustered()
      return { server: await startRedis(t, settings), bus: settings.at(-1)! }
    }),
  )
  const slots = 16_384
  for (const [index, { server }] of nodes.entries()) {
    const [first, next] = [index, index + 1].map((third) => Math.floor((third * slots) / nodes.length))
    await server.command('CLUSTER', 'ADDSLOTSRANGE', first!, next! - 1)
    if (index === 0) continue
    const { port } = new URL(nodes[0]!.server.url)
    await server.command('CLUSTER', 'MEET', '127.0.0.1', port, nodes[0]!.bus)
  }
  for (const { server } of nodes)
    await until(async () => {
      const info = String(await server.command('CLUSTER', 'INFO'))
      return info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3')
    }, 20_000)
  return `redis-cluster://${nodes.map(({ server }) => new URL(server.url).host).join()}`
}
