/** An account that has authorised a platform, against the simulator, whose refresh tokens change with every use. */
import { suite, type TestContext, test } from 'node:test'
import { type DirectoryRecords, openDirectory } from '../../src/directory.ts'
import type { SimulatedAccount } from '../../src/simulator/simulator.ts'
import { createAccountCheck } from '../../src/wechat/account-check.ts'
import { createWechatClient } from '../../src/wechat/client.ts'
import { createPlatforms } from '../../src/wechat/platform.ts'
import { createTokenCentre } from '../../src/wechat/token-centre.ts'
import { createTokenSource } from '../../src/wechat/token-source.ts'
import { official, openSimulator } from '../simulator/open.ts'
import { createTestClock } from '../support/clock.ts'
import { anAccount } from './token-api.ts'

const platform: SimulatedAccount = {
  ...{ name: 'platform', appid: 'wx00000000000000f1', kind: 'component', templates: [], openids: [] },
  secret: 'f1000000000000000000000000000001',
}
const { appid } = official

const open = async (t: TestContext) => {
  const simulator = await openSimulator(t, { accounts: [official, platform] })
  const clock = createTestClock(Date.now())
  const records: DirectoryRecords = { list: async () => [], put: async () => {}, remove: async () => {} }
  const vault = { seal: (text: string) => text, open: (text: string) => text, isCurrent: () => true }
  const directory = await openDirectory(records, vault)
  await directory.putAccount(
    anAccount({ appid: platform.appid, name: 'platform', kind: 'component', secret: platform.secret }),
  )
  const authorizedBy = { component: platform.appid, refreshToken: '' }
  await directory.putAccount(anAccount({ appid, tokenApi: 'component', authorizedBy }))

  const client = createWechatClient({ origin: simulator.url, connections: 4, clock })
  t.after(() => client.close())
  const observe = () => {}
  const platforms = createPlatforms(
    { client, directory: { ...directory, refresh: async () => {} }, clock, observe },
    () => tokens,
  )
  const none = async () => ({ kind: 'failed', error: 'none' }) as const
  const accountOf = directory.account
  const tokens = createTokenCentre({
    ask: createTokenSource({ client, askEndpoint: none, ...platforms }),
    ...{ accountOf, clock, random: () => 0.5, observe },
  })
  const check = createAccountCheck({ client, tokens, accountOf })
  const takeTicket = async () => {
    const { json } = await simulator.admin(`component/ticket?appid=${platform.appid}`)
    return platforms.putTicket(
      platform.appid,
      String(json.component_verify_ticket),
      Date.parse(String(json.at)),
    )
  }
  const authorize = async () => {
    const body = { component_appid: platform.appid, appid }
    const { json } = await simulator.admin('component/authorize', body)
    return platforms.authorize(platform.appid, String(json.auth_code))
  }
  const refreshToken = () => directory.account(appid)!.authorizedBy!.refreshToken
  return {
    ...simulator,
    clock,
    tokens,
    platforms,
    check: () => check(appid),
    takeTicket,
    authorize,
    refreshToken,
  }
}

suite('an account that has authorised a platform', () => {
  test('gets tokens that work, and each refresh token that replaces another', async (t: TestContext) => {
    const { tokens, clock, check, takeTicket, authorize, refreshToken, send } = await open(t)
    t.assert.partialDeepStrictEqual(await tokens.get(appid), { error: 'authorization-missing' })
    t.assert.equal(await takeTicket(), 'taken')
    t.assert.deepEqual(await authorize(), { kind: 'authorized', appid })
    const seen = new Set([refreshToken()])
    for (let i = 0; i < 4; i++) {
      const result = await tokens.get(appid)
      t.assert.equal(result.kind, 'token')
      seen.add(refreshToken())
      if (result.kind === 'token') t.assert.equal((await send(result.token)).json.errcode, 0)
      clock.advance(2 * 3_600_000)
    }
    t.assert.equal(seen.size, 5)
    t.assert.partialDeepStrictEqual(await check(), [
      { check: 'token', level: 'ok' },
      { check: 'quota', level: 'ok' },
    ])
  })

  test('that takes it back gets none, until it authorises again', async (t: TestContext) => {
    const { tokens, clock, admin, check, takeTicket, authorize } = await open(t)
    await takeTicket()
    await authorize()
    await tokens.get(appid)
    await admin('component/unauthorize', { component_appid: platform.appid, appid })
    clock.advance(3 * 3_600_000)
    const [finding] = await check()
    t.assert.partialDeepStrictEqual(finding, { check: 'token', level: 'fault' })
    t.assert.ok([61003, 61023].includes(finding!.errcode ?? 0), String(finding!.errcode))
    t.assert.equal((await authorize()).kind, 'authorized')
    t.assert.equal((await tokens.get(appid)).kind, 'token')
  })
})
