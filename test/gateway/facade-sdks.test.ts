/**
 * What well-known SDKs put on the wire when they get a token and send: query, headers and body in their order and with
 * their quirks, as their sources make them. Each runs on one connection, which stays open.
 */
import { type TestContext, test } from 'node:test'
import { found, openid } from '../support/facade.ts'
import { mini, openGateway, shop, type TestGateway } from '../support/gateway.ts'
import { openConnection } from '../support/wire.ts'

interface Sdk {
  readonly account: typeof shop
  /** Of the request for a token; the account's credentials stand in it. */
  readonly token: { readonly head: string; readonly body?: string }
  /** `{token}` is the one that it got, `{length}` the body's. */
  readonly send: { readonly head: string; readonly body: string }
  /** What must become of it. */
  readonly request: object
  readonly clientMsgId?: string
}

const lines = (...all: readonly string[]): string => all.join('\n')
const credentials = ({ appid, secret }: typeof shop) =>
  `grant_type=client_credential&appid=${appid}&secret=${secret}`

/** Apache HttpClient 4, Gson without HTML escaping. */
const apache = (...own: readonly string[]) =>
  lines(
    ...own,
    'Host: gateway:8080',
    'Connection: Keep-Alive',
    'User-Agent: Apache-HttpClient/4.5.13 (Java/17.0.9)',
    'Accept-Encoding: gzip,deflate',
  )

/** net/http; the encoder ends a body with a line feed. */
const go = (...own: readonly string[]) => {
  const [request = '', ...headers] = own
  return lines(
    request,
    'Host: gateway:8080',
    'User-Agent: Go-http-client/1.1',
    ...headers,
    'Accept-Encoding: gzip',
  )
}

/** Symfony's HttpClient on curl. */
const symfony = (request: string, ...headers: readonly string[]) =>
  lines(
    request,
    'Host: gateway:8080',
    ...headers,
    'User-Agent: easywechat-sdk/6.17.5.0 OS/Linux/6.1.0 curl/8.5.0',
    'Accept: */*',
    'Accept-Encoding: gzip',
  )

const requests = (request: string, ...headers: readonly string[]) =>
  lines(
    request,
    'Host: gateway:8080',
    'User-Agent: python-requests/2.32.3',
    'Accept-Encoding: gzip, deflate',
    'Accept: */*',
    'Connection: keep-alive',
    ...headers,
  )

