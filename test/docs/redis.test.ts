import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import type { Alert, RedisEngine } from '../../src/engines/redis/redis.ts'
import { temporaryFolder } from '../support/folder.ts'
import { aMessage } from '../support/messages.ts'
import { openRedisEngine, type RedisServer, startRedis } from '../support/redis.ts'
import { until } from '../support/waiting.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/redis.md'), 'utf8')
const limitMs = 20_000
const backlog = 20

const blocksOf = (language: string): readonly string[] =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, block]) => block!)

/** Runs a block on a server of the test: only where it is, and how it is started and stopped, is another. */
const run = async (block: string, server: RedisServer, backups: string): Promise<void> => {
  const shell = (script: string) =>
    execFileSync('bash', ['-euo', 'pipefail', '-c', script], { encoding: 'utf8', stdio: 'pipe' })
  const parts = block
    .replaceAll('/var/lib/redis', server.folder)
    .replaceAll('/var/backups/redis', backups)
    .replaceAll('redis-cli', `redis-cli -e -p ${new URL(server.url).port}`)
    .split(/^sudo systemctl (stop|start) redis-server\n/m)
  for (const part of parts) {
    if (part === 'stop') await server.end('SIGTERM')
    else if (part === 'start') await server.start()
    else shell(part)
  }
}

const open = async (t: TestContext) => {
  const settings = blocksOf('conf')[0]!
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .flatMap((line) => line.replace(/^/, '--').split(' '))
  const server = await startRedis(t, settings)
  const alerts: Alert[] = []
  const onAlert = (alert: Alert) => void alerts.push(alert)
  const engine = await openRedisEngine(t, { url: server.url, callMs: 1000, onAlert })
  return { server, engine, alerts, backups: temporaryFolder(t) }
}

const isLost = (engine: RedisEngine) =>
  engine.queue.depth().then(
    () => false,
    (error: unknown) => /lost its data/.test(String(error)),
  )

const waiting = ({ queue }: RedisEngine): Promise<number> =>
  queue.depth().then(
    ({ lanes }) => lanes.normal.ready,
    () => -1,
  )

suite('the page about Redis', () => {
  test('its settings leave the audit nothing to say', async (t) => {
    const { engine, alerts } = await open(t)
    assert.deepEqual(alerts, [])
    assert.deepEqual(engine.audit, { durability: 'machine', findings: [], refusals: [] })
  })

  test('its commands back the data up, and restore it in both ways', async (t) => {
    const { server, engine, alerts, backups } = await open(t)
    const [backUp, repair, putBack, ...settings] = blocksOf('sh')
    await engine.queue.publish(Array.from({ length: backlog }, (_, n) => aMessage({ touser: `o-${n}` })))
    await run(backUp!, server, backups)
    for (const restore of [repair!, putBack!]) {
      await server.command('FLUSHALL')
      await until(() => isLost(engine), limitMs)
      await run(restore, server, backups)
      await until(async () => (await waiting(engine)) === backlog, limitMs)
    }
    assert.deepEqual(
      alerts.map(({ kind }) => kind),
      ['data-lost', 'data-back', 'data-lost', 'data-back'],
    )
    for (const block of settings) await run(block, server, backups)
    assert.deepEqual(settings.length, 2)
  })

  test('names every alert of the engine', () => {
    const source = readFileSync(join(import.meta.dirname, '../../src/engines/redis/redis.ts'), 'utf8')
    const kinds = /readonly kind: ((?:'[\w-]+'(?: \| )?)+)/.exec(source)![1]!.match(/[\w-]+/g)!
    assert.ok(kinds.length > 3)
    for (const kind of kinds) assert.ok(page.includes(`\`redis-${kind}\``), kind)
  })
})
