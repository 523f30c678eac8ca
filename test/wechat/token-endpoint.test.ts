import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { createTokenCentre } from '../../src/wechat/token-centre.ts'
import { createTokenEndpoints, endpointUrl } from '../../src/wechat/token-endpoint.ts'
import { createTestClock } from '../support/clock.ts'
import { answer, type OnRequest, serve } from './raw-server.ts'
import { anAccount, appid } from './token-api.ts'

const seconds = 1000

/** A real server, and a centre whose short pauses pass by themselves. */
const open = async (t: TestContext, onRequest: OnRequest, authorization?: string) => {
  const server = await serve(t, onRequest)
  const clock = createTestClock()
  const endpoints = createTokenEndpoints({ clock, timeoutMs: 300 })
  t.after(() => endpoints.close())
  const url = `${server.origin}/tokens?shop=1#x`
  const account = anAccount({
    tokenApi: 'foreign',
    tokenEndpoint: { url, ...(authorization !== undefined && { authorization }) },
  })
  const centre = createTokenCentre({
    ask: endpoints.ask,
    accountOf: (wanted) => (wanted === appid ? account : undefined),
    clock: { ...clock, sleep: async (ms) => clock.advance(ms) },
    random: () => 0.5,
    observe: () => {},
  })
  return { server, clock, centre, get: () => centre.get(appid) }
}

const says = (body: unknown): OnRequest => {
  const bytes = answer(JSON.stringify(body))
  return (socket) => void socket.write(bytes)
}

suite('a token endpoint of the tenant', () => {
  test('is asked with its authorization, once for all', async (t) => {
    const { server, get } = await open(t, says({ access_token: 'F1', expires_in: 7200 }), 'Bearer canary')
    const results = await Promise.all(Array.from({ length: 50 }, get))
    assert.ok(results.every((result) => result.kind === 'token' && result.token === 'F1'))
    assert.equal(server.requests.length, 1)
    assert.match(server.requests[0]!, /^GET \/tokens\?shop=1 HTTP\/1\.1\r\n/)
    assert.match(server.requests[0]!, /\r\nauthorization: Bearer canary\r\n/)
  })

  test('may answer an errcode of 0 with the token', async (t) => {
    const { get } = await open(t, says({ errcode: 0, errmsg: 'ok', access_token: 'F1', expires_in: 100 }))
    assert.deepEqual(await get(), { kind: 'token', token: 'F1' })
  })

  test('that does not say how long a token lives is asked again within a minute', async (t) => {
    const { server, clock, centre, get } = await open(t, says({ access_token: 'F1' }))
    await get()
    clock.advance(30 * seconds - 1)
    assert.equal(centre.current(appid), 'F1')
    assert.equal(server.requests.length, 1)
    clock.advance(30 * seconds + 1)
    assert.equal(centre.current(appid), undefined)
    assert.deepEqual(await get(), { kind: 'token', token: 'F1' })
    assert.equal(server.requests.length, 2)
  })

  test('is looked up every five minutes, whatever it says', async (t) => {
    const { server, clock, centre, get } = await open(t, says({ access_token: 'F1', expires_in: 7200 }))
    await get()
    clock.advance(300 * seconds - 1)
    centre.current(appid)
    assert.equal(server.requests.length, 1)
    clock.advance(1)
    assert.equal(centre.current(appid), 'F1')
    await get()
    assert.deepEqual(await centre.heal(appid, 'F0'), { kind: 'token', token: 'F1' })
  })

  test('has changed the token that WeChat rejects: the new one is taken at once', async (t) => {
    let n = 1
    const { clock, centre, get } = await open(t, (socket) =>
      socket.write(answer(`{"access_token":"F${n++}","expires_in":7200}`)),
    )
    await get()
    clock.advance(60 * seconds)
    assert.deepEqual(await centre.heal(appid, 'F1'), { kind: 'token', token: 'F2' })
  })

  test('that goes on answering a token that WeChat rejects is asked more and more seldom', async (t) => {
    const { server, clock, centre, get } = await open(t, says({ access_token: 'F1', expires_in: 7200 }))
    await get()
    clock.advance(60 * seconds)
    for (const end = clock.now() + 60 * seconds; clock.now() < end; ) {
      const result = await get()
      if (result.kind === 'token') await centre.heal(appid, result.token)
      else clock.advance(result.until - clock.now())
    }
    assert.ok(server.requests.length <= 10, String(server.requests.length))
    assert.ok(server.requests.every((request) => !request.includes('force')))
  })

  test('that refuses in the manner of WeChat is not asked again soon', async (t) => {
    const { server, get } = await open(t, says({ errcode: 40164, errmsg: 'invalid ip 203.0.113.9' }))
    for (let i = 0; i < 20; i++)
      assert.partialDeepStrictEqual(await get(), { kind: 'unavailable', errcode: 40164 })
    assert.equal(server.requests.length, 1)
  })

  const hostile: readonly [what: string, onRequest: OnRequest][] = [
    ['a page', (socket) => void socket.write(answer('<html>'))],
    ['a list', says([1])],
    ['nothing', (socket) => void socket.write(answer(''))],
    ['a status', (socket) => void socket.write(answer('{"access_token":"F1"}', '500 Oh'))],
    ['a redirect', (socket) => void socket.write(answer('', '302 Found', 'location: /other\r\n'))],
    ['a token that cannot be written', (socket) => void socket.write(answer('{"access_token":"\\ud800"}'))],
    ['a token with a line break', says({ access_token: 'F1\r\nx: y' })],
    ['a token without end', says({ access_token: 'x'.repeat(1025) })],
    ['a token that is no text', says({ access_token: { a: 1 } })],
    ['a life in the past', says({ access_token: 'F1', expires_in: -1 })],
    ['a life that is no number', says({ access_token: 'F1', expires_in: '7200' })],
    ['more than 64 KB', says({ access_token: 'F1', more: 'x'.repeat(70_000) })],
    ['a reset', (socket) => void socket.resetAndDestroy()],
    ['no answer', () => {}],
  ]
  for (const [what, onRequest] of hostile)
    test(`that answers ${what} gives no token, is asked once, and nothing of it is told`, async (t) => {
      const { server, get } = await open(t, onRequest, 'Bearer canary')
      const result = await get()
      assert.partialDeepStrictEqual(result, { kind: 'unavailable', error: 'token-endpoint-failed' })
      await get()
      assert.equal(server.requests.length, 1)
      assert.ok(!JSON.stringify(result).includes('canary'))
    })
})

test('only http and https addresses without a password are asked', () => {
  const bad = [
    '',
    'x',
    'file:///etc/passwd',
    'ftp://a',
    'data:text/plain,x',
    'http://u@a',
    'http://u:p@a',
    '//a',
  ]
  assert.deepEqual(
    bad.map(endpointUrl),
    bad.map(() => undefined),
  )
  assert.equal(endpointUrl('https://a/b?c')?.href, 'https://a/b?c')
})
