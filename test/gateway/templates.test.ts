import { suite, type TestContext, test } from 'node:test'
import type { KnownTemplate } from '../../src/directory.ts'
import type { TemplateListing } from '../../src/template-sync.ts'
import { createTemplateWatch } from '../../src/template-watch.ts'
import { aBody, mini, openGateway, shop, theirShop } from '../support/gateway.ts'

const content = '订单:{{character_string1.DATA}}\n商品:{{thing2.DATA}}\n状态:{{const3.DATA}}\n'
const good = { character_string1: 'A1', thing2: '茶', const3: '待支付' }
const order: KnownTemplate = {
  templateId: 'tpl-order',
  alias: 'order',
  title: '订单通知',
  content,
  version: 2,
  syncedAt: Date.parse('2026-03-01T00:00:00Z'),
  earlier: [{ version: 1, content: '订单:{{character_string1.DATA}}', until: 5 }],
}
const notice: KnownTemplate = {
  templateId: 'tpl-notice',
  content: '房间:{{enum1.DATA}}',
  words: { enum1: ['客厅'] },
  grants: 'once',
  syncedAt: 1,
}

/** One of a list in an answer. */
type Row = Readonly<Record<string, unknown>>

/** A gateway whose shop has templates with a text; what WeChat lists is what the test says. */
const open = async (t: TestContext) => {
  let listing: TemplateListing = { kind: 'listed', templates: [], isComplete: true, failures: [] }
  const gateway = await openGateway(t, {
    parts: ({ directory, clock, observer }) => ({
      syncTemplates: createTemplateWatch({
        directory,
        clock,
        random: () => 0.5,
        observe: observer.observe,
        list: async () => listing,
      }).sync,
    }),
  })
  await gateway.directory.putAccount({ ...shop, templates: [order, notice] })
  return {
    ...gateway,
    lists(next: TemplateListing) {
      listing = next
    },
    get: (path: string) => gateway.ask({ method: 'GET', path }),
    send: (overrides: object, path = '/v1/messages', headers = {}) =>
      gateway.ask({ path, headers, body: aBody({ template_id: 'order', data: good, ...overrides }) }),
    post: (path: string, body: object) => gateway.ask({ path: `/v1/templates/${path}`, body }),
    change: (method: string, body: object, path = 'shop/order') =>
      gateway.ask({ method, path: `/v1/templates/${path}`, body }),
  }
}

