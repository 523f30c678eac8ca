import { suite, type TestContext, test } from 'node:test'
import { miniprogram, official, openSimulator, subscribeSend, templateSend } from './open.ts'

const quotaGet = '/cgi-bin/openapi/quota/get'
const clearV2 = '/cgi-bin/clear_quota/v2'
const clearPath = '/cgi-bin/openapi/quota/clear'

suite('who gets no token by order of WeChat', () => {
  for (const errcode of [50004, 89501, 89503, 89506, 89507])
    test(`${errcode} in both worlds, until it is taken back`, async (t: TestContext) => {
      const sim = await openSimulator(t)
      const { appid, secret } = official
      const claim = { grant_type: 'client_credential', appid, secret }
      const stable = async () => (await sim.api('/cgi-bin/stable_token', claim)).json.errcode
      await sim.admin('accounts', { appid, flags: { tokenErrcode: errcode } })
      t.assert.equal(await stable(), errcode)
      t.assert.equal((await sim.plainToken()).json.errcode, errcode)
      await sim.admin('accounts', { appid, flags: { tokenErrcode: 0 } })
      t.assert.equal(await stable(), undefined)
    })
})

suite('quotas', () => {
  test('are told with their minute limit, and not of other accounts’ APIs', async (t: TestContext) => {
    const sim = await openSimulator(t)
    await sim.admin('quotas', { appid: official.appid, path: templateSend, daily: 9, minute: 5 })
    t.assert.deepEqual((await sim.as(official, quotaGet, { cgi_path: templateSend })).json, {
      errcode: 0,
      errmsg: 'ok',
      quota: { daily_limit: 9, used: 0, remain: 9 },
      rate_limit: { call_count: 5, refresh_second: 60 },
    })
    const ask = async (cgi_path: string) => (await sim.as(official, quotaGet, { cgi_path })).json.errcode
    t.assert.equal(await ask(subscribeSend), 76022)
    t.assert.equal(await ask('/cgi-bin/nothing'), 76021)
  })

  test('clear_quota takes the appid from the query too', async (t: TestContext) => {
    const sim = await openSimulator(t)
    const clear = async (appid: string) =>
      (await sim.as(official, `/cgi-bin/clear_quota?appid=${appid}`, {})).json.errcode
    t.assert.equal(await clear(official.appid), 0)
    t.assert.equal(await clear(miniprogram.appid), 40013)
  })

  test('clear_quota/v2 needs the secret and shares the ten of the month', async (t: TestContext) => {
    const sim = await openSimulator(t)
    const { appid, secret } = official
    const inQuery = async (appsecret: string) =>
      (await sim.api(`${clearV2}?appid=${appid}&appsecret=${appsecret}`, '')).json.errcode
    t.assert.equal(await inQuery('wrong'), 40125)
    for (let i = 0; i < 5; i++) t.assert.equal(await inQuery(secret), 0)
    for (let i = 0; i < 5; i++)
      t.assert.equal((await sim.api(clearV2, { appid, appsecret: secret })).json.errcode, 0)
    t.assert.equal((await sim.as(official, '/cgi-bin/clear_quota', { appid })).json.errcode, 48006)
  })

  test('quota/clear clears one API, fifty times a month', async (t: TestContext) => {
    const sim = await openSimulator(t)
    await sim.admin('quotas', { appid: official.appid, path: templateSend, daily: 1 })
    const send = async () => (await sim.send(await sim.tokenOf())).json.errcode
    t.assert.deepEqual([await send(), await send()], [0, 45009])
    const clear = async (cgi_path: string) => (await sim.as(official, clearPath, { cgi_path })).json.errcode
    t.assert.equal(await clear(templateSend), 0)
    t.assert.equal(await send(), 0)
    t.assert.equal(await clear('/cgi-bin/nothing'), 76021)
    t.assert.equal(await clear(subscribeSend), 76022)
    for (let i = 1; i < 50; i++) t.assert.equal(await clear(templateSend), 0)
    t.assert.equal(await clear(templateSend), 45009)
  })
})

suite('addresses', () => {
  test('are listed without an errcode', async (t: TestContext) => {
    const sim = await openSimulator(t)
    for (const path of ['/cgi-bin/getcallbackip', '/cgi-bin/get_api_domain_ip']) {
      t.assert.deepEqual((await sim.as(official, path)).json, { ip_list: ['127.0.0.1', '::1'] })
      t.assert.equal((await sim.api(path, undefined, 'GET')).json.errcode, 41001)
      t.assert.equal((await sim.as(official, path, {})).json.errcode, 43001)
    }
  })

  test('callback/check answers what was asked for', async (t: TestContext) => {
    const sim = await openSimulator(t)
    const check = async (body: object) => (await sim.as(official, '/cgi-bin/callback/check', body)).json
    t.assert.deepEqual(Object.keys(await check({ action: 'all' })), ['errcode', 'errmsg', 'dns', 'ping'])
    t.assert.deepEqual(Object.keys(await check({ action: 'dns' })), ['errcode', 'errmsg', 'dns'])
    t.assert.equal((await check({ action: 'x' })).errcode, 40202)
    t.assert.equal((await check({ action: 'all', check_operator: 'x' })).errcode, 40203)
  })
})
