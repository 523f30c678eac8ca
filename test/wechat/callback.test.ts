import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { CallbackReading } from '../../src/callback-event.ts'
import { callbackSignature, encryptMessage, messageKeyOf } from '../../src/message-crypto.ts'
import { checkUrl, longestCallback, readCallback } from '../../src/wechat/callback.ts'
import {
  accountOf,
  aesKey,
  appid,
  arrivalFor,
  forms,
  modes,
  read,
  settingsOf,
  token,
} from '../support/callbacks.ts'
import { testStart } from '../support/clock.ts'

const refused = { kind: 'refused', status: 403, code: 'callback-refused' }
const unreadable = (code: string) => ({ kind: 'refused', status: 400, code })

const follow = {
  ToUserName: 'gh_0123456789ab',
  FromUserName: 'oSimUser000000000000000001',
  CreateTime: 1700000000n,
  MsgType: 'event',
  Event: 'subscribe',
}

/** Signed as WeChat would, whatever the body. */
const signed = (body: string | Buffer, query: Record<string, string> = {}) => {
  const timestamp = String(testStart / 1000)
  const signature = callbackSignature(token, timestamp, '42')
  return { query: { signature, timestamp, nonce: '42', ...query }, body: Buffer.from(body) }
}

/** A good envelope around any message. */
const sealed = (message: string, change: { appid?: string; key?: string } = {}) => {
  const key = messageKeyOf(change.key ?? aesKey)!
  const Encrypt = encryptMessage(key, { message, appid: change.appid ?? appid }, Buffer.alloc(16, 'r'))
  const timestamp = String(testStart / 1000)
  const msg_signature = callbackSignature(token, timestamp, '42', Encrypt)
  return signed(JSON.stringify({ ToUserName: 'gh_0', Encrypt }), { encrypt_type: 'aes', msg_signature })
}

suite('the check of the address', () => {
  const query = {
    signature: 'f464b24fc39322e44b38aa78f5edd27bd1441696',
    timestamp: '1714036504',
    nonce: '1514711492',
    echostr: '4375120948345356249',
  }
  const settings = { token: 'AAAAA', aesKeys: ['A'.repeat(43)], mode: 'safe' } as const

  test('gives the official echo back as it came', () => {
    assert.deepEqual(checkUrl({ settings, query }), { kind: 'echo', echostr: query.echostr })
    const echostr = '<b>"&</b>'
    assert.deepEqual(checkUrl({ settings, query: { ...query, echostr } }), { kind: 'echo', echostr })
  })

  const bad: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
    ['another signature', { signature: '0464b24fc39322e44b38aa78f5edd27bd1441696' }],
    ['another timestamp', { timestamp: '1714036505' }],
    ['no echo', { echostr: undefined }],
    ['an empty echo', { echostr: '' }],
    ['no signature', { signature: undefined }],
    ['two signatures', { signature: [query.signature, query.signature] }],
    ['an endless echo', { echostr: 'x'.repeat(2000) }],
    // As WeCom does, whose vector this is.
    ['an encrypted echo', { msg_signature: 'dd6b9c95b495b3f7e2901bfbc76c664930ffdb96' }],
  ]
  for (const [what, change] of bad)
    test(`refuses ${what}`, () => {
      assert.deepEqual(checkUrl({ settings, query: { ...query, ...change } }), refused)
    })

  test('refuses everybody when there is no token', () => {
    const signature = callbackSignature('', query.timestamp, query.nonce)
    const empty = { ...settings, token: '' }
    assert.deepEqual(checkUrl({ settings: empty, query: { ...query, signature } }), refused)
  })
})

