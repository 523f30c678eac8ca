import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import type { SimulatedAccount } from '../../src/simulator/simulator.ts'
import {
  aMessage,
  aSubscribeMessage,
  miniprogram,
  type OpenOptions,
  official,
  openSimulator,
  subscribeSend,
  templateSend,
} from './open.ts'

const platform: SimulatedAccount = {
  name: 'platform',
  appid: 'wx00000000000000f1',
  secret: 'f1000000000000000000000000000001',
  kind: 'component',
  templates: [],
  openids: [],
  authorized: [{ appid: official.appid }],
}
const component_appid = platform.appid

const open = async (t: TestContext, options: OpenOptions = {}) => {
  const sim = await openSimulator(t, { accounts: [official, miniprogram, platform], ...options })
  const ticket = async () =>
    String((await sim.admin(`component/ticket?appid=${component_appid}`)).json.component_verify_ticket)
  const tokenWith = async (component_verify_ticket: string, change: object = {}) => {
    const claim = {
      component_appid,
      component_appsecret: platform.secret,
      component_verify_ticket,
      ...change,
    }
    return (await sim.api('/cgi-bin/component/api_component_token', claim)).json
  }
  const token = String((await tokenWith(await ticket())).component_access_token)
  const ask = async (call: string, body: object = {}, given = token) =>
    (
      await sim.api(`/cgi-bin/component/${call}?component_access_token=${given}`, {
        component_appid,
        ...body,
      })
    ).json
  const refresh = (authorizer_appid: string, authorizer_refresh_token: unknown) =>
    ask('api_authorizer_token', { authorizer_appid, authorizer_refresh_token })
  const refreshTokenOf = async (authorizer_appid: string) => {
    const { authorization_info } = await ask('api_get_authorizer_info', { authorizer_appid })
    return (authorization_info as { authorizer_refresh_token: string }).authorizer_refresh_token
  }
  const authorize = async (appid: string, funcs?: number[]) =>
    (await sim.admin('component/authorize', { component_appid, appid, ...(funcs && { funcs }) })).json
  return { ...sim, ticket, tokenWith, token, ask, refresh, refreshTokenOf, authorize }
}

suite('the token of a platform', () => {
  test('takes a ticket that is not twelve hours old', async (t: TestContext) => {
    const sim = await open(t)
    const old = await sim.ticket()
    await sim.advance(11 * 3_600_000)
    await sim.admin('component/ticket', { appid: component_appid, ticket: 'ticket-2' })
    t.assert.equal(await sim.ticket(), 'ticket-2')
    t.assert.equal((await sim.tokenWith(old)).expires_in, 7200)
    await sim.advance(3_600_000)
    t.assert.equal((await sim.tokenWith(old)).errcode, 61005)
    t.assert.equal((await sim.tokenWith('other')).errcode, 61006)
    t.assert.equal((await sim.tokenWith('ticket-2')).expires_in, 7200)
  })

  const refusals: readonly [change: object, errcode: number][] = [
    [{ component_appid: '' }, 41018],
    [{ component_appid: official.appid }, 40013],
    [{ component_appsecret: 'wrong' }, 40125],
  ]
  for (const [change, errcode] of refusals)
    test(`with ${JSON.stringify(change)} is ${errcode}`, async (t: TestContext) => {
      const sim = await open(t)
      t.assert.equal((await sim.tokenWith(await sim.ticket(), change)).errcode, errcode)
    })

  test('is of another kind than those of accounts', async (t: TestContext) => {
    const sim = await open(t)
    const own = await sim.tokenOf(official)
    t.assert.equal((await sim.ask('api_create_preauthcode', {}, own)).errcode, 61014)
    t.assert.equal((await sim.ask('api_create_preauthcode', {}, '')).errcode, 41021)
    t.assert.equal(
      (await sim.api(`${templateSend}?access_token=${sim.token}`, aMessage())).json.errcode,
      61015,
    )
    const { appid, secret } = platform
    const claim = { grant_type: 'client_credential', appid, secret }
    t.assert.equal((await sim.api('/cgi-bin/stable_token', claim)).json.errcode, 61024)
    await sim.advance(7_200_000)
    t.assert.equal((await sim.ask('api_create_preauthcode')).errcode, 42006)
  })

  test('is asked for from listed addresses only', async (t: TestContext) => {
    const sim = await open(t)
    await sim.admin('accounts', { appid: component_appid, flags: { ipWhitelist: ['203.0.113.0/24'] } })
    t.assert.equal((await sim.ask('api_create_preauthcode')).errcode, 61004)
  })

  test('the push of tickets can be asked for with the secret', async (t: TestContext) => {
    const sim = await open(t)
    const start = async (component_secret: string) =>
      (await sim.api('/cgi-bin/component/api_start_push_ticket', { component_appid, component_secret })).json
    t.assert.equal((await start(platform.secret)).errcode, 0)
    t.assert.equal((await start('wrong')).errcode, 40125)
  })
})

