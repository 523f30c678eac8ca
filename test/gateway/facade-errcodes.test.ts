/** Every errcode that the facade answers, with its errmsg. */
import { type TestContext, test } from 'node:test'
import { errcodeOf } from '../../src/errcodes.ts'
import type { GatewayParts } from '../../src/gateway/gateway.ts'
import type { Observation } from '../../src/observe.ts'
import {
  errmsgOf,
  facadeSend,
  openid,
  subscribePath,
  templateBody,
  templatePath,
  tokenOf,
  tokenQuery,
} from '../support/facade.ts'
import { type Ask, mini, openGateway, shop, type TestGateway } from '../support/gateway.ts'
import { together } from '../support/together.ts'

/** Answers are refusals of WeChat's: status 200, its content type, the text of the errcode and a rid. */
const isRefusal = (
  t: TestContext,
  answer: Awaited<ReturnType<TestGateway['ask']>>,
  errcode: number,
  text = errcodeOf(errcode).errmsg,
) => {
  t.assert.equal(answer.status, 200)
  t.assert.equal(answer.headers['content-type'], 'application/json; encoding=utf-8')
  t.assert.equal(answer.json.errcode, errcode, answer.text)
  t.assert.match(answer.json.errmsg, errmsgOf(text))
  t.assert.deepEqual(Object.keys(answer.json), ['errcode', 'errmsg'])
}

const query = (params: Readonly<Record<string, string>>): Ask => ({
  method: 'GET',
  path: `/cgi-bin/token?${new URLSearchParams(params)}`,
  scheme: 'none',
})
const stable = (body: unknown, method = 'POST'): Ask => ({
  method,
  path: '/cgi-bin/stable_token',
  body,
  scheme: 'none',
})
const grant_type = 'client_credential'
const { appid, secret } = shop

together('a token is refused', (check) => {
  const cases: readonly (readonly [name: string, ask: Ask, errcode: number])[] = [
    ['without a grant_type', query({ appid, secret }), 40002],
    ['for another grant_type', query({ grant_type: 'authorization_code', appid, secret }), 40002],
    ['without an appid', query({ grant_type, secret }), 41002],
    ['for an empty appid', query({ grant_type, appid: '', secret }), 41002],
    ['without a secret', query({ grant_type, appid }), 41004],
    ['for an appid that nobody has', query({ grant_type, appid: 'wx0000000000000009', secret }), 40013],
    ['for the name of an account', query({ grant_type, appid: 'shop', secret }), 40013],
    ['for a wrong secret', query({ grant_type, appid, secret: `${secret}0` }), 40125],
    ['for the secret of another account', query({ grant_type, appid, secret: mini.secret }), 40125],
    ['to a POST', { ...tokenQuery(shop), method: 'POST' }, 43001],
    ['to a DELETE', { ...tokenQuery(shop), method: 'DELETE' }, 43001],
    ['to a GET of the stable one', stable(undefined, 'GET'), 43002],
    ['to a PUT of the stable one', stable({ grant_type, appid, secret }, 'PUT'), 43002],
    ['to an empty body', stable(''), 44002],
    ['to no body', stable(undefined), 44002],
    ['to what is not JSON', stable('grant_type=client_credential'), 47001],
    ['to an array', stable([]), 47001],
    ['to a body without a grant_type', stable({ appid, secret }), 40002],
    ['to a body without an appid', stable({ grant_type, secret }), 41002],
    ['to a body with an appid that is no text', stable({ grant_type, appid: 1, secret }), 41002],
    ['to a body without a secret', stable({ grant_type, appid }), 41004],
    ['to a body with a wrong secret', stable({ grant_type, appid, secret: 'x' }), 40125],
    ['to a body with an appid that nobody has', stable({ grant_type, appid: 'wx1', secret }), 40013],
  ]
  for (const [name, ask, errcode] of cases)
    check(`${name}: ${errcode}`, async (t, gateway) => isRefusal(t, await gateway.ask(ask), errcode))

  for (const kind of ['webhook', 'component'] as const)
    check(`for an account of kind ${kind}, which is none of WeChat's senders: 40013`, async (t, gateway) => {
      await gateway.directory.putAccount({ ...shop, kind, appid: 'wx00000000000000ff', name: kind })
      isRefusal(t, await gateway.ask(query({ grant_type, appid: 'wx00000000000000ff', secret })), 40013)
    })
})

