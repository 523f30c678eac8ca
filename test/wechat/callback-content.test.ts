import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { CallbackContent, CallbackEvent } from '../../src/callback-event.ts'
import type { Receipt, UserHappening } from '../../src/simulator/happening.ts'
import { platformFields, userFields } from '../../src/simulator/push-fields.ts'
import { readEvents } from '../../src/wechat/callback-content.ts'
import { readFields } from '../../src/wechat/callback-text.ts'
import { appid, arrivalFor, type Form, forms, read } from '../support/callbacks.ts'

const eventsOf = (text: string): readonly CallbackEvent[] => {
  const reading = readFields(text)
  assert.ok('fields' in reading, JSON.stringify(reading))
  return readEvents(reading.fields)
}

/** What an event says, without whose it is and when. */
const contentOf = (text: string): unknown => {
  const events = eventsOf(text)
  assert.equal(events.length, 1)
  const { toUser, openid, at, key, ...content } = events[0]!
  assert.deepEqual([toUser, openid, at], ['gh_0123456789ab', 'oSimUser000000000000000001', 1700000000_000])
  assert.match(key, /^[\w-]{43}$/)
  return content
}

const xml = (rest: string) =>
  `<xml>
  <ToUserName><![CDATA[gh_0123456789ab]]></ToUserName>
  <FromUserName><![CDATA[oSimUser000000000000000001]]></FromUserName>
  <CreateTime>1700000000</CreateTime>
  ${rest}
</xml>`

const xmlEvent = (event: string, rest = '') =>
  xml(`<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[${event}]]></Event>${rest}`)

const json = (rest: string, time = '1700000000') =>
  `{ "ToUserName":"gh_0123456789ab","FromUserName":"oSimUser000000000000000001","CreateTime":${time},${rest} }`

const jsonEvent = (event: string, rest: string, time?: string) =>
  json(`"MsgType":"event","Event":"${event}",${rest}`, time)

const job = (status: string, msgid = '3557254367693750277') =>
  xmlEvent('TEMPLATESENDJOBFINISH', `<MsgID>${msgid}</MsgID><Status><![CDATA[${status}]]></Status>`)

const templateReceipt = (result: object, msgid?: string) => ({
  kind: 'receipt',
  channel: 'template',
  ...(msgid !== undefined && { msgid }),
  result,
})

const delivered = { kind: 'delivered' }
const undelivered = (reason: string) => ({ kind: 'undelivered', reason })
const big = '3557254367693750277'

const entry = (id: string, status: string) =>
  `<List><TemplateId><![CDATA[${id}]]></TemplateId><SubscribeStatusString><![CDATA[${status}]]></SubscribeStatusString><PopupScene>2</PopupScene></List>`
const jsonEntry = (id: string, status: string) =>
  `{"TemplateId":"${id}","SubscribeStatusString":"${status}","PopupScene":"0"}`
const decisions = (origin: string, ...list: readonly [string, boolean][]) => ({
  kind: 'grants',
  origin,
  decisions: list.map(([templateId, accepted]) => ({ templateId, accepted })),
})
const popup = (...list: readonly [string, boolean][]) => decisions('popup', ...list)

const sentXml = (code: string, status: string) =>
  xmlEvent(
    'subscribe_msg_sent_event',
    `<SubscribeMsgSentEvent><List><TemplateId><![CDATA[T1]]></TemplateId><MsgID>1700827132819554304</MsgID><ErrorCode>${code}</ErrorCode><ErrorStatus><![CDATA[${status}]]></ErrorStatus></List></SubscribeMsgSentEvent>`,
  )
const sentJson = '{"TemplateId":"T1","MsgID":"1864323726461255680","ErrorCode":"0","ErrorStatus":"success"}'
const sent = (msgid: string, result: object) => ({
  kind: 'receipt',
  channel: 'subscribe',
  msgid,
  templateId: 'T1',
  result,
})

