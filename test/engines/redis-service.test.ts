import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { createApi } from '../../src/cli/api.ts'
import { ConfigError, readConfig } from '../../src/config.ts'
import { demoAccounts, newKey, startService } from '../../src/main.ts'
import { newMasterKey } from '../../src/vault.ts'
import { atEnd } from '../support/at-end.ts'
import { temporaryFolder } from '../support/folder.ts'
import { startRedis } from '../support/redis.ts'
import { goodBody } from '../support/running.ts'
import { anAccount, openSystem, type System, tenant } from '../support/system.ts'
import { until } from '../support/waiting.ts'

const operatorOf = async ({ service }: System) => {
  const key = newKey({ tenant, name: 'operator', scopes: ['operator'], now: Date.now() })
  await service.directory.putKey(key)
  return createApi({ url: service.url, keyId: key.id, keySecret: key.secrets[0]! })
}

interface View {
  readonly id: string
  readonly state: string
}

/** A gateway and a worker, each a service of its own, with an account that both know. */
const openTwo = async (t: TestContext) => {
  const { url } = await startRedis(t)
  const settings = { HONGYAN_ENGINE: url, HONGYAN_MASTER_KEY: newMasterKey() }
  const system = await openSystem(t, { env: { ...settings, HONGYAN_ROLES: 'gateway' } })
  const { appid, name, secret, templates } = demoAccounts[0]!
  const known = templates.map(({ template_id: templateId, alias }) => ({
    templateId,
    ...(alias && { alias }),
  }))
  await system.service.directory.putAccount(anAccount(appid, { name, secret, templates: known }))
  const worker = await startService(
    readConfig({
      ...settings,
      HONGYAN_HOME: temporaryFolder(t),
      HONGYAN_ROLES: 'worker,scheduler',
      HONGYAN_LOG: 'silent',
      HONGYAN_WECHAT: system.simulator.url,
      HONGYAN_DRAIN_MS: '1000',
    }),
    (error) => {
      throw error
    },
  )
  atEnd(t, worker.stop)
  return { system, worker, appid, name }
}

/** The whole service, several processes of it, on one Redis. */
suite('a service on redis', () => {
  test('one process takes a message in, another one sends it', async (t) => {
    const { system, appid } = await openTwo(t)
    const operator = await operatorOf(system)
    const nodesOf = async () =>
      ((await operator.get('/v1/nodes')) as { data: { roles: string[]; shards: number }[] }).data
    const body = { ...goodBody, account: appid, client_msg_id: 'order-1' }
    const accepted = (await system.api.post('/v1/messages', body)) as View
    await until(
      async () => ((await system.api.get(`/v1/messages/${accepted.id}`)) as View).state === 'sent',
      10_000,
    )
    assert.equal(((await system.api.post('/v1/messages', body)) as View).id, accepted.id)

    // Who waits for the outcome hears of it, although it comes to pass in the other process.
    await until(async () => (await nodesOf()).length === 2, 10_000)
    const urgent = { ...body, client_msg_id: 'order-2', lane: 'urgent' }
    const waited = (await system.api.post('/v1/messages', urgent, { Prefer: 'wait=20' })) as View
    assert.equal(waited.state, 'sent')

    const [gateway, other] = await nodesOf()
    assert.deepEqual(
      [gateway?.roles, gateway?.shards, other?.roles],
      [['gateway'], 0, ['worker', 'scheduler']],
    )
  })

  test('one process asks WeChat for a token, the other one sends with it', async (t) => {
    const { system, worker, appid, name } = await openTwo(t)
    const events: string[] = []
    worker.observer.subscribe((each) => void (each.kind === 'token' && events.push(each.event)))
    await system.api.post(`/v1/accounts/${name}/check`, {})
    const accepted = (await system.api.post('/v1/messages', { ...goodBody, account: appid })) as View
    await until(
      async () => ((await system.api.get(`/v1/messages/${accepted.id}`)) as View).state === 'sent',
      10_000,
    )
    assert.deepEqual(events, ['shared'])
    const { calls } = await system.sim<{ calls: readonly { path: string }[] }>('/_sim/calls?limit=1000')
    assert.equal(calls.filter(({ path }) => path === '/cgi-bin/stable_token').length, 1)
  })

  test('the setting names a Redis, or is refused', () => {
    const chosen = (HONGYAN_ENGINE: string) => readConfig({ HONGYAN_ENGINE }).engine
    const usual = { kind: 'redis', shards: undefined, replicas: 0 }
    for (const url of [
      'redis://127.0.0.1:6379',
      'rediss://user:secret@redis.internal:6380/2',
      'redis-cluster://10.0.0.1:6379,10.0.0.2:6379',
    ])
      assert.deepEqual(chosen(url), { ...usual, url })
    const settings = (env: Readonly<Record<string, string>>) => readConfig(env)
    assert.deepEqual(settings({ HONGYAN_ROLES: 'scheduler,gateway' }).roles, ['gateway', 'scheduler'])
    assert.equal(settings({ HONGYAN_BALANCE: 'round-robin' }).balance, 'round-robin')
    assert.equal(settings({ HONGYAN_NODE: 'worker-1.shop' }).node, 'worker-1.shop')
    for (const env of [{ HONGYAN_ROLES: 'sender' }, { HONGYAN_BALANCE: 'fair' }, { HONGYAN_NODE: 'a b' }])
      assert.throws(() => settings(env as Record<string, string>), ConfigError)
    const url = 'redis://127.0.0.1:6379'
    assert.deepEqual(chosen(`${url}?shards=16&replicas=1`), { ...usual, url, shards: 16, replicas: 1 })
    const wrong = ['?shards=0', '?replicas=x', '?shard=4', ',10.0.0.2'].map((end) => `${url}${end}`)
    for (const text of [...wrong, 'redis://', 'redis://a b', 'http://127.0.0.1', 'redis://host/name'])
      assert.throws(() => chosen(text), ConfigError)
  })

  test('the setting of the history names a PostgreSQL, goes with redis alone, and may come from a file', (t) => {
    const chosen = (HONGYAN_HISTORY: string, HONGYAN_ENGINE = 'redis://127.0.0.1:6379') =>
      readConfig({ HONGYAN_ENGINE, HONGYAN_HISTORY }).history
    assert.equal(chosen(''), undefined)
    const url = 'postgres://user:secret@db.internal:5432/hongyan'
    for (const good of [url, 'postgresql://db/hongyan', `${url}?sslmode=require`])
      assert.equal(chosen(good), good)
    for (const wrong of ['db', 'mysql://db/hongyan', 'postgres://', 'postgres://db', 'postgres://d b/x'])
      assert.throws(() => chosen(wrong), ConfigError)
    assert.throws(() => chosen(url, 'embedded:/tmp/x'), /embedded engine keeps its records itself/)
    assert.throws(() => readConfig({ HONGYAN_HISTORY: url }), ConfigError)
    const file = join(temporaryFolder(t), 'history')
    writeFileSync(file, `${url}\n`)
    const config = readConfig({ HONGYAN_ENGINE: 'redis://127.0.0.1:6379', HONGYAN_HISTORY_FILE: file })
    assert.equal(config.history, url)
  })
})
