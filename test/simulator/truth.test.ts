import { suite, type TestContext, test } from 'node:test'
import {
  aMessage,
  aSubscribeMessage,
  miniprogram,
  official,
  openSimulator,
  subscribeSend,
  templateSend,
} from './open.ts'

suite('effects and calls', () => {
  test('an effect tells who saw what, and when', async (t: TestContext) => {
    const sim = await openSimulator(t)
    const { msgid } = await sim.send(await sim.tokenOf(), { client_msg_id: 'a' })
    const { touser, template_id, data } = aMessage()
    const { json } = await sim.admin('effects')
    const [effect] = json.effects as { at: string }[]
    t.assert.deepEqual(json, {
      total: 1,
      effects: [
        { appid: official.appid, touser, template_id, client_msg_id: 'a', msgid, data, at: effect?.at },
      ],
    })
    t.assert.match(effect?.at ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  })

  test('rows can be filtered and paged; without an offset the newest come, newest last', async (t: TestContext) => {
    const sim = await openSimulator(t)
    const token = await sim.tokenOf()
    for (const client_msg_id of ['a', 'b', 'c', 'd']) await sim.send(token, { client_msg_id })
    await sim.send(token, { client_msg_id: 'e', touser: official.openids[1] })
    const ids = async (query: string) => (await sim.effects(query)).map((row) => row.client_msg_id).join('')
    t.assert.equal(await ids(''), 'abcde')
    t.assert.equal(await ids('limit=2'), 'de')
    t.assert.equal(await ids('limit=2&offset=1'), 'bc')
    t.assert.equal(await ids(`touser=${official.openids[0]}`), 'abcd')
    t.assert.equal(await ids('client_msg_id=b'), 'b')
    t.assert.equal(await ids('appid=other'), '')
    t.assert.equal(await ids('template_id=other'), '')
    t.assert.deepEqual((await sim.admin('effects?limit=0')).json, { total: 5, effects: [] })
  })

  test('every call is in the ledger, with its answer', async (t: TestContext) => {
    const sim = await openSimulator(t)
    const token = await sim.tokenOf()
    await sim.send(token, { touser: 'nobody' })
    await sim.send(token)
    const calls = await sim.calls()
    t.assert.deepEqual(
      calls.map(({ path, errcode, fault }) => [path, errcode, fault]),
      [
        ['/cgi-bin/stable_token', 0, null],
        [templateSend, 40003, null],
        [templateSend, 0, null],
      ],
    )
    t.assert.ok(calls[2]?.msgid)
  })

  test('waiting ends when the effects are there, or with 408', async (t: TestContext) => {
    const sim = await openSimulator(t)
    const token = await sim.tokenOf()
    await sim.send(token)
    const waiting = sim.admin('wait', { touser: official.openids[0], count: 2, timeout_ms: 5_000 })
    const late = await sim.admin('wait', { touser: official.openids[1], count: 1, timeout_ms: 10 })
    t.assert.equal(late.status, 408)
    await sim.send(token, { touser: official.openids[1] })
    await sim.send(token)
    const { status, json } = await waiting
    t.assert.equal(status, 200)
    t.assert.equal((json.effects as unknown[]).length, 2)
  })

  test('a reset empties the truth, but tokens still work and msgids do not come again', async (t: TestContext) => {
    const sim = await openSimulator(t)
    const token = await sim.tokenOf()
    const before = await sim.send(token, { client_msg_id: 'a' })
    await sim.advance(3_600_000)
    await sim.faults({ errcode: -1 })
    await sim.admin('recipients', { appid: official.appid, touser: official.openids[0], blocked: true })
    await sim.admin('recipients', { appid: official.appid, touser: 'oNewcomer' })
    await sim.admin('accounts', { appid: official.appid, flags: { frozen: true } })
    await sim.admin('reset', {})
    t.assert.equal((await sim.send(token, { touser: 'oNewcomer' })).json.errcode, 40003)
    await sim.admin('reset', {})
    t.assert.deepEqual((await sim.admin('effects')).json, { total: 0, effects: [] })
    t.assert.deepEqual((await sim.admin('calls')).json, { total: 0, calls: [] })
    const after = await sim.send(token, { client_msg_id: 'a' })
    t.assert.equal(after.json.errcode, 0)
    t.assert.ok(BigInt(after.msgid ?? 0) > BigInt(before.msgid ?? 0))
    t.assert.equal(await sim.tokenOf(), token)
  })

  test('the benchmark mode checks everything and keeps no bodies', async (t: TestContext) => {
    const sim = await openSimulator(t, { benchmark: true })
    const token = await sim.tokenOf()
    t.assert.equal((await sim.send(token, { data: {} })).json.errcode, 47003)
    await sim.send(token, { client_msg_id: 'a' })
    t.assert.partialDeepStrictEqual(await sim.effects(), [{ client_msg_id: 'a', data: null }])
    t.assert.deepEqual((await sim.admin('calls')).json, { total: 3, calls: [] })
  })
})

suite('the admin API', () => {
  const bad: readonly [path: string, body: unknown, error: RegExp][] = [
    ['faults', { rules: {} }, /rules must be a list/],
    ['faults', { rules: [{ errcod: 1 }] }, /errcod is not known here/],
    ['faults', { rules: [{}] }, /exactly one of/],
    ['faults', { rules: [{ errcode: 1, hang: 'before' }] }, /exactly one of/],
    ['faults', { rules: [{ hang: 'maybe' }] }, /hang must be one of before, after/],
    ['faults', { rules: [{ errcode: 1, probability: 2 }] }, /probability must be a number/],
    ['clock', {}, /advance_ms or speed is needed/],
    ['clock', { advance_ms: -1 }, /advance_ms must be/],
    ['recipients', { appid: 'nobody', touser: 'x' }, /nobody is not an account/],
    ['recipients', { appid: official.appid }, /touser is missing/],
    ['tokens/rotate', { appid: official.appid, world: 'third' }, /world must be one of/],
    ['wait', '[]', /an object is needed/],
    ['wait', '{', /not JSON/],
    ['effects?limit=many', undefined, /limit must be a whole number/],
    ['effects?tousr=x', undefined, /tousr is not known here/],
  ]
  for (const [path, body, error] of bad)
    test(`${path} ${JSON.stringify(body) ?? ''} is 400`, async (t: TestContext) => {
      const sim = await openSimulator(t)
      const answer = await sim.admin(path, body)
      t.assert.equal(answer.status, 400)
      t.assert.match(String(answer.json.error), error)
    })

  test('an unknown path is 404', async (t: TestContext) => {
    const sim = await openSimulator(t)
    const answer = await sim.admin('nothing')
    t.assert.equal(answer.status, 404)
    t.assert.equal(typeof answer.json.error, 'string')
  })

  test('one half of a bad list of rules changes nothing', async (t: TestContext) => {
    const sim = await openSimulator(t)
    await sim.faults({ errcode: 1 })
    await sim.faults({ errcode: 2 }, {})
    t.assert.deepEqual((await sim.admin('faults')).json, { rules: [{ id: 1, errcode: 1, hits: 0 }] })
  })

  test('the accounts are told with all that a client needs', async (t: TestContext) => {
    const sim = await openSimulator(t)
    const { accounts } = (await sim.admin('accounts')).json as { accounts: object[] }
    t.assert.partialDeepStrictEqual(accounts, [official, miniprogram])
  })

  test('the clock can be moved and sped up', async (t: TestContext) => {
    const sim = await openSimulator(t)
    await sim.admin('clock', { speed: 0 })
    const at = async () => Date.parse(String((await sim.admin('clock')).json.now))
    const before = await at()
    await sim.admin('clock', { advance_ms: 90_000 })
    t.assert.equal((await at()) - before, 90_000)
    t.assert.equal((await sim.admin('clock', { speed: 100 })).json.speed, 100)
  })
})

suite('closing', () => {
  test('cuts calls that hang, waiters and delays', { timeout: 5_000 }, async (t: TestContext) => {
    const sim = await openSimulator(t)
    const token = await sim.tokenOf()
    await sim.faults({ count: 1, hang: 'after' }, { latency_ms: 60_000 })
    const settled = Promise.allSettled([
      sim.send(token),
      sim.send(token),
      sim.admin('wait', { touser: 'x', count: 1, timeout_ms: 60_000 }),
    ])
    await sim.admin('wait', { count: 2, timeout_ms: 5_000 })
    await sim.close()
    for (const { status } of await settled) t.assert.equal(status, 'rejected')
  })

  test('a taken port is an error, and the admin port is given back', async (t: TestContext) => {
    const sim = await openSimulator(t)
    const taken = { host: '127.0.0.1', port: Number(new URL(sim.url).port) }
    await t.assert.rejects(openSimulator(t, { api: taken }), { code: 'EADDRINUSE' })
  })

  test('messages of both kinds of account are in one list', async (t: TestContext) => {
    const sim = await openSimulator(t)
    await sim.send(await sim.tokenOf())
    await sim.api(`${subscribeSend}?access_token=${await sim.tokenOf(miniprogram)}`, aSubscribeMessage())
    t.assert.deepEqual(
      (await sim.effects()).map(({ appid }) => appid),
      [official.appid, miniprogram.appid],
    )
  })
})