const shapes: readonly (readonly [what: string, text: string, content: unknown])[] = [
  ['a message that arrived', job('success'), templateReceipt(delivered, big)],
  ['a user who refuses', job('failed:user block'), templateReceipt(undelivered('user block'), big)],
  ['another failure', job('failed: system failed'), templateReceipt(undelivered('system failed'), big)],
  ['too many', job('failed:freq limit'), templateReceipt(undelivered('freq limit'), big)],
  ['a reason nobody knows', job('failed:\n moon, 月'), templateReceipt(undelivered('moon, 月'), big)],
  ['a failure without a reason', job('failed:'), templateReceipt(undelivered('failed:'), big)],
  ['a word nobody knows', job('perhaps'), templateReceipt(undelivered('perhaps'), big)],
  ['MsgID 0', job('success', '0'), templateReceipt(delivered)],
  ['a MsgID that is none', job('success', 'x1'), templateReceipt(delivered)],
  ['no MsgID', xmlEvent('TEMPLATESENDJOBFINISH', '<Status>success</Status>'), templateReceipt(delivered)],
  [
    'no status',
    xmlEvent('TEMPLATESENDJOBFINISH', '<MsgID>1</MsgID>'),
    { kind: 'other', event: 'TEMPLATESENDJOBFINISH' },
  ],
  [
    'a receipt in JSON, with every digit of its bare number',
    jsonEvent('TEMPLATESENDJOBFINISH', `"MsgID":${big},"Status":"success"`),
    templateReceipt(delivered, big),
  ],
  [
    'MsgId written so, and as a text',
    jsonEvent('TEMPLATESENDJOBFINISH', `"MsgId":"${big}","Status":"success"`, '"1700000000"'),
    templateReceipt(delivered, big),
  ],
  [
    'MsgID 0 in JSON',
    jsonEvent('TEMPLATESENDJOBFINISH', '"MsgID":0,"Status":"failed:user block"'),
    templateReceipt(undelivered('user block')),
  ],
  [
    'a name that stands there twice',
    jsonEvent('TEMPLATESENDJOBFINISH', `"MsgID":1,"Status":"success","MsgID":${big}`),
    templateReceipt(delivered, big),
  ],
  [
    'a popup with two answers',
    xmlEvent(
      'subscribe_msg_popup_event',
      `<SubscribeMsgPopupEvent>${entry('T1', 'accept')}${entry('T2', 'reject')}</SubscribeMsgPopupEvent>`,
    ),
    popup(['T1', true], ['T2', false]),
  ],
  [
    'a popup with one answer',
    xmlEvent(
      'subscribe_msg_popup_event',
      `<SubscribeMsgPopupEvent>${entry('T1', 'accept')}</SubscribeMsgPopupEvent>`,
    ),
    popup(['T1', true]),
  ],
  [
    'a popup in JSON, a list without a wrapper and the time as a text',
    jsonEvent('subscribe_msg_popup_event', `"List":[${jsonEntry('T1', 'accept')}]`, '"1700000000"'),
    popup(['T1', true]),
  ],
  [
    'a popup in JSON, one entry instead of a list',
    jsonEvent('subscribe_msg_popup_event', `"List":${jsonEntry('T1', 'reject')}`),
    popup(['T1', false]),
  ],
  [
    'a popup in JSON with the wrapper of XML',
    jsonEvent(
      'subscribe_msg_popup_event',
      `"SubscribeMsgPopupEvent":{"List":[${jsonEntry('T1', 'accept')}]}`,
    ),
    popup(['T1', true]),
  ],
  [
    'answers that are none',
    jsonEvent('subscribe_msg_popup_event', `"List":[{"TemplateId":"T1"},"x",7,${jsonEntry('T2', 'accept')}]`),
    popup(['T2', true]),
  ],
  [
    'a popup without an answer',
    jsonEvent('subscribe_msg_popup_event', '"List":[]'),
    { kind: 'other', event: 'subscribe_msg_popup_event' },
  ],
  [
    'a change in the settings',
    xmlEvent(
      'subscribe_msg_change_event',
      `<SubscribeMsgChangeEvent>${entry('T1', 'reject')}</SubscribeMsgChangeEvent>`,
    ),
    decisions('settings', ['T1', false]),
  ],
  [
    'a change in the wrapper of a popup',
    xmlEvent(
      'subscribe_msg_change_event',
      `<SubscribeMsgPopupEvent>${entry('T1', 'reject')}</SubscribeMsgPopupEvent>`,
    ),
    decisions('settings', ['T1', false]),
  ],
  [
    'a change in JSON',
    jsonEvent('subscribe_msg_change_event', `"List":[${jsonEntry('T1', 'reject')}]`, '"1700000000"'),
    decisions('settings', ['T1', false]),
  ],
  [
    'a change that would give a permission',
    jsonEvent('subscribe_msg_change_event', `"List":[${jsonEntry('T1', 'accept')}]`),
    { kind: 'other', event: 'subscribe_msg_change_event' },
  ],
  ['a sent message', sentXml('0', 'success'), sent('1700827132819554304', delivered)],
  [
    'a message that was not sent',
    sentXml('43101', 'refused'),
    sent('1700827132819554304', undelivered('errcode-43101')),
  ],
  [
    'a sent message in JSON',
    jsonEvent('subscribe_msg_sent_event', `"List":${sentJson}`),
    sent('1864323726461255680', delivered),
  ],
  [
    'a sent message in a list',
    jsonEvent('subscribe_msg_sent_event', `"List":[${sentJson}]`),
    sent('1864323726461255680', delivered),
  ],
  [
    'a sent message in a wrapper',
    jsonEvent('subscribe_msg_sent_event', `"SubscribeMsgSentEvent":{"List":${sentJson}}`),
    sent('1864323726461255680', delivered),
  ],
  ['a follow', xmlEvent('subscribe'), { kind: 'follow' }],
  [
    'a follow by QR code',
    xmlEvent('subscribe', '<EventKey><![CDATA[qrscene_7]]></EventKey>'),
    { kind: 'follow' },
  ],
  ['an unfollow', xmlEvent('unsubscribe', '<EventKey/>'), { kind: 'unfollow' }],
  ['a scan', xmlEvent('SCAN', '<EventKey>7</EventKey>'), { kind: 'interaction', what: 'scan' }],
  ['a click', xmlEvent('CLICK', '<EventKey>a</EventKey>'), { kind: 'interaction', what: 'menu' }],
  [
    'a view',
    xmlEvent('VIEW', '<EventKey>http://127.0.0.1/?a&amp;b</EventKey>'),
    { kind: 'interaction', what: 'menu' },
  ],
  [
    'a session',
    jsonEvent('user_enter_tempsession', '"SessionFrom":"wxapp"'),
    { kind: 'interaction', what: 'session' },
  ],
  [
    'a text',
    xml('<MsgType>text</MsgType><Content><![CDATA[<a> & ]]]]></Content><MsgId>1</MsgId>'),
    { kind: 'interaction', what: 'message' },
  ],
  [
    'a picture',
    json('"MsgType":"image","MsgId":23456789012345678,"PicUrl":null'),
    { kind: 'interaction', what: 'message' },
  ],
  ['a kind of message nobody knows', json('"MsgType":"smell"'), { kind: 'other', event: 'smell' }],
  [
    'an event nobody knows',
    xmlEvent('user_authorization_revoke'),
    { kind: 'other', event: 'user_authorization_revoke' },
  ],
  [
    'a declaration in front',
    `\uFEFF <?xml version="1.0" encoding="UTF-8"?>\n${xmlEvent('subscribe')}`.slice(1),
    { kind: 'follow' },
  ],
]

