import { suite, type TestContext, test } from 'node:test'
import { aMessage, official, openSimulator, templateSend } from './open.ts'

suite('the protocol', () => {
  test('an accepted message is answered with a bare msgid above 2^53 that only ever grows', async (t: TestContext) => {
    const sim = await openSimulator(t)
    const token = await sim.tokenOf()
    const first = await sim.send(token)
    const second = await sim.send(token)
    t.assert.match(first.text, /^\{"errcode":0,"errmsg":"ok","msgid":\d{19}\}$/)
    t.assert.ok(BigInt(first.msgid ?? 0) > 2n ** 53n)
    t.assert.ok(BigInt(second.msgid ?? 0) > BigInt(first.msgid ?? 0))
    t.assert.notEqual(String(JSON.parse(first.text).msgid), first.msgid, 'a JavaScript number carries it')
  })

  test('every refusal has status 200 and a rid that starts with the simulated time', async (t: TestContext) => {
    const sim = await openSimulator(t)
    await sim.advance(86_400_000)
    const { json, status } = await sim.api(templateSend, aMessage())
    t.assert.equal(status, 200)
    const rid = / rid: ([0-9a-f]{8})-[0-9a-f]{8}-[0-9a-f]{8}$/.exec(String(json.errmsg))
    const seconds = Number.parseInt(rid?.[1] ?? '', 16)
    t.assert.ok(Math.abs(seconds - (Date.now() / 1000 + 86_400)) < 60)
  })

  const message = JSON.stringify(aMessage())
  const cases: readonly [
    name: string,
    path: string,
    method: 'GET' | 'POST',
    body: string | undefined,
    errcode: number,
  ][] = [
    ['GET where POST belongs', `${templateSend}?access_token=TOKEN`, 'GET', undefined, 43002],
    ['POST where GET belongs', '/cgi-bin/token', 'POST', '{}', 43001],
    ['a path nobody knows', '/cgi-bin/nothing', 'POST', message, 40066],
    ['no token', templateSend, 'POST', message, 41001],
    ['an empty token', `${templateSend}?access_token=`, 'POST', message, 41001],
    ['an empty body', `${templateSend}?access_token=TOKEN`, 'POST', '', 44002],
    ['half a body', `${templateSend}?access_token=TOKEN`, 'POST', message.slice(0, 40), 47001],
    ['a body that is a list', `${templateSend}?access_token=TOKEN`, 'POST', '[1]', 47001],
    ['Chinese as \\uXXXX', `${templateSend}?access_token=TOKEN`, 'POST', '{"touser":"\\u4e2d"}', 47002],
    [
      'an escaped backslash before a u',
      `${templateSend}?access_token=TOKEN`,
      'POST',
      '{"touser":"\\\\u4e2d"}',
      40003,
    ],
    [
      'an escaped control character',
      `${templateSend}?access_token=TOKEN`,
      'POST',
      '{"touser":"\\u000a"}',
      40003,
    ],
    ['more than a megabyte', `${templateSend}?access_token=TOKEN`, 'POST', 'x'.repeat(1_100_000), 45002],
  ]
  for (const [name, path, method, body, errcode] of cases)
    test(`${name} is ${errcode}`, async (t: TestContext) => {
      const sim = await openSimulator(t)
      const token = await sim.tokenOf()
      const answer = await sim.api(path.replace('TOKEN', token), body, method)
      t.assert.equal(answer.json.errcode, errcode)
    })

  test('the token is checked before the body, and the method before the token', async (t: TestContext) => {
    const sim = await openSimulator(t)
    t.assert.equal((await sim.api(`${templateSend}?access_token=x`, '')).json.errcode, 40014)
    t.assert.equal((await sim.api(templateSend, undefined, 'GET')).json.errcode, 43002)
  })

  test('the first page is for people, and only when it is read', async (t: TestContext) => {
    const sim = await openSimulator(t)
    t.assert.match((await sim.api('/?m=1', undefined, 'GET')).text, /^<!doctype html>/)
    t.assert.equal((await sim.api('/', {})).json.errcode, 40066)
  })

  test('an idle socket is cut after the time that was set, without notice', {
    timeout: 10_000,
  }, async (t: TestContext) => {
    const sim = await openSimulator(t, { idleMs: 50 })
    const { connect } = await import('node:net')
    const socket = connect(Number(new URL(sim.url).port), '127.0.0.1')
    socket.setEncoding('utf8').write('GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n')
    let received = ''
    for await (const chunk of socket) received += chunk
    t.assert.match(received, /40066/)
    t.assert.doesNotMatch(received, /timeout=/i)
  })
})