const sdks: Readonly<Record<string, Sdk>> = {
  'WxJava, official account, a template message': {
    account: shop,
    token: { head: apache(`GET /cgi-bin/token?${credentials(shop)} HTTP/1.1`) },
    send: {
      head: apache(
        'POST /cgi-bin/message/template/send?access_token={token} HTTP/1.1',
        'Content-Length: {length}',
        'Content-Type: application/json; charset=utf-8',
      ),
      body: `{"touser":"${openid}","template_id":"tpl-shipped","client_msg_id":"order-1","url":"https://example.com/o?id=1&x=<2>","miniprogram":{"appid":"wx0123456789abcdef","pagepath":"pages/order?id=1"},"data":{"first":{"value":"您的订单已发货","color":"#173177"},"character_string1":{"value":"A-1024","color":"#173177"},"remark":{"value":""}}}`,
    },
    clientMsgId: 'order-1',
    request: {
      url: 'https://example.com/o?id=1&x=<2>',
      miniprogram: { appid: 'wx0123456789abcdef', pagepath: 'pages/order?id=1' },
      data: { first: { value: '您的订单已发货' }, character_string1: { value: 'A-1024' } },
    },
  },
  'WxJava, official account, a one-time subscription with the former name of the path': {
    account: shop,
    token: { head: apache(`GET /cgi-bin/token?${credentials(shop)} HTTP/1.1`) },
    send: {
      head: apache(
        'POST /cgi-bin/message/template/subscribe?access_token={token} HTTP/1.1',
        'Content-Length: {length}',
        'Content-Type: application/json; charset=utf-8',
      ),
      body: `{"touser":"${openid}","template_id":"tpl-shipped","miniprogram":{"appid":"wx0123456789abcdef","path":"index"},"scene":"1000","title":"到货通知","data":{"content":{"value":"您订阅的商品已到货","color":"#000000"}}}`,
    },
    request: {
      scene: 1000,
      title: '到货通知',
      miniprogram: { appid: 'wx0123456789abcdef', pagepath: 'index' },
    },
  },
  'WxJava, mini program, a subscribe message with a stable token': {
    account: mini,
    token: {
      head: apache(
        'POST /cgi-bin/stable_token HTTP/1.1',
        'Content-Length: {length}',
        'Content-Type: application/json; charset=UTF-8',
      ),
      body: `{"grant_type":"client_credential","appid":"${mini.appid}","secret":"${mini.secret}","force_refresh":false}`,
    },
    send: {
      head: apache(
        'POST /cgi-bin/message/subscribe/send?access_token={token} HTTP/1.1',
        'Content-Length: {length}',
        'Content-Type: application/json; charset=utf-8',
      ),
      body: `{"touser":"${openid}","template_id":"tpl-shipped","page":"pages/index?foo=bar","miniprogram_state":"formal","lang":"zh_CN","data":{"thing1":{"value":"武夷山大红袍"},"number2":{"value":"3"}}}`,
    },
    request: { page: 'pages/index?foo=bar', miniprogram_state: 'formal', lang: 'zh_CN' },
  },
  'EasyWeChat 6, a template message': {
    account: shop,
    token: { head: symfony(`GET /cgi-bin/token?${credentials(shop)} HTTP/1.1`) },
    send: {
      head: symfony(
        'POST /cgi-bin/message/template/send?access_token={token} HTTP/1.1',
        'Content-Type: application/json',
        'Content-Length: {length}',
      ),
      body: `{"touser":"${openid}","template_id":"tpl-shipped","url":"https:\\/\\/example.com\\/o\\/1","data":{"thing1":{"value":"武夷山大红袍"},"number2":{"value":3}}}`,
    },
    request: {
      url: 'https://example.com/o/1',
      data: { thing1: { value: '武夷山大红袍' }, number2: { value: '3' } },
    },
  },
  'silenceper/wechat, a template message, its mini program always there': {
    account: shop,
    token: { head: go(`GET /cgi-bin/token?${credentials(shop)} HTTP/1.1`) },
    send: {
      head: go(
        'POST /cgi-bin/message/template/send?access_token={token} HTTP/1.1',
        'Content-Length: {length}',
        'Content-Type: application/json;charset=utf-8',
      ),
      body: `{"touser":"${openid}","template_id":"tpl-shipped","url":"https://example.com/?a=1&b=2","data":{"thing1":{"value":"大红袍 <250g>"},"time2":{"value":"12:00","color":"#173177"}},"client_msg_id":"order-2","miniprogram":{"appid":"","pagepath":""}}\n`,
    },
    clientMsgId: 'order-2',
    request: {
      url: 'https://example.com/?a=1&b=2',
      data: { thing1: { value: '大红袍 <250g>' }, time2: { value: '12:00' } },
    },
  },
  'silenceper/wechat, a subscribe message with a stable token, empty texts and a number': {
    account: mini,
    token: {
      head: go(
        'POST /cgi-bin/stable_token HTTP/1.1',
        'Content-Length: {length}',
        'Content-Type: application/json;charset=utf-8',
      ),
      body: `{"appid":"${mini.appid}","force_refresh":false,"grant_type":"client_credential","secret":"${mini.secret}"}\n`,
    },
    send: {
      head: go(
        'POST /cgi-bin/message/subscribe/send?access_token={token} HTTP/1.1',
        'Content-Length: {length}',
        'Content-Type: application/json;charset=utf-8',
      ),
      body: `{"touser":"${openid}","template_id":"tpl-shipped","page":"","data":{"number1":{"value":7,"color":""}},"miniprogram_state":"","lang":""}\n`,
    },
    request: { touser: openid, template_id: 'tpl-shipped', data: { number1: { value: '7' } } },
  },
  'PowerWeChat, a template message, with nulls and a parameter of its own': {
    account: shop,
    token: {
      head: go(
        `GET /cgi-bin/token?appid=${shop.appid}&grant_type=client_credential&neededText=&secret=${shop.secret} HTTP/1.1`,
      ),
    },
    send: {
      head: go(
        'POST /cgi-bin/message/template/send?access_token={token} HTTP/1.1',
        'Content-Length: {length}',
        'Content-Type: application/json',
      ),
      body: `{"touser":"${openid}","template_id":"tpl-shipped","url":"","miniprogram":null,"data":{"thing1":{"value":"\\u003c大红袍\\u003e"}}}`,
    },
    request: { data: { thing1: { value: '<大红袍>' } } },
  },
  'co-wechat-api, a template message in chunks': {
    account: shop,
    token: {
      head: lines(
        `GET /cgi-bin/token?${credentials(shop)} HTTP/1.1`,
        'Host: gateway:8080',
        'Connection: keep-alive',
      ),
    },
    send: {
      head: lines(
        'POST /cgi-bin/message/template/send?access_token={token} HTTP/1.1',
        'Content-Type: application/json',
        'Accept: application/json',
        'Host: gateway:8080',
        'Connection: keep-alive',
        'Transfer-Encoding: chunked',
      ),
      body: `{"touser":"${openid}","template_id":"tpl-shipped","url":"http://weixin.qq.com/download","color":"#FF0000","data":{"user":{"value":"黄先生","color":"#173177"}}}`,
    },
    request: { url: 'http://weixin.qq.com/download', data: { user: { value: '黄先生' } } },
  },
  'wechatpy, a template message without a content type': {
    account: shop,
    token: { head: requests(`GET /cgi-bin/token?${credentials(shop)} HTTP/1.1`) },
    send: {
      head: requests(
        'POST /cgi-bin/message/template/send?access_token={token} HTTP/1.1',
        'Content-Length: {length}',
      ),
      body: `{"touser": "${openid}", "template_id": "tpl-shipped", "url": "https://example.com/o/1", "data": {"thing1": {"value": "武夷山大红袍", "color": "#173177"}}}`,
    },
    request: { url: 'https://example.com/o/1', data: { thing1: { value: '武夷山大红袍' } } },
  },
  'wechatpy, a one-time subscription with a url of null': {
    account: shop,
    token: { head: requests(`GET /cgi-bin/token?${credentials(shop)} HTTP/1.1`) },
    send: {
      head: requests(
        'POST /cgi-bin/message/template/subscribe?access_token={token} HTTP/1.1',
        'Content-Length: {length}',
      ),
      body: `{"touser": "${openid}", "template_id": "tpl-shipped", "url": null, "scene": 1000, "title": "到货通知", "data": {"content": {"value": "已到货", "color": "#000000"}}}`,
    },
    request: { scene: 1000, title: '到货通知', data: { content: { value: '已到货' } } },
  },
  'wechatpy, a subscribe message': {
    account: mini,
    token: { head: requests(`GET /cgi-bin/token?${credentials(mini)} HTTP/1.1`) },
    send: {
      head: requests(
        'POST /cgi-bin/message/subscribe/send?access_token={token} HTTP/1.1',
        'Content-Length: {length}',
      ),
      body: `{"touser": "${openid}", "template_id": "tpl-shipped", "page": "pages/index", "data": {"thing1": {"value": "武夷山大红袍"}}}`,
    },
    request: { page: 'pages/index', data: { thing1: { value: '武夷山大红袍' } } },
  },
  'wechatpy, a customer message': {
    account: shop,
    token: { head: requests(`GET /cgi-bin/token?${credentials(shop)} HTTP/1.1`) },
    send: {
      head: requests(
        'POST /cgi-bin/message/custom/send?access_token={token} HTTP/1.1',
        'Content-Length: {length}',
      ),
      body: `{"touser": "${openid}", "msgtype": "text", "text": {"content": "您好"}, "customservice": {"kf_account": "a@b"}}`,
    },
    request: { msgtype: 'text', text: { content: '您好' }, customservice: { kf_account: 'a@b' } },
  },
}

