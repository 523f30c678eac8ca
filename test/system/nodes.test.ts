/** What several processes on one Redis agree on, so that nobody notices which of them he talks to. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { newKey } from '../../src/main.ts'
import { authorizationOf } from '../../src/signing.ts'
import { newMasterKey } from '../../src/vault.ts'
import { atEnd } from '../support/at-end.ts'
import { startCli } from '../support/cli.ts'
import { temporaryFolder } from '../support/folder.ts'
import { account, openNodes, statusAt } from '../support/nodes.ts'
import { goodBody } from '../support/running.ts'
import { tenant } from '../support/system.ts'
import { until } from '../support/waiting.ts'

const gatewayOnly = { HONGYAN_ROLES: 'gateway' }
const body = { ...goodBody, account: account.appid }
const aKey = () => newKey({ tenant, name: 'other', scopes: ['read'], now: Date.now() })

interface View {
  readonly id: string
  readonly state: string
  readonly duplicate: boolean
}

suite('two gateways on one redis', () => {
  test('know each other’s keys and accounts, and a key that one revokes the other refuses', async (t: TestContext) => {
    const { open } = await openNodes(t)
    const [one, two] = [await open(gatewayOnly), await open(gatewayOnly)]
    const key = aKey()
    await one.service.directory.putKey(key)
    await until(async () => (await statusAt(two.service, key)) === 200, 10_000)
    await two.api.delete(`/v1/keys/${key.id}`)
    await until(async () => (await statusAt(one.service, key)) === 401, 10_000)
    await one.api.patch(`/v1/accounts/${account.appid}`, { secret: 'another-secret' })
    await until(() => two.service.directory.account(account.appid)?.secret === 'another-secret', 10_000)
  })

  test('hear of a change although the connection that tells of it was lost', async (t: TestContext) => {
    const { open, redis } = await openNodes(t)
    const [one, two] = [await open(gatewayOnly), await open(gatewayOnly)]
    const key = aKey()
    await one.service.directory.putKey(key)
    await until(async () => (await statusAt(two.service, key)) === 200, 10_000)
    // From now on nobody can send word either.
    await redis.command('ACL', 'SETUSER', 'default', '-publish')
    await redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await one.service.directory.removeKey(key.id)
    await until(async () => (await statusAt(two.service, key)) === 401, 10_000)
  })

  test('hear of a change that was made while redis was away from one of them', async (t: TestContext) => {
    const { open, redis } = await openNodes(t)
    const [one, two] = [await open(gatewayOnly), await open(gatewayOnly)]
    await redis.kill()
    await redis.start()
    const key = aKey()
    // The connections come back by themselves, a little later than the server.
    await until(
      () =>
        one.service.directory.putKey(key).then(
          () => true,
          () => false,
        ),
      10_000,
    )
    await until(async () => (await statusAt(two.service, key)) === 200, 10_000)
  })

  test('take one message for two requests with one client_msg_id at the same moment', async (t: TestContext) => {
    const { open } = await openNodes(t)
    const nodes = [await open(gatewayOnly), await open(gatewayOnly)]
    for (let round = 0; round < 10; round++) {
      const asked = { ...body, client_msg_id: `order-${round}` }
      const answers = (await Promise.all(
        [...nodes, ...nodes].map(({ api }) => api.post('/v1/messages', asked)),
      )) as View[]
      t.assert.equal(new Set(answers.map(({ id }) => id)).size, 1)
      t.assert.ok(answers.filter(({ duplicate }) => !duplicate).length <= 1)
    }
    const { data } = (await nodes[0]!.api.get('/v1/messages')) as { data: readonly View[] }
    t.assert.equal(data.length, 10)
    const other = { ...body, client_msg_id: 'order-0', touser: 'oSomebodyElse' }
    await t.assert.rejects(
      nodes[1]!.api.post('/v1/messages', other),
      /idempotency key belongs to a message with another content/,
    )
  })

  test('serve one of two requests with one nonce', async (t: TestContext) => {
    const { open, key } = await openNodes(t)
    const nodes = [await open(gatewayOnly), await open(gatewayOnly)]
    for (let round = 0; round < 10; round++) {
      const parts = {
        ...{ method: 'GET', path: '/v1/accounts', body: '' },
        timestamp: String(Math.floor(Date.now() / 1000)),
        nonce: randomBytes(16).toString('base64url'),
      }
      const headers = { Authorization: authorizationOf(key.id, key.secrets[0]!, parts) }
      const codes = await Promise.all(
        nodes.map(async ({ service }) => {
          const response = await fetch(`${service.url}${parts.path}`, { headers })
          return response.ok ? 'served' : ((await response.json()) as { code: string }).code
        }),
      )
      t.assert.deepEqual(codes.toSorted(), ['replayed', 'served'])
    }
  })

  test('answer with the outcome of what a worker elsewhere sends', async (t: TestContext) => {
    const { open } = await openNodes(t)
    const gateway = await open(gatewayOnly)
    await open({ HONGYAN_ROLES: 'worker' })
    const answer = (await gateway.api.post('/v1/messages', body, { Prefer: 'wait=30' })) as View
    t.assert.equal(answer.state, 'sent')
    t.assert.deepEqual(
      gateway.seen.filter(({ kind }) => kind === 'settled'),
      [],
    )
  })

  test('ask WeChat for the templates of an account once', async (t: TestContext) => {
    const { open, start, sim } = await openNodes(t)
    await open(gatewayOnly)
    const syncing = { ...gatewayOnly, HONGYAN_TEMPLATE_SYNC: 'on' }
    const nodes = await Promise.all([start(syncing), start(syncing), start(syncing)])
    const listed = () =>
      nodes.every(({ directory }) =>
        directory.account(account.appid)?.templates.some(({ syncedAt }) => syncedAt !== undefined),
      )
    await until(listed, 20_000)
    const { calls } = await sim<{ calls: { path: string }[] }>('/_sim/calls')
    const asked = calls.filter(({ path }) => path.includes('get_all_private_template'))
    t.assert.equal(asked.length, 1)
  })
})

suite('the first start of several processes', () => {
  test('with master keys of their own: one starts, the others say what to do', async (t: TestContext) => {
    const { start } = await openNodes(t)
    const own = () => ({ HONGYAN_MASTER_KEY: newMasterKey() })
    const starts = await Promise.allSettled([start(own()), start(own()), start(own())])
    const reasons = starts.flatMap((each) => (each.status === 'rejected' ? [String(each.reason)] : []))
    t.assert.equal(reasons.length, 2)
    for (const reason of reasons) t.assert.match(reason, /master key is not the one.*HONGYAN_MASTER_KEY/)
  })

  test('in one home makes one master key', async (t: TestContext) => {
    const { start } = await openNodes(t)
    const home = { HONGYAN_HOME: temporaryFolder(t), HONGYAN_MASTER_KEY: '' }
    const starts = await Promise.allSettled([start(home), start(home), start(home)])
    t.assert.deepEqual(
      starts.map(({ status }) => status),
      Array(3).fill('fulfilled'),
    )
  })

  test('has one admin key, which stands in every home', async (t: TestContext) => {
    const { redis, masterKey } = await openNodes(t)
    const homes = [temporaryFolder(t), temporaryFolder(t)]
    const serving = homes.map((home) => {
      const env = { HONGYAN_HOME: home, HONGYAN_HTTP: '127.0.0.1:0', HONGYAN_ENGINE: redis.url }
      const cli = startCli(['serve'], { ...env, HONGYAN_MASTER_KEY: masterKey })
      atEnd(t, async () => {
        cli.child.kill('SIGKILL')
        await cli.ended
      })
      return cli
    })
    for (const cli of serving) await cli.says(/The first admin key is in/)
    const [one, two] = homes.map((home) => JSON.parse(readFileSync(join(home, 'admin.json'), 'utf8')))
    t.assert.equal(one.bearer, two.bearer)
    t.assert.notEqual(one.gateway, two.gateway)
  })
})