suite('the shapes of events', () => {
  for (const [what, text, content] of shapes)
    test(`${what} is understood`, () => assert.deepEqual(contentOf(text), content))

  test('several receipts in one push are several events', () => {
    const text = jsonEvent('subscribe_msg_sent_event', `"List":[${sentJson},${sentJson.replace('T1', 'T2')}]`)
    const events = eventsOf(text)
    assert.deepEqual(
      events.map((event) => event.kind === 'receipt' && event.templateId),
      ['T1', 'T2'],
    )
    assert.equal(new Set(events.map(({ key }) => key)).size, 2)
  })

  const platform = (infoType: string, rest: string) =>
    `<xml><AppId><![CDATA[wxplatform]]></AppId><CreateTime>1700000000</CreateTime><InfoType><![CDATA[${infoType}]]></InfoType>${rest}</xml>`
  const authoriser = '<AuthorizerAppid>wxshop</AuthorizerAppid><AuthorizationCode>c1</AuthorizationCode>'
  const platformShapes: readonly (readonly [string, string, CallbackContent])[] = [
    [
      'component_verify_ticket',
      '<ComponentVerifyTicket>ticket@@@1</ComponentVerifyTicket>',
      { kind: 'component-ticket', ticket: 'ticket@@@1' },
    ],
    ['authorized', authoriser, { kind: 'authorized', appid: 'wxshop', code: 'c1', updated: false }],
    ['updateauthorized', authoriser, { kind: 'authorized', appid: 'wxshop', code: 'c1', updated: true }],
    ['unauthorized', authoriser, { kind: 'unauthorized', appid: 'wxshop' }],
    ['component_verify_ticket', '', { kind: 'other', event: 'component_verify_ticket' }],
    ['authorized', '<AuthorizerAppid>wxshop</AuthorizerAppid>', { kind: 'other', event: 'authorized' }],
    ['notify_third_fasteregister', authoriser, { kind: 'other', event: 'notify_third_fasteregister' }],
  ]
  for (const [infoType, rest, content] of platformShapes)
    test(`a platform is told ${infoType}: ${content.kind}`, () => {
      const [event] = eventsOf(platform(infoType, rest))
      const { key: _, ...read } = event!
      assert.deepEqual(read, { toUser: 'wxplatform', openid: '', at: 1700000000_000, ...content })
    })
})