const long = (length: number) => 'x'.repeat(length)
const invalid = (reason: string) => `argument invalid! ${reason}`

together('a message is refused', (check) => {
  const data = (value: unknown) => templateBody({ data: value })
  const thing = (value: unknown) => data({ thing1: { value } })
  const bodies: readonly (readonly [name: string, body: unknown, errcode: number, text?: string])[] = [
    ['an empty body', '', 44002],
    ['no body', undefined, 44002],
    ['what is not JSON', '{"touser":', 47001],
    ['an array', [templateBody()], 47001],
    ['a number', '42', 47001],
    ['what is nested deeper than anything we take', `${'['.repeat(20)}${']'.repeat(20)}`, 47001],
    ['a byte order mark', `\ufeff${JSON.stringify(templateBody())}`, 47001],
    ['what is not UTF-8', Buffer.from('7b22c328227d', 'hex'), 47002],
    ['more than 64 KB', JSON.stringify(templateBody()).padEnd(65_537), 45002],
    ['no touser', templateBody({ touser: undefined }), 41009],
    ['an empty touser', templateBody({ touser: '' }), 41009],
    ['a touser of null', templateBody({ touser: null }), 41009],
    ['a touser that is a number', templateBody({ touser: 1 }), 40003],
    ['a touser with a blank', templateBody({ touser: 'o A' }), 40003],
    ['a touser of 65 characters', templateBody({ touser: long(65) }), 40003],
    ['no template_id', templateBody({ template_id: undefined }), 40037],
    ['an empty template_id', templateBody({ template_id: '' }), 40037],
    ['a template_id that is a number', templateBody({ template_id: 1 }), 40037],
    ['a template_id of 65 characters', templateBody({ template_id: long(65) }), 40036],
    ['no data', data(undefined), 47003, invalid('data invalid')],
    ['data that is a JSON text', data('{"thing1":{"value":"x"}}'), 47003, invalid('data invalid')],
    ['data that is an array', data([]), 47003, invalid('data invalid')],
    ['a value that is too long', thing(long(21)), 47003, invalid('data.thing1.value invalid')],
    ['a value that is empty', thing(''), 47003, invalid('data.thing1.value is empty')],
    ['a value that is null', thing(null), 47003, invalid('data.thing1.value is empty')],
    ['a value that is an object', thing({}), 47003, invalid('data.thing1.value invalid')],
    ['a value with a control character', thing('a\u0000'), 47003, invalid('data.thing1.value invalid')],
    ['a text in place of the value', data({ thing1: 'x' }), 47003, invalid('data.thing1.value is empty')],
    [
      'a reason longer than WeChat writes',
      data({ character_string1: { value: '单号' } }),
      47003,
      invalid('data.character_string1.value i'),
    ],
    ['a key with a slash', data({ 'a/b~': { value: 'x' } }), 47003, invalid('data.a/b~.value invalid')],
    ['a key that no template has', data({ 备注: { value: 'x' } }), 47003, invalid('data.备注.value invalid')],
    [
      'a number that has lost digits',
      `{"touser":"${openid}","template_id":"t","data":{"number1":{"value":12345678901234567890}}}`,
      47003,
      invalid('data.number1.value invalid'),
    ],
    ['a url of 2,049 characters', templateBody({ url: `https://a/${long(2039)}` }), 40039],
    ['a url that is none', templateBody({ url: 'javascript:alert(1)' }), 40039],
    ['a url that is a number', templateBody({ url: 1 }), 40039],
    ['a mini program without an appid', templateBody({ miniprogram: { pagepath: 'p' } }), 40166],
    ['a mini program that is a text', templateBody({ miniprogram: 'wx1' }), 40166],
    [
      'a pagepath of 1,025 characters',
      templateBody({ miniprogram: { appid: 'wx1', pagepath: long(1025) } }),
      40165,
    ],
    ['a client_msg_id of 129 characters', templateBody({ client_msg_id: long(129) }), 45067],
    ['a client_msg_id that is an object', templateBody({ client_msg_id: {} }), 40097],
    ['a client_msg_id with a line feed', templateBody({ client_msg_id: 'a\nb' }), 40097],
  ]
  for (const [name, body, errcode, text] of bodies)
    check(`${name}: ${errcode}`, async (t, gateway) => {
      isRefusal(t, await facadeSend(gateway, { body }), errcode, text)
      t.assert.deepEqual(await gateway.queue.receive({ max: 1, waitMs: 0 }), [])
    })

  check('data that lacks a key of the template: 47003', async (t, gateway) => {
    const content = '商品:{{thing1.DATA}}\n数量:{{number2.DATA}}\n备注:{{remark.DATA}}'
    await gateway.directory.putAccount({ ...shop, templates: [{ templateId: 'tpl-shipped', content }] })
    isRefusal(t, await facadeSend(gateway), 47003, invalid('data.number2.value is empty'))
    const whole = data({
      thing1: { value: 'x' },
      number2: { value: 2 },
      remark: { value: '' },
      more: { value: 'y' },
    })
    t.assert.equal((await facadeSend(gateway, { body: whole })).json.errcode, 0)
    await gateway.directory.putAccount(shop)
  })

  const once = '/cgi-bin/message/template/subscribe'
  const custom = '/cgi-bin/message/custom/send'
  const onceBody = (overrides: object) =>
    templateBody({ scene: 1000, title: '到货', data: { content: { value: '已到' } }, ...overrides })
  const text = { content: 'x' }
  const channels: readonly (readonly [
    name: string,
    path: string,
    body: object,
    errcode: number,
    text?: string,
  ])[] = [
    ['a page of 1,025 characters', subscribePath, templateBody({ page: long(1025) }), 41030],
    ['a miniprogram_state that is none', subscribePath, templateBody({ miniprogram_state: 'x' }), 40097],
    ['a lang that is none', subscribePath, templateBody({ lang: 'de' }), 40097],
    ['no scene', once, onceBody({ scene: undefined }), 40097],
    ['a scene past 10000', once, onceBody({ scene: '10001' }), 40097],
    ['a scene that is a word', once, onceBody({ scene: 'abc' }), 40097],
    ['no title', once, onceBody({ title: '' }), 40062],
    ['a title of 16 characters', once, onceBody({ title: long(16) }), 40062],
    ['data without content', once, onceBody({ data: {} }), 47003, invalid('data invalid')],
    ['no msgtype', custom, { touser: openid, text }, 40008],
    ['a msgtype that is none', custom, { touser: openid, msgtype: 'telegram', text }, 40008],
    ['a text message without text', custom, { touser: openid, msgtype: 'text' }, 40097],
    ['a text message without content', custom, { touser: openid, msgtype: 'text', text: {} }, 40097],
  ]
  for (const [name, path, body, errcode, text] of channels)
    check(`${path.slice('/cgi-bin/message/'.length)}, ${name}: ${errcode}`, async (t, gateway) =>
      isRefusal(t, await facadeSend(gateway, { path, body }), errcode, text),
    )
})

