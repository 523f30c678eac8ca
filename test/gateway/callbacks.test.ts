import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { callbackSignature, encryptMessage, messageKeyOf } from '../../src/message-crypto.ts'
import type { Observation } from '../../src/observe.ts'
import { aBody, mini, openGateway, shop, type TestGateway } from '../support/gateway.ts'
import { until } from '../support/waiting.ts'

const token = 'callback-token'
const aesKey = 'SimKey0SimKey1SimKey2SimKey3SimKey4SimKey50'
const touser = 'oABCDEFGHIJKLMNOPQRSTUVWXYZ0'

interface Push {
  readonly account?: string
  readonly fields: Readonly<Record<string, string | number>>
  /** Further elements. */
  readonly more?: string
  readonly mode?: 'plain' | 'safe'
  readonly with?: string
  readonly nonce?: string
  readonly damage?: (body: string) => string
}

/** A gateway whose accounts have callbacks, and what it observes. */
const open = async (t: TestContext, options: Parameters<typeof openGateway>[1] = {}) => {
  const gateway = await openGateway(t, options)
  const safe = { token, aesKeys: [aesKey], mode: 'safe' } as const
  await gateway.directory.putAccount({ ...shop, callback: safe })
  await gateway.directory.putAccount({ ...mini, callback: { token, aesKeys: [], mode: 'plain' } })
  const seen: Observation[] = []
  gateway.observer.subscribe((observation) => seen.push(observation))
  return { ...gateway, seen }
}

const xmlOf = (fields: Push['fields'], more: string): string =>
  `<xml>${Object.entries({ ToUserName: 'gh_0123456789ab', FromUserName: touser, ...fields })
    .map(([name, value]) =>
      typeof value === 'number' ? `<${name}>${value}</${name}>` : `<${name}><![CDATA[${value}]]></${name}>`,
    )
    .join('')}${more}</xml>`

let count = 0

/** One push as WeChat sends it. */
const push = (
  { ask, clock }: TestGateway,
  { account = shop.appid, fields, mode = 'safe', ...rest }: Push,
) => {
  const seconds = Math.floor(clock.now() / 1000)
  const { nonce = String(++count), damage = (text: string) => text, more = '', with: secret = token } = rest
  const xml = xmlOf({ CreateTime: seconds, MsgType: 'event', ...fields }, more)
  const timestamp = String(seconds)
  const query = new URLSearchParams({
    signature: callbackSignature(secret, timestamp, nonce),
    timestamp,
    nonce,
  })
  let body = xml
  if (mode === 'safe') {
    const random = Buffer.from(String(count).padStart(16, '0'))
    const sealed = encryptMessage(messageKeyOf(aesKey)!, { message: xml, appid: account }, random)
    query.set('encrypt_type', 'aes')
    query.set('msg_signature', callbackSignature(secret, timestamp, nonce, sealed))
    body = `<xml><ToUserName><![CDATA[gh_0123456789ab]]></ToUserName><Encrypt><![CDATA[${sealed}]]></Encrypt></xml>`
  }
  return ask({
    path: `/callbacks/${account}?${query}`,
    scheme: 'none',
    headers: { 'Content-Type': 'text/xml' },
    body: damage(body),
  })
}

const receiptFields = (msgid: string, status = 'success') => ({
  ...{ Event: 'TEMPLATESENDJOBFINISH', Status: status },
  MsgID: msgid,
})

/** A template message that WeChat has accepted under this number. */
const sendOne = async (gateway: TestGateway, msgid: string): Promise<string> => {
  const { json } = await gateway.ask({ body: aBody() })
  const [delivery] = await gateway.queue.receive({ max: 1, waitMs: 0 })
  await gateway.queue.settle(delivery!, { kind: 'sent', msgid })
  return json.id
}

const stateOf = async ({ ask }: TestGateway, id: string) => {
  const { json } = await ask({ method: 'GET', path: `/v1/messages/${id}` })
  return { state: json.state, reason: json.reason }
}

const callbacksOf = (seen: readonly Observation[]) =>
  seen.flatMap((each) => (each.kind === 'callback' ? [{ result: each.result, what: each.what }] : []))