suite('an authorisation', () => {
  test('goes from code to token to message', async (t: TestContext) => {
    const sim = await open(t)
    t.assert.equal((await sim.ask('api_create_preauthcode')).expires_in, 600)
    const { auth_code: authorization_code, expires_in } = await sim.authorize(miniprogram.appid, [18])
    t.assert.equal(expires_in, 600)
    const { authorization_info } = await sim.ask('api_query_auth', { authorization_code })
    const info = authorization_info as Record<string, unknown>
    t.assert.partialDeepStrictEqual(info, {
      authorizer_appid: miniprogram.appid,
      expires_in: 7200,
      func_info: [{ funcscope_category: { id: 18 } }],
    })
    const sent = await sim.api(
      `${subscribeSend}?access_token=${info.authorizer_access_token}`,
      aSubscribeMessage(),
    )
    t.assert.equal(sent.json.errcode, 0)
    t.assert.partialDeepStrictEqual(await sim.effects(), [{ appid: miniprogram.appid, msgid: sent.msgid }])
    t.assert.equal((await sim.ask('api_query_auth', { authorization_code })).errcode, 61009)
  })

  test('has a code that is good for ten minutes', async (t: TestContext) => {
    const sim = await open(t)
    const { auth_code: authorization_code } = await sim.authorize(miniprogram.appid)
    await sim.advance(600_000)
    t.assert.equal((await sim.ask('api_query_auth', { authorization_code })).errcode, 61010)
    t.assert.equal((await sim.ask('api_query_auth', { authorization_code: 'x' })).errcode, 61009)
  })

  test('has a refresh token that changes with each use', async (t: TestContext) => {
    const sim = await open(t)
    const first = await sim.refreshTokenOf(official.appid)
    const fresh = await sim.refresh(official.appid, first)
    t.assert.notEqual(fresh.authorizer_refresh_token, first)
    t.assert.equal((await sim.refresh(official.appid, first)).errcode, 61023)
    const again = await sim.refresh(official.appid, fresh.authorizer_refresh_token)
    for (const { authorizer_access_token: token } of [fresh, again])
      t.assert.equal((await sim.send(String(token))).json.errcode, 0, 'the old one overlaps')
    t.assert.equal((await sim.refresh('wxNobody', first)).errcode, 61003)
  })

  test('has a refresh token that stays, by switch', async (t: TestContext) => {
    const sim = await open(t, { switches: { refreshTokenRotates: false } })
    const first = await sim.refreshTokenOf(official.appid)
    t.assert.equal((await sim.refresh(official.appid, first)).authorizer_refresh_token, first)
  })

  test('never touches the tokens of the account itself', async (t: TestContext) => {
    const sim = await open(t)
    const own = await sim.tokenOf(official)
    await sim.refresh(official.appid, await sim.refreshTokenOf(official.appid))
    t.assert.equal((await sim.send(own)).json.errcode, 0)
  })

  test('without the permission set is 61007, from elsewhere 61004, withdrawn 61003', async (t: TestContext) => {
    const sim = await open(t)
    await sim.authorize(official.appid, [89])
    const refreshToken = await sim.refreshTokenOf(official.appid)
    const { authorizer_access_token: token } = await sim.refresh(official.appid, refreshToken)
    const send = async () => (await sim.send(String(token))).json.errcode
    t.assert.equal(await send(), 61007)
    await sim.authorize(official.appid, [7])
    t.assert.equal(await send(), 0)
    await sim.admin('accounts', { appid: component_appid, flags: { ipWhitelist: ['203.0.113.0/24'] } })
    t.assert.equal(await send(), 61004)
    await sim.admin('accounts', { appid: component_appid, flags: { ipWhitelist: ['127.0.0.1'] } })
    await sim.admin('component/unauthorize', { component_appid, appid: official.appid })
    t.assert.equal(await send(), 61003)
  })

  test('uses the quota of the account, and a pace of the platform’s own', async (t: TestContext) => {
    const sim = await open(t)
    await sim.admin('quotas', { appid: official.appid, path: templateSend, daily: 9, component: 1 })
    const refreshToken = await sim.refreshTokenOf(official.appid)
    const { authorizer_access_token } = await sim.refresh(official.appid, refreshToken)
    const token = String(authorizer_access_token)
    t.assert.equal((await sim.send(token)).json.errcode, 0)
    t.assert.equal((await sim.send(token)).json.errcode, 45011)
    const own = await sim.tokenOf(official)
    t.assert.equal((await sim.send(own)).json.errcode, 0)
    const path = `/cgi-bin/openapi/quota/get?access_token=${token}`
    t.assert.partialDeepStrictEqual((await sim.api(path, { cgi_path: templateSend })).json, {
      quota: { used: 2 },
      component_rate_limit: { call_count: 1, refresh_second: 60 },
    })
  })

  test('is listed, and outlives the process', async (t: TestContext) => {
    const home = await mkdtemp(join(tmpdir(), 'simulator-'))
    t.after(() => rm(home, { recursive: true }))
    const first = await open(t, { home })
    await first.authorize(miniprogram.appid)
    await first.refresh(official.appid, await first.refreshTokenOf(official.appid))
    const list = await first.ask('api_get_authorizer_list', { offset: 0, count: 500 })
    t.assert.equal(list.total_count, 2)
    await first.close()
    const second = await open(t, { home })
    t.assert.deepEqual(await second.ask('api_get_authorizer_list', { offset: 0, count: 500 }), list)
    const { list: page } = await second.ask('api_get_authorizer_list', { offset: 1, count: 1 })
    t.assert.partialDeepStrictEqual(page, [{ authorizer_appid: miniprogram.appid }])
  })
})