suite('the key of an event', () => {
  const keyOf = (text: string) => eventsOf(text)[0]!.key

  test('is the same for every attempt, and another for every other event', () => {
    const texts = shapes.map(([, text]) => text)
    assert.deepEqual(texts.map(keyOf), texts.map(keyOf))
    const receipts = ['1', '2', '0'].flatMap((msgid) => [
      job('success', msgid),
      job('failed:user block', msgid),
    ])
    const all = [
      ...receipts,
      xmlEvent('subscribe'),
      xmlEvent('unsubscribe'),
      xmlEvent('CLICK'),
      xmlEvent('SCAN'),
    ]
    assert.equal(new Set(all.map(keyOf)).size, all.length)
  })

  test('is the MsgId of a message, whoever asks again and when', () => {
    const text = (msgid: string, time: string) => json(`"MsgType":"text","MsgId":${msgid}`, time)
    assert.equal(keyOf(text('23456789012345678', '1')), keyOf(text('23456789012345678', '2')))
    assert.notEqual(keyOf(text('23456789012345678', '1')), keyOf(text('23456789012345679', '1')))
  })

  test('tells two users, and two seconds, apart', () => {
    const other = xmlEvent('subscribe').replace('oSimUser', 'oAnother')
    const later = xmlEvent('subscribe').replace('1700000000', '1700000001')
    assert.equal(new Set([xmlEvent('subscribe'), other, later].map(keyOf)).size, 3)
  })
})