together('a call is refused', (check) => {
  const send = (path: string, rest: Ask = {}): Ask => ({
    path,
    body: templateBody(),
    scheme: 'none',
    ...rest,
  })

  check('without a token: 41001', async (t, gateway) => {
    for (const path of [templatePath, `${templatePath}?access_token=`])
      isRefusal(t, await gateway.ask(send(path)), 41001)
  })

  check('with a token of WeChat’s: 40001', async (t, gateway) =>
    isRefusal(t, await gateway.ask(send(`${templatePath}?access_token=77_${long(140)}`)), 40001),
  )

  check('before its body is looked at: 41001', async (t, gateway) =>
    isRefusal(t, await gateway.ask(send(templatePath, { body: '{' })), 41001),
  )

  check('with a GET: 43002', async (t, gateway) => {
    const path = `${templatePath}?access_token=${await tokenOf(gateway)}`
    isRefusal(t, await gateway.ask({ method: 'GET', path, scheme: 'none' }), 43002)
  })

  for (const [path, account] of [
    [subscribePath, shop],
    [templatePath, mini],
    ['/cgi-bin/message/subscribe/bizsend', mini],
    ['/cgi-bin/message/template/subscribe', mini],
  ] as const)
    check(`of ${path} for an account of kind ${account.kind}: 48001`, async (t, gateway) =>
      isRefusal(t, await facadeSend(gateway, { path, account }), 48001),
    )

  check('with a compressed body: 40221', async (t, gateway) =>
    isRefusal(t, await facadeSend(gateway, { headers: { 'Content-Encoding': 'gzip' } }), 40221),
  )

  check('of what WeChat has withdrawn: 46101, 45109', async (t, gateway) => {
    isRefusal(t, await gateway.ask(send('/cgi-bin/message/wxopen/template/send')), 46101)
    isRefusal(t, await gateway.ask(send('/cgi-bin/message/wxopen/template/uniform_send')), 45109)
  })

  for (const path of ['/cgi-bin/menu/create', '/cgi-bin/', '/cgi-bin/token/', '/cgi-bin/message/template'])
    for (const method of ['GET', 'POST'])
      check(`of ${method} ${path}, which is not of the facade: 40066`, async (t, gateway) =>
        isRefusal(t, await gateway.ask(send(path, { method })), 40066),
      )
})