suite('vectors of the official page, as callbacks', () => {
  const officialToken = 'AAAAA'
  const officialAppid = 'wxba5fad812f8e6fb9'
  const Encrypt =
    '+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcvZqzDpVzazhZv6JsXUnnR8XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIjdf8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04='
  const clear = { ToUserName: 'gh_97417a04a28d', MsgType: 'event', Event: 'never-to-be-read' }
  const asXml = (fields: Readonly<Record<string, string>>) =>
    `<xml>${Object.entries(fields)
      .map(([name, value]) => `<${name}><![CDATA[${value}]]></${name}>`)
      .join('')}</xml>`
  const bodies = {
    'safe xml': asXml({ ToUserName: 'gh_97417a04a28d', Encrypt }),
    'safe json': JSON.stringify({ ToUserName: 'gh_97417a04a28d', Encrypt }),
    'compat xml': asXml({ ...clear, Encrypt }),
    'compat json': JSON.stringify({ ...clear, Encrypt }),
  }
  const query = {
    signature: '6c5c811b55cc85e0e1b54100749188c20beb3f5d',
    timestamp: '1714112445',
    nonce: '415670741',
    encrypt_type: 'aes',
    msg_signature: '046e02f8204d34f8ba5fa3b1db94908f3df2e9b3',
  }
  for (const [form, body] of Object.entries(bodies))
    test(`the official callback in ${form} is the official message`, () => {
      const mode = form.startsWith('safe') ? 'safe' : 'compat'
      const callback = { token: officialToken, aesKeys: ['A'.repeat(43)], mode } as const
      const account = { appid: officialAppid, callback }
      const reading = readCallback({ account, query, body: Buffer.from(body), now: 1714112446_000 })
      assert.partialDeepStrictEqual(reading, {
        kind: 'event',
        authentic: true,
        event: {
          kind: 'other',
          event: 'debug_demo',
          openid: 'o9AgO5Kd5ggOC-bXrbNODIiE3bGY',
          toUser: 'gh_97417a04a28d',
          at: 1714112445_000,
        },
      })
    })

  for (const format of ['xml', 'json'] as const)
    test(`the official plain signature holds for ${format}`, () => {
      const fields = { ...clear, Event: 'debug_demo', FromUserName: 'o1', CreateTime: '1714037059' }
      const body = Buffer.from(format === 'xml' ? asXml(fields) : JSON.stringify(fields))
      const callback = { token: officialToken, aesKeys: [], mode: 'plain' } as const
      const plainQuery = {
        signature: '899cf89e464efb63f54ddac96b0a0a235f53aa78',
        timestamp: '1714037059',
        nonce: '486452656',
      }
      const account = { appid: officialAppid, callback }
      const reading = readCallback({ account, query: plainQuery, body, now: 1714037059_000 })
      assert.partialDeepStrictEqual(reading, {
        kind: 'event',
        authentic: false,
        event: { event: 'debug_demo' },
      })
    })
})