suite('what WeChat pushes', () => {
  test('the address is checked by its echo', async (t) => {
    const gateway = await open(t)
    const echo = (query: Record<string, string>) =>
      gateway.ask({
        method: 'GET',
        scheme: 'none',
        path: `/callbacks/${shop.appid}?${new URLSearchParams(query)}`,
      })
    const signature = callbackSignature(token, '1714036504', '1514711492')
    const given = { signature, timestamp: '1714036504', nonce: '1514711492', echostr: '<b>4375120948</b>' }
    const good = await echo(given)
    assert.deepEqual([good.status, good.text], [200, '<b>4375120948</b>'])
    assert.match(good.headers['content-type']!, /^text\/plain/)
    assert.equal(good.headers['x-content-type-options'], 'nosniff')
    const bad = await echo({ ...given, nonce: '1' })
    assert.deepEqual([bad.status, bad.text], [403, ''])
  })

  test('a receipt sharpens its message and is observed', async (t) => {
    const gateway = await open(t)
    const id = await sendOne(gateway, '3557254367693750277')
    const answer = await push(gateway, { fields: receiptFields('3557254367693750277') })
    assert.deepEqual([answer.status, answer.text], [200, 'success'])
    assert.deepEqual(await stateOf(gateway, id), { state: 'delivered', reason: null })
    assert.deepEqual(callbacksOf(gateway.seen), [{ result: 'taken', what: 'receipt' }])
    assert.ok(gateway.seen.some((each) => each.kind === 'sharpened' && each.id === id))
  })

  test('a receipt says why the user has not got it, in both languages', async (t) => {
    const gateway = await open(t)
    const id = await sendOne(gateway, '1001')
    await push(gateway, { fields: receiptFields('1001', 'failed:user block') })
    const { json } = await gateway.ask({ method: 'GET', path: `/v1/messages/${id}` })
    assert.deepEqual([json.state, json.reason], ['undelivered', 'user block'])
    assert.match(json.explanation.zh, /拒收|屏蔽/)
    assert.match(json.explanation.en, /block/)
    assert.ok(json.explanation.next_step.zh && json.explanation.next_step.en)
    assert.deepEqual(json.timeline.map(({ event }: { event: string }) => event).slice(-2), [
      'sent',
      'undelivered',
    ])
  })

  test('Prefer: wait hears of a receipt that settles a doubt', async (t) => {
    const gateway = await open(t)
    const safe = { token, aesKeys: [aesKey], mode: 'safe' } as const
    await gateway.directory.putAccount({ ...mini, callback: safe })
    const answer = gateway.ask({
      headers: { Prefer: 'wait=20' },
      body: aBody({ account: 'mini' }),
    })
    const [delivery] = await gateway.queue.receive({ max: 1, waitMs: 5000 })
    const later = gateway.clock.now() + 120_000
    await gateway.queue.settle(delivery!, {
      kind: 'parked',
      until: later,
      reason: 'awaiting-receipt',
      inDoubt: true,
    })
    const item = '<TemplateId>tpl-shipped</TemplateId><MsgID>5</MsgID><ErrorCode>0</ErrorCode>'
    await push(gateway, {
      account: mini.appid,
      fields: { Event: 'subscribe_msg_sent_event' },
      more: `<SubscribeMsgSentEvent><List>${item}<ErrorStatus>success</ErrorStatus></List></SubscribeMsgSentEvent>`,
    })
    assert.equal((await answer).json.state, 'delivered')
  })

  test('follow, unfollow and a message are remembered of their user', async (t) => {
    const gateway = await open(t)
    const who = { account: shop.appid, touser }
    await push(gateway, { fields: { Event: 'subscribe' } })
    assert.equal((await gateway.recipients.contact(who))?.following, true)
    await push(gateway, { fields: { MsgType: 'text', Content: '你好', MsgId: '7' } })
    assert.ok((await gateway.recipients.contact(who))?.interactedAt)
    const windows = await gateway.recipients.grants(who)
    assert.deepEqual(
      windows.map(({ kind, name, left }) => ({ kind, name, left })),
      [
        { kind: 'window', name: 'follow', left: 3 },
        { kind: 'window', name: 'message', left: 5 },
      ],
    )
    gateway.clock.advance(1000)
    await push(gateway, { fields: { Event: 'unsubscribe' } })
    assert.equal((await gateway.recipients.contact(who))?.following, false)
  })

  test('the third push of an event is answered like the first and counts no more', async (t) => {
    const gateway = await open(t)
    const fields = { MsgType: 'text', Content: '你好', MsgId: '7' }
    for (let n = 0; n < 3; n++) assert.equal((await push(gateway, { fields })).text, 'success')
    assert.deepEqual(
      callbacksOf(gateway.seen).map(({ result }) => result),
      ['taken', 'repeated', 'repeated'],
    )
  })

  test('in plain mode a forged unfollow, refusal or doubt-settling receipt takes nothing away', async (t) => {
    const gateway = await open(t)
    const who = { account: mini.appid, touser }
    const plain = { account: mini.appid, mode: 'plain' } as const
    await push(gateway, { ...plain, fields: { Event: 'subscribe' } })
    gateway.clock.advance(1000)
    await push(gateway, { ...plain, fields: { Event: 'unsubscribe' } })
    assert.equal((await gateway.recipients.contact(who))?.following, true)
  })

  test('what a platform is told counts only where WeChat has signed it', async (t) => {
    const told: string[] = []
    const gateway = await open(t, {
      parts: ({ callbacks }) => ({
        callbacks: {
          ...callbacks,
          onPlatformEvent: async (_, { kind }) => {
            told.push(kind)
          },
        },
      }),
    })
    const fields = { InfoType: 'unauthorized', AuthorizerAppid: shop.appid }
    assert.equal((await push(gateway, { account: mini.appid, mode: 'plain', fields })).text, 'success')
    assert.deepEqual(told, [])
    await push(gateway, { fields })
    assert.deepEqual(told, ['unauthorized'])
  })

  test('in plain mode one signed address serves one event', async (t) => {
    const gateway = await open(t)
    const plain = { account: mini.appid, mode: 'plain', nonce: 'the-same' } as const
    await push(gateway, { ...plain, fields: { MsgType: 'text', Content: 'a', MsgId: '1' } })
    await push(gateway, { ...plain, fields: { MsgType: 'text', Content: 'b', MsgId: '2' } })
    assert.deepEqual(
      callbacksOf(gateway.seen).map(({ result }) => result),
      ['taken', 'repeated'],
    )
  })

  test('an account whose mode is safe refuses what is plain, and says so to us alone', async (t) => {
    const gateway = await open(t)
    const answer = await push(gateway, { mode: 'plain', fields: { Event: 'unsubscribe' } })
    assert.deepEqual([answer.status, answer.text], [403, ''])
    assert.ok(gateway.seen.some((each) => each.kind === 'alert' && each.code === 'callback-downgraded'))
    assert.equal(await gateway.recipients.contact({ account: shop.appid, touser }), undefined)
  })

  test('an unknown account, one without callbacks, and a wrong token are refused alike', async (t) => {
    const gateway = await open(t)
    const answers = await Promise.all([
      push(gateway, { account: 'wx00000000000000ff', fields: { Event: 'subscribe' } }),
      push(gateway, { account: 'wx0000000000000003', fields: { Event: 'subscribe' } }),
      push(gateway, { fields: { Event: 'subscribe' }, with: 'another-token' }),
    ])
    assert.deepEqual(
      answers.map(({ status, text }) => [status, text]),
      Array(3).fill([403, '']),
    )
  })

  test('too large is 413, unreadable is 400, and neither says a word', async (t) => {
    const gateway = await open(t)
    const plain = { account: mini.appid, mode: 'plain', fields: { Event: 'subscribe' } } as const
    const large = await push(gateway, { ...plain, damage: (body) => body.padEnd(64 * 1024 + 1) })
    assert.deepEqual([large.status, large.text], [413, ''])
    const dtd = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    const bad = await push(gateway, { ...plain, damage: (body) => dtd + body })
    assert.deepEqual([bad.status, bad.text], [400, ''])
  })

  test('what cannot be kept is not answered with success', async (t) => {
    const gateway = await open(t, {
      parts: ({ recipients }) => ({
        recipients: { ...recipients, note: () => Promise.reject(new Error('no disk')) },
      }),
    })
    const answer = await push(gateway, { fields: { Event: 'subscribe' } })
    assert.deepEqual([answer.status, answer.text], [503, ''])
    assert.ok(gateway.seen.some((each) => each.kind === 'alert' && each.code === 'callback-failed'))
  })

  test('who waits for a disk that does not answer is told to push again, in time', async (t) => {
    const gateway = await open(t, {
      parts: ({ recipients }) => ({ recipients: { ...recipients, note: () => new Promise(() => {}) } }),
    })
    const answer = push(gateway, { fields: { Event: 'subscribe' } })
    await until(() => gateway.clock.asleep() > 0, 3000)
    gateway.clock.advance(4500)
    assert.equal((await answer).status, 503)
  })
})