/** A storage that fails, as engines name it. */
const failure = (full: boolean) => Object.assign(new Error('the reason'), { name: 'StorageFailed', full })

const faults: Readonly<
  Record<string, Partial<GatewayParts> | ((real: GatewayParts) => Partial<GatewayParts>)>
> = {
  'an answer in doubt': ({ queue }) => ({
    queue: { ...queue, publish: () => Promise.reject(failure(false)) },
  }),
  'a full disk': ({ queue }) => ({ queue: { ...queue, publish: () => Promise.reject(failure(true)) } }),
  'a fault of ours': ({ queue }) => ({
    queue: { ...queue, publish: () => Promise.reject(new Error('the reason')) },
  }),
  'too much to do': { pending: () => 1_000_000 },
}
for (const [name, parts] of Object.entries(faults))
  test(`${name} is WeChat's system error, which its clients repeat`, async (t: TestContext) => {
    const gateway = await openGateway(t, { parts: typeof parts === 'function' ? parts : () => parts })
    const seen: Observation[] = []
    gateway.observer.subscribe((each) => seen.push(each))
    const answer = await facadeSend(gateway)
    isRefusal(t, answer, -1)
    t.assert.ok(!answer.text.includes('the reason'))
    t.assert.equal(seen.filter(({ kind }) => kind === 'accepted').length, 0)
    const told = JSON.stringify(seen)
    t.assert.ok(!/access_token|1_[\w-]{100}/.test(told), 'a token is told')
  })

test('a tenant that hands over more than its limit is asked to go slower', async (t: TestContext) => {
  const gateway = await openGateway(t)
  const tenant = gateway.directory.tenant(shop.tenant)!
  await gateway.directory.putTenant({ ...tenant, limits: { messagesPerSecond: 1 } })
  t.assert.equal((await facadeSend(gateway)).json.errcode, 0)
  isRefusal(t, await facadeSend(gateway), 45011)
  gateway.clock.advance(1000)
  t.assert.equal((await facadeSend(gateway)).json.errcode, 0)
})

test('a tenant that is disabled gets no token, and sends nothing with those it has', async (t: TestContext) => {
  const gateway = await openGateway(t)
  const token = await tokenOf(gateway)
  const tenant = gateway.directory.tenant(shop.tenant)!
  await gateway.directory.putTenant({ ...tenant, disabled: true })
  isRefusal(t, await gateway.ask(tokenQuery(shop)), 50007)
  const send: Ask = { path: `${templatePath}?access_token=${token}`, body: templateBody(), scheme: 'none' }
  isRefusal(t, await gateway.ask(send), 50007)
  t.assert.deepEqual(await gateway.queue.receive({ max: 1, waitMs: 0 }), [])
})