suite('a message with a template whose text is known', () => {
  test('is taken, and says nothing of warnings when there are none', async (t: TestContext) => {
    const { send } = await open(t)
    const { status, json } = await send({})
    t.assert.equal(status, 202)
    t.assert.deepEqual(Object.keys(json).toSorted(), ['duplicate', 'id', 'state'])
  })

  test('is refused for every key that is missing or wrong', async (t: TestContext) => {
    const { send } = await open(t)
    const { status, json } = await send({ data: { thing2: '字'.repeat(21), const3: 'x' } })
    t.assert.partialDeepStrictEqual(
      { status, json },
      {
        status: 400,
        json: {
          code: 'template-field',
          errors: [
            { pointer: '/data/thing2', code: 'template-field' },
            { pointer: '/data/character_string1', code: 'template-field' },
          ],
        },
      },
    )
    t.assert.match(json.errors[1].message, /character_string1 \(订单\) is missing/)
  })

  test('is held to the approved words', async (t: TestContext) => {
    const { send } = await open(t)
    const toNotice = { channel: 'oa_subscribe', template_id: 'tpl-notice' }
    t.assert.equal((await send({ ...toNotice, data: { enum1: '客厅' } })).status, 202)
    const { json } = await send({ ...toNotice, data: { enum1: '厨房' } })
    t.assert.deepEqual([json.code, json.errors[0].pointer], ['template-field', '/data/enum1'])
    t.assert.match(json.detail, /one of 客厅/)
  })

  test('warns in the language of the caller, also within an array', async (t: TestContext) => {
    const { send, ask } = await open(t)
    const data = { ...good, extra: 'x' }
    const { status, json } = await send({ data }, '/v1/messages', { 'Accept-Language': 'zh-CN' })
    t.assert.equal(status, 202)
    t.assert.partialDeepStrictEqual(json.warnings, [{ pointer: '/data/extra', code: 'unknown-key' }])
    t.assert.match(json.warnings[0].message, /模板没有 extra/)
    const many = await ask({ body: [data, good].map((each) => aBody({ template_id: 'order', data: each })) })
    t.assert.deepEqual(
      many.json.results.map(({ warnings = [] }) => warnings.length),
      [1, 0],
    )
  })

  test('can be shortened, by its own wish or by the template’s', async (t: TestContext) => {
    const { send, change, get } = await open(t)
    const data = { ...good, thing2: '字'.repeat(21) }
    const { status, json } = await send({ data, shorten: true })
    t.assert.deepEqual([status, json.warnings[0].code], [202, 'shortened'])
    const sent = await get(`/v1/messages/${json.id}`)
    t.assert.equal(sent.json.data.thing2.value, `${'字'.repeat(19)}…`)
    t.assert.equal((await send({ data })).status, 400)
    t.assert.equal((await change('PATCH', { shorten: true })).json.shorten, true)
    t.assert.equal((await send({ data })).status, 202)
    t.assert.equal((await send({ data, shorten: false })).status, 400)
  })

  test('may use the tenant’s own names', async (t: TestContext) => {
    const { send, change, get } = await open(t)
    await change('PATCH', { names: { goods: 'thing2' } })
    const { json } = await send({ data: { character_string1: 'A1', goods: '茶', const3: 'x' } })
    const sent = await get(`/v1/messages/${json.id}`)
    t.assert.deepEqual(Object.keys(sent.json.data).toSorted(), ['character_string1', 'const3', 'thing2'])
    const refused = await send({ data: { character_string1: 'A1', goods: '字'.repeat(21) } })
    t.assert.equal(refused.json.errors[0].pointer, '/data/goods')
  })

  test('shows on a dry run what the user would see', async (t: TestContext) => {
    const { send, ask } = await open(t)
    const { json } = await send({ data: { ...good, extra: 'x' } }, '/v1/messages?dry=1')
    t.assert.deepEqual(json.preview, [
      { label: '订单', value: 'A1' },
      { label: '商品', value: '茶' },
      { label: '状态', value: '待支付' },
    ])
    t.assert.equal(json.warnings[0].code, 'unknown-key')
    const many = await ask({
      path: '/v1/messages?dry=1',
      body: [aBody({ template_id: 'order', data: good })],
    })
    t.assert.equal(many.json.results[0].preview.length, 3)
    t.assert.equal((await send({ template_id: 'tpl-else' }, '/v1/messages?dry=1')).json.preview, undefined)
  })

  test('shorten is for channels that have templates', async (t: TestContext) => {
    const { ask } = await open(t)
    const { account, touser } = aBody()
    const body = {
      account,
      touser,
      channel: 'customer',
      msgtype: 'text',
      text: { content: 'x' },
      shorten: true,
    }
    t.assert.equal((await ask({ body })).json.errors[0].pointer, '/shorten')
  })
})

suite('the templates of a tenant', () => {
  test('are listed with their fields and the counts of each account', async (t: TestContext) => {
    const { get } = await open(t)
    const { status, json } = await get('/v1/templates')
    t.assert.equal(status, 200)
    t.assert.partialDeepStrictEqual(json.accounts, [
      {
        account: 'shop',
        used: { template: 1, subscribe: 1 },
        limit: 25,
        synced_at: '2026-03-01T00:00:00.000Z',
      },
      { account: 'mini', used: { template: 0, subscribe: 0 }, synced_at: null },
    ])
    t.assert.partialDeepStrictEqual(json.data[0], {
      account: 'shop',
      template_id: 'tpl-order',
      alias: 'order',
      fields: [{ key: 'character_string1', label: '订单', type: 'character_string', name: null }, {}, {}],
      when_no_grant: 'try',
      version: 2,
      earlier: [{ version: 1, drift: [{ kind: 'added', key: 'thing2' }, { key: 'const3' }] }],
    })
    const ofMini = await get('/v1/templates?account=mini')
    t.assert.deepEqual(
      ofMini.json.data.map(({ template_id, version }: Row) => [template_id, version]),
      [['tpl-shipped', 0]],
    )
  })

  test('are found by id and by alias, under the name of the account and its appid', async (t: TestContext) => {
    const { get } = await open(t)
    for (const path of ['shop/order', 'shop/tpl-order', `${shop.appid}/order`]) {
      const { status, json } = await get(`/v1/templates/${path}`)
      t.assert.deepEqual([status, json.template_id], [200, 'tpl-order'])
    }
    for (const path of [
      'shop/none',
      'none/order',
      'their-shop/tpl-shipped',
      `${theirShop.appid}/tpl-shipped`,
    ])
      t.assert.equal((await get(`/v1/templates/${path}`)).status, 404, path)
  })

  test('of somebody else are not told', async (t: TestContext) => {
    const { get, post } = await open(t)
    const body = { account: theirShop.appid }
    t.assert.equal((await get(`/v1/templates?account=${theirShop.appid}`)).status, 403)
    t.assert.equal((await post('sync', body)).status, 403)
    t.assert.equal((await post('preview', { ...body, template_id: 'x', data: {} })).status, 403)
    t.assert.equal((await post('lint', body)).status, 403)
    t.assert.equal((await post('sync', { account: 'none' })).json.code, 'account-unknown')
  })

  test('need the scope for what is asked', async (t: TestContext) => {
    const { ask } = await open(t)
    const asks: readonly [method: string, path: string, body: object | undefined, reader: number][] = [
      ['GET', '/v1/templates', undefined, 200],
      ['GET', '/v1/templates/shop/order', undefined, 200],
      ['POST', '/v1/templates/preview', { account: 'shop', template_id: 'order', data: good }, 200],
      ['POST', '/v1/templates/lint', {}, 200],
      ['POST', '/v1/templates/sync', { account: 'shop' }, 403],
      ['PUT', '/v1/templates/shop/order', {}, 403],
      ['PATCH', '/v1/templates/shop/order', {}, 403],
    ]
    for (const [method, path, body, reader] of asks) {
      t.assert.equal((await ask({ method, path, body, as: 'reader' })).status, reader, `${method} ${path}`)
      t.assert.equal((await ask({ method, path, body, as: 'sender' })).status, 403, `${method} ${path}`)
    }
  })
})

