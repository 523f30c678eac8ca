import assert from 'node:assert/strict'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import type { Alert } from '../../src/engines/redis/redis.ts'
import { type EpochMemory, LostData } from '../../src/engines/redis/shards.ts'
import { temporaryFolder } from '../support/folder.ts'
import { receiveNow } from '../support/harness.ts'
import { aMessage } from '../support/messages.ts'
import { openRedisEngine, type RedisServer, startRedis } from '../support/redis.ts'
import { until } from '../support/waiting.ts'

const aMemory = (): EpochMemory => {
  let kept: string | undefined
  return {
    place: 'the file',
    recall: () => kept,
    keep(epoch) {
      kept = epoch
    },
  }
}

/** An engine with thirty messages, one of them in hand, and a copy of the server's files. */
const openFull = async (t: TestContext) => {
  const server = await startRedis(t)
  const alerts: Alert[] = []
  const onAlert = (alert: Alert) => void (alert.kind !== 'weak-setting' && alerts.push(alert))
  const memory = aMemory()
  const open = (options: { readonly memory?: EpochMemory } = { memory }) =>
    openRedisEngine(t, { url: server.url, callMs: 1000, onAlert, ...options })
  const engine = await open()
  await engine.queue.publish(Array.from({ length: 30 }, (_, n) => aMessage({ touser: `o-${n}` })))
  const [delivery] = await receiveNow(engine, 1)
  await engine.upkeep.look()
  const backup = temporaryFolder(t)
  cpSync(server.folder, backup, { recursive: true })
  return { server, engine, delivery: delivery!, alerts, memory, open, backup }
}

const restore = async ({ kill, start, folder }: RedisServer, backup: string): Promise<void> => {
  await kill()
  rmSync(join(folder, 'appendonlydir'), { recursive: true })
  cpSync(backup, folder, { recursive: true })
  await start()
}

const kindsOf = (alerts: readonly Alert[]) => alerts.map(({ kind }) => kind)

/** Without its past a queue would take in again what was sent, so it does nothing until a person has decided. */
suite('redis when its data is lost', () => {
  test('takes nothing in and gives nothing out, and says so once, with the number', async (t) => {
    const { server, engine, delivery, alerts } = await openFull(t)
    assert.equal(engine.fault(), undefined)
    await server.command('FLUSHALL')
    for (let tries = 0; tries < 3; tries++) {
      await assert.rejects(engine.queue.publish([aMessage()]), /lost its data/)
      await assert.rejects(receiveNow(engine), /lost its data/)
      await assert.rejects(engine.queue.settle(delivery, { kind: 'sent' }), /lost its data/)
    }
    assert.deepEqual(kindsOf(alerts), ['data-lost'])
    assert.match(alerts[0]!.detail, /30 messages were waiting.*docs\/redis\.md/)
    assert.equal(engine.fault(), 'Redis has lost its data')
    assert.equal(await server.command('DBSIZE'), 0)
  })

  test('notices it without being asked for anything', async (t) => {
    const { server, engine, alerts } = await openFull(t)
    await server.command('FLUSHALL')
    await until(() => alerts.length > 0, 10_000)
    assert.deepEqual(kindsOf(alerts), ['data-lost'])
    assert.equal(engine.fault(), 'Redis has lost its data')
  })

  test('goes on by itself when the data is put back', async (t) => {
    const { server, engine, delivery, alerts, backup } = await openFull(t)
    await server.command('FLUSHALL')
    await assert.rejects(engine.queue.publish([aMessage()]), /lost its data/)
    await restore(server, backup)
    await until(
      () =>
        engine.queue.depth().then(
          () => engine.fault() === undefined,
          () => false,
        ),
      10_000,
    )
    assert.deepEqual(kindsOf(alerts), ['data-lost', 'data-back'])
    assert.equal(await engine.queue.settle(delivery, { kind: 'sent', msgid: '1' }), 'settled')
    assert.equal((await receiveNow(engine)).length, 29)
  })

  test('a start that remembers other data is refused and changes nothing', async (t) => {
    const { server, memory, open, backup } = await openFull(t)
    await server.command('FLUSHALL')
    await assert.rejects(open(), (error) => {
      assert.ok(error instanceof LostData)
      assert.match(error.message, /remove that file[\s\S]*请从备份恢复/)
      return true
    })
    assert.equal(await server.command('DBSIZE'), 0)
    await restore(server, backup)
    const again = await open()
    assert.equal((await receiveNow(again)).length, 29)
    assert.notEqual(memory.recall(), undefined)
  })

  test('who begins anew, having forgotten, is not joined by those who remember', async (t) => {
    const { server, engine, open } = await openFull(t)
    await server.command('FLUSHALL')
    const anew = await open({ memory: aMemory() })
    assert.deepEqual(await anew.queue.publish([aMessage()]), [{ kind: 'accepted' }])
    await assert.rejects(engine.queue.publish([aMessage()]), /lost its data/)
    await assert.rejects(open(), LostData)
  })

  test('one shard that is gone is enough, whoever starts', async (t) => {
    const { server, open } = await openFull(t)
    await server.command('DEL', 'hongyan:{s2}:epoch')
    await assert.rejects(open(), LostData)
    await assert.rejects(open({ memory: aMemory() }), LostData)
  })

  test('several that begin at once have one epoch, as has one that takes up a beginning cut short', async (t) => {
    const { url, command } = await startRedis(t)
    await command('SET', 'hongyan:{s3}:epoch', 'begun')
    const memories = Array.from({ length: 4 }, aMemory)
    await Promise.all(memories.map((memory) => openRedisEngine(t, { url, memory, shards: 4 })))
    assert.deepEqual(
      memories.map((memory) => memory.recall()),
      ['begun', 'begun', 'begun', 'begun'],
    )
  })
})
