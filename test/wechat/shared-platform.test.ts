/** An account of a platform on two nodes, against the simulator, where every refresh token is good for one use. */
import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { type Account, type DirectoryRecords, openDirectory } from '../../src/directory.ts'
import { systemClock } from '../../src/main.ts'
import type { SimulatedAccount } from '../../src/simulator/simulator.ts'
import { createVault, newMasterKey } from '../../src/vault.ts'
import { createWechatClient } from '../../src/wechat/client.ts'
import { createPlatforms } from '../../src/wechat/platform.ts'
import { createSharedAsk } from '../../src/wechat/shared-token.ts'
import { createTokenCentre } from '../../src/wechat/token-centre.ts'
import { createTokenSource } from '../../src/wechat/token-source.ts'
import { official, openSimulator } from '../simulator/open.ts'
import { atEnd } from '../support/at-end.ts'
import { createTestClock } from '../support/clock.ts'
import { openRedisEngine, startRedis } from '../support/redis.ts'
import { until } from '../support/waiting.ts'
import { anAccount } from './token-api.ts'

const hour = 3_600_000
const limitMs = 30_000
const { appid } = official
const platform: SimulatedAccount = {
  ...{ name: 'platform', appid: 'wx00000000000000f1', kind: 'component', templates: [], openids: [] },
  secret: 'f1000000000000000000000000000001',
}

const plain = { seal: (text: string) => text, open: (text: string) => text, isCurrent: () => true }

/** Two nodes, one store. Each knows of its accounts what it has written, or taken in with `refresh`. */
const open = async (t: TestContext) => {
  const server = await startRedis(t)
  const simulator = await openSimulator(t, { accounts: [official, platform] })
  const clock = createTestClock(Date.now())
  const vault = createVault(newMasterKey())
  const client = createWechatClient({ origin: simulator.url, connections: 8, timeoutMs: 30_000, clock })
  atEnd(t, client.close)
  const stored = new Map<string, string>()
  let ids = 0

  const openNode = async () => {
    const faults = { full: false }
    const records: DirectoryRecords = {
      list: async (kind) => (kind === 'account' ? [...stored.values()] : []),
      async put(_kind, id, value) {
        if (faults.full) throw new Error('the disk is full')
        stored.set(id, value)
      },
      remove: async () => {},
    }
    const own = await openDirectory(records, plain)
    const accountOf = own.account
    const refresh = async () => {
      for (const text of [...stored.values()]) await own.putAccount(JSON.parse(text) as Account)
    }
    const nodeClock = { now: clock.now, sleep: systemClock.sleep }
    const engine = await openRedisEngine(t, {
      ...{ url: server.url, clock: nodeClock, shards: 1, callMs: 20_000 },
      onAlert: () => {},
    })
    const shelf = engine.coordination.shelf!
    const observe = () => {}
    const directory = { ...own, refresh }
    const parts = { client, directory, clock: nodeClock, observe }
    const platforms = createPlatforms(parts, () => tokens)
    const none = async () => ({ kind: 'failed', error: 'none' }) as const
    const ask = createTokenSource({ client, askEndpoint: none, ...platforms })
    const newId = () => `question-${ids++}`
    const tokens = createTokenCentre({
      ask: createSharedAsk({ ask, shelf, vault, clock: nodeClock, newId, callMs: 10_000 }),
      ...{ accountOf, clock: nodeClock, random: () => 0.5, observe, inSteps: true, patienceMs: 60_000 },
    })
    return { tokens, platforms, directory, faults, get: () => tokens.get(appid) }
  }

  stored.set(
    platform.appid,
    JSON.stringify(
      anAccount({ appid: platform.appid, name: 'platform', kind: 'component', secret: platform.secret }),
    ),
  )
  const authorizedBy = { component: platform.appid, refreshToken: '' }
  stored.set(appid, JSON.stringify(anAccount({ appid, tokenApi: 'component', authorizedBy })))
  const [one, other] = [await openNode(), await openNode()]

  const ticket = (await simulator.admin(`component/ticket?appid=${platform.appid}`)).json
  await one.platforms.putTicket(
    platform.appid,
    String(ticket.component_verify_ticket),
    Date.parse(String(ticket.at)),
  )
  const body = { component_appid: platform.appid, appid }
  const { json } = await simulator.admin('component/authorize', body)
  assert.equal((await one.platforms.authorize(platform.appid, String(json.auth_code))).kind, 'authorized')
  return {
    ...{ one, other, clock },
    works: async (token: string) => (await simulator.send(token)).json.errcode === 0,
    callsTo: async (path: string) =>
      (await simulator.calls('limit=1000')).filter((call) => call.path === `/cgi-bin/component/${path}`)
        .length,
  }
}

suite('an account of a platform, on two nodes', () => {
  test('is asked for by one of them, and so is the platform', async (t: TestContext) => {
    const { one, other, callsTo, works } = await open(t)
    await other.directory.refresh()
    const [first, second] = await Promise.all([one.get(), other.get()])
    assert.deepEqual(first, second)
    assert.ok(first.kind === 'token' && (await works(first.token)))
    assert.equal(await callsTo('api_component_token'), 1)
    assert.equal(await callsTo('api_authorizer_token'), 1)
  })

  test('gets its tokens by turns, each node with the refresh token that the other has stored', async (t: TestContext) => {
    const { one, other, clock, works } = await open(t)
    await other.directory.refresh()
    for (const node of [one, other, other, one, other, one]) {
      const result = await node.get()
      assert.equal(result.kind, 'token', JSON.stringify(result))
      assert.ok(result.kind === 'token' && (await works(result.token)))
      clock.advance(2 * hour)
    }
  })

  test('has a refresh token stored as soon as that can be, before the node is asked again', async (t: TestContext) => {
    const { one, other, clock } = await open(t)
    await other.directory.refresh()
    one.faults.full = true
    const before = one.directory.account(appid)!.authorizedBy!.refreshToken
    one.directory.refresh = async () => {}
    assert.partialDeepStrictEqual(await one.get(), { error: 'refresh-token-unstored' })
    one.faults.full = false
    await until(() => one.directory.account(appid)!.authorizedBy!.refreshToken !== before, limitMs)
    clock.advance(10_000)
    const result = await other.get()
    assert.equal(result.kind, 'token', JSON.stringify(result))
  })
})