suite('what a tenant says of a template', () => {
  const all = { alias: 'o', names: { goods: 'thing2' }, when_no_grant: 'park', shorten: true }

  test('PUT sets all of it, PATCH what is named, and null takes it away', async (t: TestContext) => {
    const { change, get } = await open(t)
    t.assert.partialDeepStrictEqual((await change('PUT', all)).json, all)
    t.assert.partialDeepStrictEqual((await change('PATCH', { shorten: null }, 'shop/o')).json, {
      ...all,
      shorten: false,
    })
    const cleared = await change('PUT', { names: { goods: 'thing2' } }, 'shop/o')
    t.assert.partialDeepStrictEqual(cleared.json, { alias: null, when_no_grant: 'try', shorten: false })
    t.assert.equal(cleared.json.content, content)
    t.assert.equal((await get('/v1/templates/shop/o')).status, 404)
  })

  const refused: readonly [name: string, body: object, code: string, pointer?: string][] = [
    ['an alias of another template', { alias: 'tpl-notice' }, 'already-exists'],
    ['an alias that no address can hold', { alias: 'a/b' }, 'value-invalid', '/alias'],
    ['a name for a key that is not there', { names: { x: 'thing9' } }, 'value-invalid', '/names/x'],
    ['a name that hides a key', { names: { const3: 'thing2' } }, 'value-invalid', '/names/const3'],
    ['a name that is none', { names: { __proto__x: 'thing2' } }, 'value-invalid', '/names'],
    ['a policy that is none', { when_no_grant: 'maybe' }, 'value-invalid', '/when_no_grant'],
    ['a field that is not ours', { content: 'x' }, 'unknown-field', '/content'],
  ]
  for (const [name, body, code, pointer] of refused)
    test(`${name} is refused`, async (t: TestContext) => {
      const { change, directory } = await open(t)
      const { json } = await change('PATCH', body)
      t.assert.equal(json.code, code, JSON.stringify(json))
      if (pointer) t.assert.equal(json.errors[0].pointer, pointer)
      t.assert.deepEqual(directory.account(shop.appid)?.templates, [order, notice])
    })

  test('outlives a change of the account, a synchronisation and a restart', async (t: TestContext) => {
    const { change, ask, post, lists, directory } = await open(t)
    await change('PUT', all)
    const { name, appid, kind } = shop
    const account = await ask({ path: '/v1/accounts', body: { name, appid, kind, secret: 'another' } })
    t.assert.equal(account.status, 200)
    lists({
      kind: 'listed',
      templates: [{ templateId: 'tpl-order', content }],
      isComplete: true,
      failures: [],
    })
    t.assert.equal((await post('sync', { account: 'shop' })).status, 200)
    const { alias, names, whenNoGrant, shorten, missingSince } = directory.account(appid)!.templates[0]!
    t.assert.deepEqual({ alias, names, when_no_grant: whenNoGrant, shorten }, all)
    t.assert.equal(missingSince, undefined)
    t.assert.ok(directory.account(appid)!.templates[1]!.missingSince)
  })
})