suite('what the simulator pushes', () => {
  const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,43}$/)
  const msgid = fc.bigInt({ min: 0n, max: (1n << 63n) - 1n }).map(String)
  const word = fc.string({ unit: 'grapheme', maxLength: 30 })
  const reason = fc.stringMatching(/^[a-z]{1,20}$/)
  const withMsgid = (text: string) => (text === '0' ? {} : { msgid: text })

  /** Something that happens, and how it should be understood. */
  const happenings: fc.Arbitrary<readonly [UserHappening | Receipt, CallbackContent]> = fc.oneof(
    fc.tuple(msgid, fc.option(reason)).map(([text, why]) => {
      const status = why === null ? 'success' : `failed: ${why}`
      const result =
        why === null ? { kind: 'delivered' as const } : { kind: 'undelivered' as const, reason: why }
      return [
        { kind: 'job-finished', msgid: text, status },
        { kind: 'receipt', channel: 'template', ...withMsgid(text), result },
      ] as const
    }),
    fc.tuple(id, msgid, fc.nat(99_999)).map(([templateId, text, errorCode]) => {
      const reason = `errcode-${errorCode}`
      const result =
        errorCode === 0 ? { kind: 'delivered' as const } : { kind: 'undelivered' as const, reason }
      return [
        { kind: 'sent', templateId, msgid: text, errorCode, errorStatus: 'some word' },
        { kind: 'receipt', channel: 'subscribe', ...withMsgid(text), templateId, result },
      ] as const
    }),
    fc
      .array(fc.record({ templateId: id, accepted: fc.boolean() }, { noNullPrototype: true }), {
        minLength: 1,
        maxLength: 5,
      })
      .map(
        (made) =>
          [
            { kind: 'popup', decisions: made },
            { kind: 'grants', origin: 'popup', decisions: made },
          ] as const,
      ),
    fc.array(id, { minLength: 1, maxLength: 5 }).map((refused) => {
      const made = refused.map((templateId) => ({ templateId, accepted: false }))
      return [
        { kind: 'change', refused },
        { kind: 'grants', origin: 'settings', decisions: made },
      ] as const
    }),
    word.map(
      (text) =>
        [
          { kind: 'message', text },
          { kind: 'interaction', what: 'message' },
        ] as const,
    ),
    word.map(
      (key) =>
        [
          { kind: 'scan', key },
          { kind: 'interaction', what: 'scan' },
        ] as const,
    ),
    word.map(
      (key) =>
        [
          { kind: 'click', key },
          { kind: 'interaction', what: 'menu' },
        ] as const,
    ),
    fc.constant([{ kind: 'session' }, { kind: 'interaction', what: 'session' }] as const),
    word.map((scene) => [{ kind: 'follow', scene }, { kind: 'follow' }] as const),
    fc.constant([{ kind: 'unfollow' }, { kind: 'unfollow' }] as const),
  )

  const written = fc.record({
    singleList: fc.constantFrom('object' as const, 'array' as const),
    jsonWrapper: fc.boolean(),
  })

  const pushed = (what: UserHappening | Receipt, form: Form, ways: object) => {
    const event = { appid, touser: 'oSimUser1', at: 1700000000_000, what, newMsgid: () => '9007199254740993' }
    return read(arrivalFor(userFields(event, { ...form, ...ways }), { ...form, target: ways }), form.mode)
  }

  test('is understood the same in all six forms, with one key', () => {
    fc.assert(
      fc.property(happenings, written, ([what, content], ways) => {
        const readings = forms.map((form) => pushed(what, form, ways))
        const keys = new Set(
          readings.map((reading) => (reading.kind === 'event' ? reading.event.key : reading.kind)),
        )
        assert.equal(keys.size, 1)
        for (const reading of readings) {
          assert.ok(reading.kind === 'event', JSON.stringify(reading))
          const { key: _, toUser, openid, at, ...said } = reading.event
          assert.deepEqual(said, content)
          assert.deepEqual([toUser, openid, at], ['gh_456789abcdef', 'oSimUser1', 1700000000_000])
        }
      }),
      { numRuns: 500 },
    )
  })

  test('to a platform is understood', () => {
    const fields = platformFields({ kind: 'ticket', appid, ticket: 'ticket@@@x' }, 1700000000_000)
    for (const form of forms.filter(({ mode }) => mode === 'safe'))
      assert.partialDeepStrictEqual(read(arrivalFor(fields, form), form.mode), {
        kind: 'event',
        event: { kind: 'component-ticket', ticket: 'ticket@@@x', toUser: appid },
      })
  })
})