suite('the APIs about the API', () => {
  test('quota/get counts sends and clear_quota starts them anew, ten times a month', async (t: TestContext) => {
    const sim = await openSimulator(t)
    const token = await sim.tokenOf()
    const quota = async () => {
      const { json } = await sim.api(`/cgi-bin/openapi/quota/get?access_token=${token}`, {
        cgi_path: templateSend,
      })
      return json.quota
    }
    await sim.send(token)
    t.assert.deepEqual(await quota(), { daily_limit: 100_000, used: 1, remain: 99_999 })
    const clear = async () =>
      (await sim.api(`/cgi-bin/clear_quota?access_token=${token}`, { appid: official.appid })).json.errcode
    for (let i = 0; i < 10; i++) t.assert.equal(await clear(), 0)
    t.assert.deepEqual(await quota(), { daily_limit: 100_000, used: 0, remain: 100_000 })
    t.assert.equal(await clear(), 48006)
  })

  test('rid/get tells what a refused request was', async (t: TestContext) => {
    const sim = await openSimulator(t)
    const token = await sim.tokenOf()
    const refused = await sim.send(token, { touser: 'nobody' })
    const rid = String(refused.json.errmsg).split('rid: ')[1]
    const { json } = await sim.api(`/cgi-bin/openapi/rid/get?access_token=${token}`, { rid })
    t.assert.equal((json.request as { response_body: string }).response_body, refused.text)
    const unknown = await sim.api(`/cgi-bin/openapi/rid/get?access_token=${token}`, { rid: 'x' })
    t.assert.equal(unknown.json.errcode, 76001)
  })
})

suite('quotas', () => {
  test('the call after the last of the day is 45009 until midnight in Beijing', async (t: TestContext) => {
    const sim = await openSimulator(t)
    await sim.admin('clock', { speed: 0 })
    await sim.admin('quotas', { appid: official.appid, path: templateSend, daily: 2 })
    const codes = async () => {
      const token = await sim.tokenOf()
      return [await sim.send(token), await sim.send(token), await sim.send(token)].map(
        ({ json }) => json.errcode,
      )
    }
    t.assert.deepEqual(await codes(), [0, 0, 45009])
    await sim.advance(86_400_000)
    t.assert.deepEqual(await codes(), [0, 0, 45009])
  })

  test('past the pace of a minute it is 45011, and the next minute is free', async (t: TestContext) => {
    const sim = await openSimulator(t)
    await sim.admin('clock', { speed: 0 })
    await sim.admin('quotas', { appid: official.appid, path: templateSend, minute: 1 })
    const token = await sim.tokenOf()
    t.assert.equal((await sim.send(token)).json.errcode, 0)
    t.assert.equal((await sim.send(token)).json.errcode, 45011)
    await sim.advance(60_000)
    t.assert.equal((await sim.send(token)).json.errcode, 0)
  })

  for (const failedCallsCount of [true, false])
    test(`a refused call ${failedCallsCount ? 'uses up' : 'costs no'} quota`, async (t: TestContext) => {
      const sim = await openSimulator(t, { switches: { failedCallsCount } })
      await sim.admin('quotas', { appid: official.appid, path: templateSend, daily: 1 })
      const token = await sim.tokenOf()
      await sim.send(token, { touser: 'nobody' })
      t.assert.equal((await sim.send(token)).json.errcode, failedCallsCount ? 45009 : 0)
    })
})
