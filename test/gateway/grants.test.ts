import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import type { GrantChange } from '../../src/grants.ts'
import { mini, openGateway, shop, type TestGateway } from '../support/gateway.ts'

const touser = 'oABCDEFGHIJKLMNOPQRSTUVWXYZ0'
const target = { account: 'mini', touser, template_id: 'shipped' }

const report = (gateway: TestGateway, body: unknown) => gateway.ask({ path: '/v1/grants', body })

const books = async (gateway: TestGateway, account = 'mini') => {
  const { json } = await gateway.ask({
    method: 'GET',
    path: `/v1/grants?account=${account}&touser=${touser}`,
  })
  return json.data as readonly Record<string, unknown>[]
}

suite('the books over HTTP', () => {
  test('what a page reports adds up, and is shown', async (t) => {
    const gateway = await openGateway(t)
    for (let n = 0; n < 2; n++) {
      const answer = await report(gateway, { ...target, result: 'accept' })
      assert.deepEqual([answer.status, answer.json], [200, { counted: true, released: 0 }])
    }
    const [grant, ...others] = await books(gateway)
    assert.deepEqual(others, [])
    const { updated_at: _, ...rest } = grant!
    assert.deepEqual(rest, {
      account: 'mini',
      touser,
      template_id: 'tpl-shipped',
      kind: 'subscribe',
      name: null,
      left: 2,
      reserved: 0,
      used: 0,
      expires_at: null,
    })
  })

  test('nothing new is taken while too much waits for the disk', async (t) => {
    const gateway = await openGateway(t, { parts: () => ({ pending: () => 1_000_000 }) })
    const answer = await report(gateway, { ...target, add: 1 })
    assert.deepEqual([answer.status, answer.json.code], [503, 'overloaded'])
    assert.deepEqual(await books(gateway), [])
  })

  test('a no counts nothing, and takes nothing away', async (t) => {
    const gateway = await openGateway(t)
    await report(gateway, { ...target, add: 3 })
    for (const result of ['reject', 'ban', 'filter'])
      assert.deepEqual((await report(gateway, { ...target, result })).json, {
        ...{ counted: false, reason: 'nothing-granted', released: 0 },
      })
    assert.equal((await books(gateway))[0]?.left, 3)
  })

  test('where the callbacks tell of popups, a page’s report does not count again', async (t) => {
    const gateway = await openGateway(t)
    const callback = { token: 'tok', aesKeys: [], mode: 'plain' } as const
    await gateway.directory.putAccount({ ...mini, callback })
    const told = await report(gateway, { ...target, result: 'accept' })
    assert.deepEqual(told.json, { counted: false, reason: 'told-by-callbacks', released: 0 })
    await gateway.directory.putAccount({ ...mini, callback, grantsFrom: 'reports' })
    assert.equal((await report(gateway, { ...target, result: 'accept' })).json.counted, true)
  })

  test('a long-term template is good for any number', async (t) => {
    const gateway = await openGateway(t)
    const templates = [{ templateId: 'tpl-shipped', alias: 'shipped', grants: 'lasting' as const }]
    await gateway.directory.putAccount({ ...mini, templates })
    await report(gateway, { ...target, result: 'accept' })
    assert.equal((await books(gateway))[0]?.left, null)
  })

  test('the same report within an hour counts once', async (t) => {
    const gateway = await openGateway(t)
    const body = { ...target, result: 'accept', report_id: 'r-1' }
    assert.equal((await report(gateway, body)).json.counted, true)
    assert.deepEqual((await report(gateway, body)).json, { counted: false, reason: 'repeated', released: 0 })
    assert.equal((await books(gateway))[0]?.left, 1)
  })

  test('by hand: set, lasting, withdraw, a scene, form ids', async (t) => {
    const gateway = await openGateway(t)
    for (const [way, left] of [
      [{ set: 5 }, 5],
      [{ add: 2 }, 7],
      [{ lasting: true }, null],
      [{ withdraw: true }, 0],
    ] as const) {
      await report(gateway, { ...target, ...way })
      assert.equal((await books(gateway))[0]?.left, left, JSON.stringify(way))
    }
    await report(gateway, { account: 'shop', touser, template_id: 'shipped', scene: 1000 })
    assert.deepEqual(
      (await books(gateway, 'shop')).map(({ kind, name, left }) => ({ kind, name, left })),
      [{ kind: 'scene', name: '1000', left: 1 }],
    )
    await report(gateway, { account: 'mini', touser, form_id: 'f1' })
    await report(gateway, { account: 'mini', touser, prepay_id: 'p1' })
    const forms = (await books(gateway)).filter(({ kind }) => kind === 'form')
    assert.deepEqual(
      forms.map(({ name, left, template_id }) => ({ name, left, template_id })),
      [
        { name: 'f1', left: 1, template_id: null },
        { name: 'p1', left: 3, template_id: null },
      ],
    )
  })

  test('many at once: good ones do not suffer for bad ones', async (t) => {
    const gateway = await openGateway(t)
    const { status, json } = await report(gateway, [
      { ...target, result: 'accept' },
      { ...target, account: 'nobody', result: 'accept' },
      { ...target },
    ])
    assert.equal(status, 200)
    assert.deepEqual(
      json.results.map((result: Record<string, unknown>) => result.counted ?? result.code),
      [true, 'account-unknown', 'value-invalid'],
    )
  })

  test('a message that was parked for want of a grant goes on with the next one', async (t) => {
    const gateway = await openGateway(t)
    const templates = [{ templateId: 'tpl-shipped', alias: 'shipped', whenNoGrant: 'park' as const }]
    await gateway.directory.putAccount({ ...mini, templates })
    await gateway.ask({ body: { ...target, data: { thing1: 'x' } } })
    const [delivery] = await gateway.queue.receive({ max: 1, waitMs: 0 })
    assert.deepEqual(delivery?.grant, { kind: 'none' })
    await gateway.queue.settle(delivery!, {
      ...{ kind: 'parked', reason: 'no-grant', inDoubt: false, until: gateway.clock.now() + 1e9 },
      condition: `grant ${mini.appid} ${touser} tpl-shipped`,
    })
    assert.deepEqual((await report(gateway, { ...target, result: 'accept' })).json, {
      counted: true,
      released: 1,
    })
    assert.equal((await gateway.queue.receive({ max: 1, waitMs: 0 })).length, 1)
  })

  const refused: readonly (readonly [string, object, string])[] = [
    ['no way to grant', target, 'value-invalid'],
    ['two ways at once', { ...target, add: 1, set: 1 }, 'value-invalid'],
    ['a template is missing', { account: 'mini', touser, add: 1 }, 'missing-field'],
    [
      'an end where there is none',
      { ...target, add: 1, expires_at: '2030-01-01T00:00:00Z' },
      'unknown-field',
    ],
    [
      'a form id that ends too late',
      { account: 'mini', touser, form_id: 'f', expires_at: '2100-01-01T00:00:00Z' },
      'expires-range',
    ],
    ['no openid', { ...target, touser: 'not an openid', add: 1 }, 'openid-invalid'],
    ['somebody else’s account', { ...target, account: 'wx0000000000000003', add: 1 }, 'forbidden'],
    ['too many', { ...target, add: 1001 }, 'value-invalid'],
    ['a field nobody knows', { ...target, add: 1, left: 5 }, 'unknown-field'],
  ]
  for (const [what, body, code] of refused)
    test(`refuses ${what}`, async (t) => {
      const gateway = await openGateway(t)
      assert.equal((await report(gateway, body)).json.code, code)
      assert.deepEqual(await books(gateway), [])
    })
})