suite('what is read of a callback', () => {
  for (const form of forms) {
    const name = `${form.mode} ${form.format}`
    test(`the follow of a user in ${name}`, () => {
      const reading = read(arrivalFor(follow, form), form.mode)
      assert.partialDeepStrictEqual(reading, {
        kind: 'event',
        authentic: form.mode !== 'plain',
        more: [],
        event: {
          kind: 'follow',
          openid: follow.FromUserName,
          toUser: 'gh_0123456789ab',
          at: 1700000000_000,
        },
      })
    })

    test(`nothing of an old one in ${name}, and a little age is all right`, () => {
      const arrival = arrivalFor(follow, form)
      for (const [ms, kind] of [
        [300_000, 'event'],
        [-300_000, 'event'],
        [301_000, 'ignored'],
        [-301_000, 'ignored'],
      ] as const)
        assert.equal(read(arrival, form.mode, { now: testStart + ms }).kind, kind, `${ms} ms`)
    })

    test(`nothing that is longer than 64 KB in ${name}`, () => {
      const { query } = arrivalFor(follow, form)
      const tooLarge = { kind: 'refused', status: 413, code: 'callback-too-large' }
      assert.deepEqual(read({ query, body: Buffer.alloc(longestCallback + 1, ' ') }, form.mode), tooLarge)
    })
  }

  for (const form of forms.filter(({ mode }) => mode !== 'plain')) {
    const name = `${form.mode} ${form.format}`
    test(`with the former key as well in ${name}`, () => {
      const account = { callback: settingsOf(form.mode, { aesKeys: ['A'.repeat(43), aesKey] }) }
      assert.equal(read(arrivalFor(follow, form), form.mode, { account }).kind, 'event')
    })

    test(`for the platform that an account has authorised in ${name}`, () => {
      const arrival = arrivalFor(follow, { ...form, target: { componentAppid: 'wxcomponent' } })
      const notOurs = { ...refused, alarm: 'not-ours' }
      const account = { componentAppid: 'wxcomponent' }
      assert.equal(read(arrival, form.mode, { account }).kind, 'event')
      assert.deepEqual(read(arrival, form.mode), notOurs)
      assert.deepEqual(read(arrivalFor(follow, form), form.mode, { account }), notOurs)
    })

    test(`never in clear for an account in ${name}`, () => {
      const downgraded = { ...refused, alarm: 'downgraded' }
      assert.deepEqual(read(arrivalFor(follow, { ...form, mode: 'plain' }), form.mode), downgraded)
      const { query, body } = arrivalFor(follow, form)
      assert.deepEqual(read({ query: { ...query, encrypt_type: 'raw' }, body }, form.mode), downgraded)
      const { encrypt_type: _, ...without } = query
      assert.deepEqual(read({ query: without, body }, form.mode), downgraded)
    })
  }

  test('the encrypted event, not the one that stands beside it in clear', () => {
    for (const format of ['xml', 'json'] as const) {
      const { query, body } = arrivalFor(follow, { mode: 'compat', format })
      const forged = Buffer.from(body.toString().replace('subscribe', 'unsubscribe'))
      assert.notDeepEqual(forged, body)
      assert.partialDeepStrictEqual(read({ query, body: forged }, 'compat'), { event: { kind: 'follow' } })
    }
  })

  test('the clear fields of compat mode for an account that is still plain', () => {
    const arrival = arrivalFor(follow, { mode: 'compat', format: 'xml' })
    assert.partialDeepStrictEqual(read(arrival, 'plain'), { authentic: false, event: { kind: 'follow' } })
    const safe = arrivalFor(follow, { mode: 'safe', format: 'xml' })
    assert.deepEqual(read(safe, 'plain'), { ...refused, alarm: 'encrypted' })
  })
})