suite('a synchronisation that somebody asks for', () => {
  test('answers what has changed', async (t: TestContext) => {
    const { post, lists } = await open(t)
    lists({
      kind: 'listed',
      templates: [
        { templateId: 'tpl-order', content: '订单:{{phrase1.DATA}}' },
        { templateId: 'tpl-new', title: '新' },
      ],
      isComplete: true,
      failures: [{ family: 'subscribe', errcode: 48001, error: 'api unauthorized' }],
    })
    const { status, json } = await post('sync', { account: 'shop' })
    t.assert.equal(status, 200)
    t.assert.partialDeepStrictEqual(json, {
      account: 'shop',
      listed: 2,
      changes: [
        { kind: 'changed', alias: 'order', drift: [{ kind: 'retyped', from: 'character_string1' }, {}, {}] },
        { kind: 'missing', template_id: 'tpl-notice' },
        { kind: 'added', template_id: 'tpl-new', title: '新' },
      ],
      failures: [{ family: 'subscribe', errcode: 48001, error: 'api unauthorized' }],
    })
  })

  test('says when WeChat refuses, and when it does not answer', async (t: TestContext) => {
    const { post, lists } = await open(t)
    lists({ kind: 'failed', failures: [{ family: 'template', errcode: 48001, error: 'api unauthorized' }] })
    const refused = await post('sync', { account: 'shop' })
    t.assert.deepEqual(
      [refused.status, refused.json.code, refused.json.errcode],
      [502, 'wechat-refused', 48001],
    )
    lists({ kind: 'failed', failures: [{ family: 'template', error: 'timeout' }] })
    const silent = await post('sync', { account: 'shop' })
    t.assert.deepEqual([silent.status, silent.json.code], [503, 'try-later'])
  })
})

suite('a preview', () => {
  test('shows the lines, the warnings and the faults, and refuses nothing', async (t: TestContext) => {
    const { post } = await open(t)
    const data = { character_string1: '单号', thing2: '', extra: 'x' }
    const { status, json } = await post('preview', { account: 'shop', template_id: 'order', data })
    t.assert.equal(status, 200)
    t.assert.deepEqual(json.lines, [
      { label: '订单', value: '单号' },
      { label: '商品', value: '' },
      { label: '状态', value: '' },
    ])
    t.assert.deepEqual(
      json.faults.map(({ pointer }: Row) => pointer),
      ['/data/character_string1', '/data/thing2'],
    )
    t.assert.deepEqual(
      json.warnings.map(({ code }: Row) => code),
      ['unknown-key', 'missing-key'],
    )
  })

  test('without the text shows the keys', async (t: TestContext) => {
    const { post } = await open(t)
    const { json } = await post('preview', {
      account: mini.name,
      template_id: 'shipped',
      data: { thing1: 'x' },
    })
    t.assert.deepEqual(json.lines, [{ label: 'thing1', value: 'x' }])
    t.assert.deepEqual(
      json.warnings.map(({ code }: Row) => code),
      ['content-unknown'],
    )
  })
})

suite('a lint', () => {
  test('looks at everything the tenant has, and at nothing else', async (t: TestContext) => {
    const { post } = await open(t)
    const { json } = await post('lint', {})
    t.assert.equal(json.templates, 3)
    t.assert.deepEqual(
      json.findings.map(({ account, template_id, code }: Row) => [account, template_id, code]),
      [['mini', 'tpl-shipped', 'content-unknown']],
    )
  })

  test('looks at data as well', async (t: TestContext) => {
    const { post } = await open(t)
    const data = { ...good, thing2: '字'.repeat(21), extra: 'x' }
    const { json } = await post('lint', { account: 'shop', template_id: 'order', data })
    t.assert.deepEqual(
      json.findings.map(({ severity, code, pointer }: Row) => [severity, code, pointer]),
      [
        ['error', 'template-field', '/data/thing2'],
        ['warning', 'unknown-key', '/data/extra'],
      ],
    )
    t.assert.equal((await post('lint', { template_id: 'order' })).json.errors[0].pointer, '/account')
    t.assert.equal((await post('lint', { account: 'shop', data })).json.errors[0].pointer, '/template_id')
  })
})
