import { type TestContext, test } from 'node:test'
import type { Account } from '../../src/directory.ts'
import { facadeMsgid } from '../../src/facade-msgid.ts'
import { createRecentMsgids } from '../../src/gateway/facade-send.ts'
import type { MessageId } from '../../src/message.ts'
import type { Observation } from '../../src/observe.ts'
import {
  facadeSend,
  found,
  msgidOf,
  openid,
  subscribePath,
  templateBody,
  templatePath,
} from '../support/facade.ts'
import { openGateway, shop, type TestGateway, theirShop } from '../support/gateway.ts'
import { together } from '../support/together.ts'

const messageOf = async (gateway: TestGateway, msgid: string) => {
  const [{ id }] = await found(gateway, msgid)
  return (await gateway.ask({ method: 'GET', path: `/v1/messages/${id}` })).json
}

together('a send through the facade', (check) => {
  check('is a message like any other', async (t, gateway) => {
    const answer = await facadeSend(gateway, { body: templateBody({ url: 'https://example.com/o/1' }) })
    t.assert.equal(answer.status, 200)
    t.assert.equal(answer.headers['content-type'], 'application/json; encoding=utf-8')
    t.assert.match(answer.text, /^\{"errcode":0,"errmsg":"ok","msgid":\d{18}\}$/)
    const message = await messageOf(gateway, msgidOf(answer))
    t.assert.partialDeepStrictEqual(message, {
      state: 'queued',
      account: 'shop',
      appid: shop.appid,
      channel: 'template',
      lane: 'normal',
      touser: openid,
      template_id: 'tpl-shipped',
      client_msg_id: null,
    })
    t.assert.deepEqual(message.request, {
      touser: openid,
      template_id: 'tpl-shipped',
      url: 'https://example.com/o/1',
      client_msg_id: message.wechat_client_msg_id,
      data: { thing1: { value: '乌龙茶' } },
    })
  })

  check('may name its template by its alias', async (t, gateway) => {
    const answer = await facadeSend(gateway, { body: templateBody({ template_id: 'shipped' }) })
    t.assert.equal((await messageOf(gateway, msgidOf(answer))).template_id, 'tpl-shipped')
  })

  const bodies: Readonly<Record<string, readonly [body: object, request: object]>> = {
    'a number as a value': [
      templateBody({ data: { number1: { value: 42 }, amount2: { value: 0.5 } } }),
      { data: { number1: { value: '42' }, amount2: { value: '0.5' } } },
    ],
    'colours, a topcolor and fields that nobody knows': [
      templateBody({ topcolor: '#FF0000', color: '#FF0000', appid: null, anything: { at: ['all'] } }),
      { data: { thing1: { value: '乌龙茶' } } },
    ],
    'nulls and empty texts': [
      templateBody({ url: '', miniprogram: null, client_msg_id: '' }),
      { touser: openid, template_id: 'tpl-shipped' },
    ],
    'an empty mini program': [
      templateBody({ miniprogram: { appid: '', pagepath: '' } }),
      { touser: openid, template_id: 'tpl-shipped' },
    ],
    'a mini program without a page': [
      templateBody({ miniprogram: { appid: 'wx1', pagepath: '' } }),
      { miniprogram: { appid: 'wx1' } },
    ],
    'the former name of a page': [
      templateBody({ miniprogram: { appid: 'wx1', path: 'index?a=1' } }),
      { miniprogram: { appid: 'wx1', pagepath: 'index?a=1' } },
    ],
    'empty lines of a historical template': [
      templateBody({ data: { first: { value: '' }, keyword1: { value: 'x\ny' }, remark: {} } }),
      { data: { keyword1: { value: 'x\ny' } } },
    ],
    'Chinese escaped, which WeChat would refuse': [
      { ...templateBody(), data: { thing1: { value: '\u4e4c' } } },
      { data: { thing1: { value: '乌' } } },
    ],
  }
  for (const [name, [body, request]] of Object.entries(bodies))
    check(`takes ${name}`, async (t, gateway) => {
      const text = JSON.stringify(body).replace(/乌(?=")/, '\\u4e4c')
      const answer = await facadeSend(gateway, { body: text })
      t.assert.equal(answer.json.errcode, 0, answer.text)
      t.assert.partialDeepStrictEqual((await messageOf(gateway, msgidOf(answer))).request, request)
    })

  check('takes the last of two equal keys', async (t, gateway) => {
    const body = `{"touser":"oNobody","touser":"${openid}","template_id":"shipped","data":{}}`
    const answer = await facadeSend(gateway, { body })
    t.assert.equal((await messageOf(gateway, msgidOf(answer))).touser, openid)
  })

  const contentTypes = [
    'text/plain',
    'application/json; charset=utf-8',
    'application/x-www-form-urlencoded',
    'junk',
    '',
  ]
  for (const type of contentTypes)
    check(`does not look at the content type ${JSON.stringify(type)}`, async (t, gateway) => {
      t.assert.equal((await facadeSend(gateway, { headers: { 'Content-Type': type } })).json.errcode, 0)
    })

  check('takes a body without a content type, in pieces', async (t, gateway) => {
    const { path, body } = await aTemplateAsk(gateway)
    const answer = await gateway.ask({
      path,
      body,
      scheme: 'none',
      chunked: true,
      tamper: (wire) => ({ ...wire, headers: {} }),
    })
    t.assert.equal(answer.json.errcode, 0)
  })

  check('is the same for a host that was set with a slash at its end', async (t, gateway) => {
    const { path, body } = await aTemplateAsk(gateway)
    t.assert.equal((await gateway.ask({ path: `/${path}`, body, scheme: 'none' })).json.errcode, 0)
  })

  check('keeps its connection open', async (t, gateway) => {
    const [good, bad] = [await facadeSend(gateway), await facadeSend(gateway, { body: '' })]
    for (const { headers } of [good, bad]) t.assert.equal(headers.connection, 'keep-alive')
  })

  check('is told to who listens', async (t, gateway) => {
    const seen: Observation[] = []
    const stop = gateway.observer.subscribe((each) => seen.push(each))
    const answer = await facadeSend(gateway)
    stop()
    const [{ id }] = await found(gateway, msgidOf(answer))
    t.assert.deepEqual(seen, [{ kind: 'accepted', ids: [id] }])
  })
})

const aTemplateAsk = async (gateway: TestGateway) => {
  const { json } = await gateway.ask({
    method: 'GET',
    path: `/cgi-bin/token?grant_type=client_credential&appid=${shop.appid}&secret=${shop.secret}`,
    scheme: 'none',
  })
  return { path: `${templatePath}?access_token=${json.access_token}`, body: templateBody() }
}

together('each channel has its path', (check) => {
  const cases: Readonly<Record<string, readonly [path: string, body: object, request: object]>> = {
    subscribe: [
      subscribePath,
      templateBody({ page: 'pages/x?a=1', miniprogram_state: '', lang: 'zh_CN', client_msg_id: 'ours' }),
      { touser: openid, template_id: 'tpl-shipped', page: 'pages/x?a=1', lang: 'zh_CN' },
    ],
    oa_subscribe: [
      '/cgi-bin/message/subscribe/bizsend',
      templateBody({ page: 'https://example.com/', miniprogram: { appid: 'wx1', pagepath: 'p' } }),
      { page: 'https://example.com/', miniprogram: { appid: 'wx1', pagepath: 'p' } },
    ],
    oa_once: [
      '/cgi-bin/message/template/subscribe',
      templateBody({
        scene: '1000',
        title: '到货',
        url: null,
        data: { content: { value: '已到', color: '#1' } },
      }),
      { scene: 1000, title: '到货', data: { content: { value: '已到' } } },
    ],
    customer: [
      '/cgi-bin/message/custom/send',
      {
        touser: openid,
        msgtype: 'text',
        text: { content: '您好', mentioned: null },
        image: { media_id: 'left over' },
        customservice: { kf_account: 'a@b' },
      },
      { touser: openid, msgtype: 'text', text: { content: '您好' }, customservice: { kf_account: 'a@b' } },
    ],
  }
  for (const [channel, [path, body, request]] of Object.entries(cases))
    check(channel, async (t, gateway) => {
      const answer = await facadeSend(gateway, { path, body })
      t.assert.equal(answer.json.errcode, 0, answer.text)
      const message = await messageOf(gateway, msgidOf(answer))
      t.assert.equal(message.channel, channel)
      t.assert.partialDeepStrictEqual(message.request, request)
      t.assert.equal(message.request.image, undefined)
    })
})

together('client_msg_id', (check) => {
  check('is one message, however often and with whatever body it comes', async (t, gateway) => {
    const send = (data: object) =>
      facadeSend(gateway, { body: templateBody({ client_msg_id: 'order-1', data }) })
    const first = await send({ thing1: { value: 'one' } })
    for (const value of ['one', 'two']) {
      const again = await send({ thing1: { value } })
      t.assert.equal(again.text, first.text)
    }
    t.assert.equal((await found(gateway, 'order-1')).length, 1)
    const message = await messageOf(gateway, msgidOf(first))
    t.assert.equal(message.client_msg_id, 'order-1')
    t.assert.deepEqual(message.data, { thing1: { value: 'one' } })
  })

  check('is another message for another openid, account or way of asking', async (t, gateway) => {
    const body = templateBody({ client_msg_id: '春节 1' })
    const answers = [
      await facadeSend(gateway, { body }),
      await facadeSend(gateway, { body: { ...body, touser: 'oAnother' } }),
      await facadeSend(gateway, { body, path: subscribePath }),
    ]
    t.assert.equal(new Set(answers.map(msgidOf)).size, 3)
    t.assert.equal((await found(gateway, '春节 1')).length, 3)
    const { status } = await gateway.ask({ body: { ...body, account: 'shop', client_msg_id: 'x' } })
    t.assert.equal(status, 202)
  })

  check('that is not there makes every call a message', async (t, gateway) => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => facadeSend(gateway)))
    t.assert.equal(new Set(answers.map(msgidOf)).size, 50)
  })

  check('under which twenty calls come at once is one message', async (t, gateway) => {
    const body = templateBody({ client_msg_id: 'at once' })
    const answers = await Promise.all(Array.from({ length: 20 }, () => facadeSend(gateway, { body })))
    t.assert.equal(new Set(answers.map(msgidOf)).size, 1)
  })
})