suite('what is refused of a callback', () => {
  /** Good but for one thing. */
  const inner = JSON.stringify({ ...follow, CreateTime: '1700000000' })
  const cases: readonly (readonly [string, CallbackReading])[] = [
    ['another appid inside', read(sealed(inner, { appid: 'wxother' }), 'safe')],
    ['another key', read(sealed(inner, { key: 'A'.repeat(43) }), 'safe')],
    ['an appid that only begins like ours', read(sealed(inner, { appid: `${appid}x` }), 'safe')],
    [
      'no key on our side',
      read(sealed(inner), 'safe', { account: { callback: settingsOf('safe', { aesKeys: [] }) } }),
    ],
  ]
  for (const [what, reading] of cases)
    test(`${what} gets the answer of every failure, and an alarm`, () => {
      assert.deepEqual(reading, { ...refused, alarm: 'not-ours' })
    })

  test('a signature mixed up with the other one', () => {
    const { query, body } = sealed(inner)
    assert.equal(read({ query, body }, 'safe').kind, 'event')
    const { signature, msg_signature = '' } = query as Record<string, string>
    assert.deepEqual(read({ query: { ...query, msg_signature: signature! }, body }, 'safe'), refused)
    assert.deepEqual(read({ query: { ...query, signature: msg_signature }, body }, 'safe'), refused)
  })

  test('a parameter that stands there twice', () => {
    const { query, body } = sealed(inner)
    for (const name of ['signature', 'timestamp', 'nonce', 'msg_signature']) {
      const twice = { ...query, [name]: [query[name as 'nonce'], query[name as 'nonce']] }
      assert.deepEqual(
        readCallback({ account: accountOf('safe'), query: twice, body, now: testStart }),
        refused,
      )
    }
  })

  test('everything without a signature, before it is looked at', () => {
    for (const mode of modes)
      for (const body of ['', '<!DOCTYPE xml>', '{', 'x'.repeat(1000)])
        assert.deepEqual(read({ query: {}, body: Buffer.from(body) }, mode), refused)
  })

  const entity = '<!ENTITY a "aaaaaaaaaa">'
  const deepXml = `<xml>${'<a>'.repeat(9)}${'</a>'.repeat(9)}</xml>`
  const unreadables: readonly (readonly [what: string, body: string | Buffer, code: string])[] = [
    ['a document type', `<!DOCTYPE xml [${entity}]><xml><a>&a;</a></xml>`, 'xml-unsafe'],
    [
      'an external entity',
      '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><xml>&f;</xml>',
      'xml-unsafe',
    ],
    ['a document type behind a declaration', '<?xml version="1.0"?>\n<!DOCTYPE xml><xml/>', 'xml-unsafe'],
    ['a document type inside', '<xml><!DOCTYPE a></xml>', 'xml-unsafe'],
    ['a document type in lower case', '<!doctype xml><xml></xml>', 'xml-unsafe'],
    ['a bare entity', `${entity}<xml></xml>`, 'xml-unsafe'],
    ['a parameter entity', '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1/"> %p;]><xml/>', 'xml-unsafe'],
    ['a comment', '<xml><!-- --><a>1</a></xml>', 'xml-unsafe'],
    ['an instruction', '<xml><?php evil ?></xml>', 'xml-unsafe'],
    ['a style sheet', '<?xml-stylesheet href="x"?><xml></xml>', 'xml-unsafe'],
    ['a second declaration', '<?xml version="1.0"?><?xml version="1.0"?><xml></xml>', 'xml-unsafe'],
    ['references to characters', `<xml><a>${'&#120;'.repeat(10_000)}</a></xml>`, 'xml-unsafe'],
    ['a reference to nothing', '<xml><a>&lol9;</a></xml>', 'xml-unsafe'],
    ['a reference without an end', '<xml><a>a & b</a></xml>', 'xml-unsafe'],
    ['thousands of elements', `<xml>${'<a/>'.repeat(5000)}</xml>`, 'xml-unsafe'],
    ['an attribute', '<xml><a b="<!DOCTYPE">1</a></xml>', 'malformed'],
    ['an open CDATA section', '<xml><a><![CDATA[1</a></xml>', 'malformed'],
    ['elements that cross', '<xml><a><b></a></b></xml>', 'malformed'],
    ['an element without an end', '<xml><a>1</a>', 'malformed'],
    ['two roots', '<xml></xml><xml><a>1</a></xml>', 'malformed'],
    ['another root', '<a><MsgType>event</MsgType></a>', 'malformed'],
    ['an empty root', '<xml></xml>', 'malformed'],
    ['a reserved name', '<xml><__proto__>1</__proto__></xml>', 'malformed'],
    ['deep XML', deepXml, 'too-deep'],
    ['deep JSON', `${'{"a":'.repeat(9)}1${'}'.repeat(9)}`, 'too-deep'],
    ['very deep JSON', '['.repeat(60_000).replace(/^/, '{"a":'), 'too-deep'],
    ['cut JSON', '{"MsgType":"event"', 'malformed'],
    ['a list', '[]', 'malformed'],
    ['a word', 'hello', 'malformed'],
    ['nothing', '', 'malformed'],
    ['bytes that are no text', Buffer.from([0x3c, 0xff, 0xfe]), 'utf8-invalid'],
    ['neither message nor event', '{"a":"1","CreateTime":"1700000000"}', 'fields-missing'],
    ['an event at no time', '{"MsgType":"event","Event":"subscribe","FromUserName":"o1"}', 'fields-missing'],
    ['a follow of nobody', '{"MsgType":"event","Event":"subscribe","CreateTime":1}', 'fields-missing'],
    [
      'a follow of a sentence',
      '{"MsgType":"event","Event":"subscribe","CreateTime":1,"FromUserName":"not an openid"}',
      'fields-missing',
    ],
  ]
  for (const [what, body, code] of unreadables) {
    test(`${what} is ${code}`, () => assert.deepEqual(read(signed(body), 'plain'), unreadable(code)))

    // A longer one does not fit into an envelope.
    if (typeof body === 'string' && body.length < 45_000)
      test(`${what} is ${code} even when it was encrypted`, () =>
        assert.deepEqual(read(sealed(body), 'safe'), unreadable(code)))
  }

  test('an envelope that is unsafe, in every mode', () => {
    for (const mode of modes)
      assert.deepEqual(read(signed(`<!DOCTYPE xml [${entity}]><xml/>`), mode), unreadable('xml-unsafe'))
  })
})