suite('could this be sent now?', () => {
  const check = async (gateway: TestGateway, body: object) => {
    const { status, json } = await gateway.ask({ path: '/v1/check', body })
    assert.equal(status, 200)
    for (const { why, next_step } of json.reasons) assert.ok(why.zh && why.en && next_step.zh && next_step.en)
    return { answer: json.answer, codes: json.reasons.map(({ code }: { code: string }) => code) }
  }
  const grant = (gateway: TestGateway, change: Partial<GrantChange>) =>
    gateway.recipients.note({
      account: mini.appid,
      keys: [],
      grants: [
        {
          account: mini.appid,
          touser,
          templateId: 'tpl-shipped',
          kind: 'subscribe',
          ...change,
        } as GrantChange,
      ],
    })
  const open = (t: TestContext) => openGateway(t)

  test('yes, when nothing speaks against it', async (t) => {
    const gateway = await open(t)
    const answer = await check(gateway, { account: 'shop', touser, template_id: 'shipped' })
    assert.deepEqual(answer, { answer: 'yes', codes: ['nothing-against'] })
  })

  test('no, to somebody who has left', async (t) => {
    const gateway = await open(t)
    const contact = { touser, at: gateway.clock.now(), following: false }
    await gateway.recipients.note({ account: shop.appid, keys: [], grants: [], contact })
    const answer = await check(gateway, { account: 'shop', touser, template_id: 'shipped' })
    assert.deepEqual(answer, { answer: 'no', codes: ['not-following'] })
  })

  test('unknown without books, yes with a grant, no once it is spent', async (t) => {
    const gateway = await open(t)
    assert.deepEqual(await check(gateway, target), { answer: 'unknown', codes: ['grant-unknown'] })
    await grant(gateway, { change: 'add', count: 1 })
    assert.deepEqual(await check(gateway, target), { answer: 'yes', codes: ['granted'] })
    await grant(gateway, { change: 'withdraw' })
    assert.deepEqual(await check(gateway, target), { answer: 'no', codes: ['no-grant'] })
  })

  test('a customer message needs an open window', async (t) => {
    const gateway = await open(t)
    const body = { account: 'shop', touser, channel: 'customer' }
    assert.deepEqual(await check(gateway, body), { answer: 'unknown', codes: ['window-unknown'] })
    await gateway.directory.putAccount({ ...shop, callback: { token: 't', aesKeys: [], mode: 'plain' } })
    assert.deepEqual(await check(gateway, body), { answer: 'no', codes: ['window-closed'] })
    const expiresAt = gateway.clock.now() + 60_000
    const window = { account: shop.appid, touser, templateId: '', kind: 'window', name: 'message' } as const
    await gateway.recipients.note({
      ...{ account: shop.appid, keys: [] },
      grants: [{ ...window, change: 'set', count: 5, expiresAt }],
    })
    assert.deepEqual(await check(gateway, body), { answer: 'yes', codes: ['granted'] })
    gateway.clock.advance(60_000)
    assert.deepEqual(await check(gateway, body), { answer: 'no', codes: ['window-closed'] })
  })

  test('no, while the account is held back, with the reason first', async (t) => {
    const hold = { until: Date.now() + 60_000, reason: 'errcode-45009' }
    const gateway = await openGateway(t, { parts: () => ({ holdOver: () => hold }) })
    const answer = await check(gateway, target)
    assert.deepEqual(answer, { answer: 'no', codes: ['errcode-45009', 'grant-unknown'] })
  })

  test('no, when WeChat does not list the template any more', async (t) => {
    const gateway = await open(t)
    const templates = [{ templateId: 'tpl-shipped', alias: 'shipped', missingSince: 1 }]
    await gateway.directory.putAccount({ ...shop, templates })
    const answer = await check(gateway, { account: 'shop', touser, template_id: 'shipped' })
    assert.deepEqual(answer, { answer: 'no', codes: ['template-missing'] })
  })

  test('no, through an API that WeChat has taken away', async (t) => {
    const gateway = await open(t)
    assert.equal((await check(gateway, { ...target, channel: 'form' })).answer, 'no')
  })

  test('is not asked of an account of others, or through a channel it does not have', async (t) => {
    const gateway = await open(t)
    const code = async (body: object) => (await gateway.ask({ path: '/v1/check', body })).json.code
    assert.equal(await code({ ...target, account: 'wx0000000000000003' }), 'forbidden')
    assert.equal(await code({ ...target, channel: 'template' }), 'channel-mismatch')
    assert.equal(await code({ account: 'mini', touser }), 'missing-field')
  })
})
