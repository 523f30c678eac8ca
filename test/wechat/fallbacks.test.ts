import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { suite, type TestContext, test } from 'node:test'
import type { Observation } from '../../src/observe.ts'
import { createWechatClient } from '../../src/wechat/client.ts'
import { createTestClock } from '../support/clock.ts'
import { answer, type OnRequest, okBody, serve } from './raw-server.ts'

const path = '/cgi-bin/message/template/send?access_token=77_canary-token'
const ok = (socket: Socket) => void socket.write(answer(okBody))

const open = async (t: TestContext, first: OnRequest, second: OnRequest = ok) => {
  const servers = [await serve(t, first), await serve(t, second)] as const
  const observations: Observation[] = []
  const client = createWechatClient({
    origin: servers[0].origin,
    fallbacks: [servers[1].origin],
    connections: 16,
    timeoutMs: 300,
    clock: createTestClock(),
    observe: (observation) => observations.push(observation),
  })
  t.after(() => client.close())
  const alerts = () => observations.flatMap((each) => (each.kind === 'alert' ? [each] : []))
  const send = () => client.send(path, '{}')
  return { servers, client, send, alerts }
}

const ills: readonly [what: string, onRequest: OnRequest, error: string][] = [
  ['hangs', () => {}, 'timeout'],
  ['resets connections', (socket) => void socket.resetAndDestroy(), 'connection-lost'],
  ['answers 502', (socket) => void socket.write(answer('<html>', '502 Bad Gateway')), 'http-502'],
]

suite('a host that is not well', () => {
  for (const [what, onRequest, error] of ills)
    test(`and ${what}: later calls go to the next one, and none is sent twice`, async (t) => {
      const { servers, send, alerts } = await open(t, onRequest)
      const first = await Promise.all(Array.from({ length: 12 }, send))
      assert.ok(first.every(({ reply }) => reply.kind === 'in-doubt' && reply.error === error))
      assert.deepEqual([servers[0].requests.length, servers[1].requests.length], [12, 0])
      const later = await Promise.all(Array.from({ length: 5 }, send))
      assert.ok(later.every(({ reply }) => reply.kind === 'answered' && reply.errcode === 0))
      assert.deepEqual([servers[0].requests.length, servers[1].requests.length], [12, 5])
      assert.partialDeepStrictEqual(alerts(), [{ code: 'wechat-host-switched' }])
      assert.ok(alerts()[0]!.detail.includes(servers[1].origin))
      assert.ok(!JSON.stringify(alerts()).includes('canary'))
    })

  test('and refuses connections: so it goes for tokens as well as for messages', async (t) => {
    const gone = await serve(t, ok)
    const other = await serve(t, ok)
    const client = createWechatClient({
      origin: gone.origin.replace(/\d+$/, '9'),
      fallbacks: [other.origin],
      connections: 2,
      timeoutMs: 300,
      clock: createTestClock(),
    })
    t.after(() => client.close())
    for (let i = 0; i < 8; i++)
      assert.equal((await client.call({ method: 'GET', path: '/x' })).kind, 'not-sent')
    assert.equal((await client.send(path, '{}')).reply.kind, 'answered')
    assert.equal(other.requests.length, 1)
  })

  test('and says that it has no calls left is left at its first word', async (t) => {
    const full = answer('{"errcode":45104,"errmsg":"reach max domain quota limit"}')
    const { servers, send, client } = await open(t, (socket) => void socket.write(full))
    assert.partialDeepStrictEqual((await send()).reply, { kind: 'answered', errcode: 45104 })
    assert.partialDeepStrictEqual((await send()).reply, { kind: 'answered', errcode: 0 })
    assert.equal((await client.call({ method: 'GET', path: '/x' })).kind, 'answered')
    assert.deepEqual([servers[0].requests.length, servers[1].requests.length], [1, 2])
  })

  test('is asked once, by a harmless question, and used again', async (t) => {
    t.mock.method(performance, 'now', () => now)
    let now = 1000
    let well = false
    const { servers, send, alerts } = await open(t, (socket) =>
      well ? ok(socket) : void socket.write(answer('', '503 Service Unavailable')),
    )
    for (let i = 0; i < 8; i++) await send()
    well = true
    now += 30_000
    await Promise.all(Array.from({ length: 5 }, send))
    const probes = servers[0].requests.slice(8)
    assert.equal(probes.length, 1)
    assert.match(probes[0]!, /^GET \/cgi-bin\/get_api_domain_ip HTTP/)
    await send()
    assert.deepEqual(
      alerts().map(({ code }) => code),
      ['wechat-host-switched', 'wechat-host-back'],
    )
    await send()
    assert.match(servers[0].requests.at(-1)!, /^POST/)
  })
})

test('a client that was closed makes no connection to another host', async (t) => {
  const { servers, client, send } = await open(t, () => {})
  const calls = Array.from({ length: 12 }, send)
  await client.close()
  await Promise.all(calls)
  assert.equal((await send()).reply.kind, 'not-sent')
  assert.equal(servers[1].requests.length, 0)
})