test('accounts of different tenants do not see each other', async (t: TestContext) => {
  const gateway = await openGateway(t)
  const body = templateBody({ client_msg_id: 'order-1' })
  const ours = await facadeSend(gateway, { body })
  const theirs = await facadeSend(gateway, { body, account: theirShop })
  t.assert.notEqual(msgidOf(ours), msgidOf(theirs))
  t.assert.equal((await found(gateway, 'order-1')).length, 1)
  t.assert.deepEqual(await found(gateway, msgidOf(theirs)), [])
})

test('nothing is answered before the message is durable', async (t: TestContext) => {
  const [asked, durable] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const gateway = await openGateway(t, {
    parts: ({ queue }) => ({
      queue: {
        ...queue,
        async publish(messages) {
          asked.resolve()
          await durable.promise
          return queue.publish(messages)
        },
      },
    }),
  })
  const order: string[] = []
  const answer = facadeSend(gateway).then(({ json }) => order.push(`errcode ${json.errcode}`))
  await asked.promise
  // Whatever would be answered too early would be here before a request that is sent later.
  await gateway.ask({ method: 'GET', path: '/livez', scheme: 'none' })
  order.push('durable')
  durable.resolve()
  await answer
  t.assert.deepEqual(order, ['durable', 'errcode 0'])
})

const asOther: Account = { ...shop, tenant: 'rival' }

test('a token does not outlive a change of hands', async (t: TestContext) => {
  const gateway = await openGateway(t)
  const { path, body } = await aTemplateAsk(gateway)
  await gateway.directory.putAccount(asOther)
  t.assert.equal((await gateway.ask({ path, body, scheme: 'none' })).json.errcode, 40001)
})

test('a number that has just been given is not given again', (t: TestContext) => {
  const isNew = createRecentMsgids()
  const is = (id: MessageId) => isNew(id, facadeMsgid(id))
  const [first, same, later] = [
    `msg_019cb700aa007b869edc65764c6f0145`,
    `msg_019cb700aa007fffffffffffffef0145`,
    `msg_019cb700aa017b869edc65764c6f0145`,
  ] as MessageId[]
  t.assert.equal(facadeMsgid(same!), facadeMsgid(first!))
  t.assert.deepEqual([first!, same!, later!, same!].map(is), [true, false, true, true])
})