const withLength = (head: string, body = ''): string =>
  head.replace('{length}', String(Buffer.byteLength(body)))

/** In two chunks, as the bytes of a text happen to be split. */
const chunked = (body: string): string => {
  const [first, second] = [body.slice(0, 40), body.slice(40)]
  const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`
  return `${chunk(first)}${chunk(second)}0\r\n\r\n`
}

const storedBy = async (gateway: TestGateway, msgid: string) => {
  const [{ id }] = await found(gateway, msgid)
  return (await gateway.ask({ method: 'GET', path: `/v1/messages/${id}` })).json
}

for (const [name, { token, send, request, clientMsgId = null }] of Object.entries(sdks))
  test(`${name} goes through as it is`, async (t: TestContext) => {
    const gateway = await openGateway(t)
    const { exchange } = openConnection(t, gateway.port)
    const given = await exchange(withLength(token.head, token.body), token.body)
    t.assert.match(given.head, /^HTTP\/1\.1 200 OK\r\n/)
    const { access_token, expires_in } = JSON.parse(given.body)
    t.assert.ok(expires_in > 300 && expires_in <= 7200)

    const head = withLength(send.head, send.body).replace('{token}', access_token)
    const answer = await exchange(head, head.includes('chunked') ? chunked(send.body) : send.body)
    t.assert.match(answer.head, /^HTTP\/1\.1 200 OK\r\n/)
    const [, msgid] = /^\{"errcode":0,"errmsg":"ok","msgid":(\d+)\}$/.exec(answer.body) ?? []
    t.assert.ok(msgid, answer.body)
    const message = await storedBy(gateway, msgid)
    t.assert.partialDeepStrictEqual(message.request, request)
    t.assert.equal(message.client_msg_id, clientMsgId)
    for (const absent of ['miniprogram', 'url', 'page', 'lang', 'miniprogram_state'])
      if (!(absent in request)) t.assert.equal(message.request[absent], undefined, absent)
  })
