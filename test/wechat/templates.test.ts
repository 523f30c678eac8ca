import { suite, type TestContext, test } from 'node:test'
import { createWechatClient } from '../../src/wechat/client.ts'
import { createTemplateList, parseTemplateList } from '../../src/wechat/templates.ts'
import { atEnd } from '../support/at-end.ts'
import { listOf, startTemplateApi } from '../support/template-api.ts'
import { appid, json, openTokens, refusalJson, tokenJson } from './token-api.ts'

/** The documented bodies, and WeChat's habits. */
const official = {
  template_id: 'iPk5sOIt5X_flOVKn5GrTFpncEYTojx6ddbt8WYoV5s',
  title: '领取奖金提醒',
  primary_industry: 'IT科技',
  deputy_industry: '互联网|电子商务',
  content: '{ {result.DATA} }\n\n领奖金额:{ {withdrawMoney.DATA} }\n',
  example: '您已提交领奖申请\n\n领奖金额：xxxx元\n',
}
const subscribe = {
  priTmplId: '9Aw5ZV1j9xdWTFEkqCpZ7mIBbSC34khK55OtzUPl0rU',
  title: '报名结果通知',
  content: '会议时间:{{date2.DATA}}\n会议地点:{{enum_string1.DATA}}\n',
  example: '会议时间:2016年8月8日\n会议地点:TIT会议室\n',
  type: 2,
  keywordEnumValueList: [{ keywordCode: 'enum_string1.DATA', enumValueList: ['TIT会议室', '客厅'] }],
}

suite('what a list says', () => {
  test('of template messages, which comes without an errcode', (t: TestContext) => {
    t.assert.deepEqual(parseTemplateList('template', json({ template_list: [official] })), {
      kind: 'listed',
      templates: [
        {
          templateId: official.template_id,
          title: official.title,
          content: official.content,
          example: official.example,
        },
      ],
    })
  })

  test('of subscribe messages, with their words and their kind of grant', (t: TestContext) => {
    const answer = json({
      errcode: 0,
      errmsg: 'ok',
      data: [subscribe, { ...subscribe, priTmplId: 'b', type: 3, keywordEnumValueList: [] }],
    })
    const { priTmplId, title, content, example } = subscribe
    const parts = { title, content, example }
    t.assert.deepEqual(parseTemplateList('subscribe', answer), {
      kind: 'listed',
      templates: [
        {
          templateId: priTmplId,
          ...parts,
          grants: 'once',
          words: { enum_string1: ['TIT会议室', '客厅'] },
        },
        { templateId: 'b', ...parts, grants: 'lasting' },
      ],
    })
  })

  const failures: readonly [name: string, answer: Parameters<typeof parseTemplateList>[1], error: string][] =
    [
      [
        'a refusal',
        refusalJson(48001, 'api unauthorized rid: 65f0c1a2-0b3c4d5e-6f708192'),
        'api unauthorized',
      ],
      ['an empty object', json({}), 'junk-reply'],
      ['a list of another kind', json({ template_list: {} }), 'junk-reply'],
      ['an errcode that is none', json({ errcode: 'x', template_list: [] }), 'junk-reply'],
      ['no JSON', { kind: 'answered', status: 200, body: Buffer.from('<html>') }, 'junk-reply'],
      ['a broken gateway', json({}, 502), 'http-502'],
      ['no answer', { kind: 'in-doubt', error: 'timeout' }, 'timeout'],
    ]
  for (const [name, answer, error] of failures)
    test(`${name} is a failure`, (t: TestContext) =>
      t.assert.partialDeepStrictEqual(parseTemplateList('template', answer), { kind: 'failed', error }))

  test('what is no template is left out, and what is too long is not kept', (t: TestContext) => {
    const hostile = [
      null,
      7,
      { title: 'no id' },
      { template_id: 'has a blank' },
      { template_id: 'x'.repeat(65) },
      { template_id: 'a', title: 5, content: 'x'.repeat(8_001), example: '\ud800' },
      ...Array.from({ length: 500 }, (_, n) => ({ template_id: `many-${n}` })),
    ]
    const listing = parseTemplateList('template', json({ template_list: hostile }))
    if (listing.kind === 'failed') throw new Error(listing.error)
    t.assert.deepEqual(listing.templates[0], { templateId: 'a', example: '\ufffd' })
    t.assert.ok(listing.templates.length <= 200)
  })

  test('words that cannot be kept whole are not kept at all', (t: TestContext) => {
    const lists = [
      { keywordCode: 'enum1.DATA', enumValueList: ['a', 5] },
      { keywordCode: 'enum2.DATA', enumValueList: Array.from({ length: 300 }, String) },
      { keywordCode: '__proto__', enumValueList: ['a'] },
      { keywordCode: 'enum3', enumValueList: ['b'] },
      'junk',
    ]
    const listing = parseTemplateList(
      'subscribe',
      json({ data: [{ priTmplId: 'a', keywordEnumValueList: lists }] }),
    )
    if (listing.kind === 'failed') throw new Error(listing.error)
    const { words = {} } = listing.templates[0]!
    t.assert.deepEqual(words, { enum3: ['b'] })
  })
})

/** A list asked of a server that answers as WeChat is documented to. */
const open = async (t: TestContext) => {
  const tokens = openTokens()
  const wechat = await startTemplateApi(t)
  const client = createWechatClient({ origin: wechat.url, connections: 2, clock: tokens.clock })
  atEnd(t, client.close)
  const list = createTemplateList({ client, tokens: tokens.centre })
  return { ...tokens, wechat, list }
}

suite('the templates of an account', () => {
  test('an official account may have both kinds', async (t: TestContext) => {
    const { wechat, list } = await open(t)
    wechat.answers({
      template: listOf('template', official),
      subscribe: listOf('subscribe', subscribe),
    })
    const listing = await list({ appid, kind: 'official' })
    t.assert.partialDeepStrictEqual(listing, { kind: 'listed', isComplete: true, failures: [] })
    t.assert.deepEqual(listing.kind === 'listed' && listing.templates.map(({ templateId }) => templateId), [
      official.template_id,
      subscribe.priTmplId,
    ])
    t.assert.deepEqual(wechat.asked, [
      '/cgi-bin/template/get_all_private_template?access_token=T1',
      '/wxaapi/newtmpl/gettemplate?access_token=T1',
    ])
  })

  test('a mini program is asked for one', async (t: TestContext) => {
    const { wechat, list } = await open(t)
    wechat.answers({ subscribe: listOf('subscribe', subscribe) })
    t.assert.partialDeepStrictEqual(await list({ appid, kind: 'miniprogram' }), {
      kind: 'listed',
      isComplete: true,
    })
    t.assert.equal(wechat.asked.length, 1)
  })

  const partly: readonly [errcode: number, isComplete: boolean][] = [
    [48001, true],
    [45103, true],
    [-1, false],
    [45009, false],
  ]
  for (const [errcode, isComplete] of partly)
    test(`${errcode} for one list leaves the other${isComplete ? ', which is all' : ', which may not be all'}`, async (t: TestContext) => {
      const { wechat, list } = await open(t)
      wechat.answers({ template: listOf('template', official), subscribe: { errcode, errmsg: 'no' } })
      t.assert.partialDeepStrictEqual(await list({ appid, kind: 'official' }), {
        kind: 'listed',
        isComplete,
        failures: [{ family: 'subscribe', errcode, error: 'no' }],
      })
    })

  test('without any list it is a failure', async (t: TestContext) => {
    const { wechat, list } = await open(t)
    wechat.answers({})
    t.assert.partialDeepStrictEqual(await list({ appid, kind: 'official' }), {
      kind: 'failed',
      failures: [{ errcode: 48001 }, { errcode: 48001 }],
    })
  })

  test('a token that WeChat rejects is healed once', async (t: TestContext) => {
    const { wechat, list, answer, get, clock } = await open(t)
    await get()
    clock.advance(60_000)
    answer(tokenJson('T2'))
    wechat.answers({ subscribe: listOf('subscribe', subscribe) })
    wechat.rejects('T1')
    t.assert.partialDeepStrictEqual(await list({ appid, kind: 'miniprogram' }), { kind: 'listed' })
    t.assert.deepEqual(
      wechat.asked.map((path) => path.split('=')[1]),
      ['T1', 'T2'],
    )
    wechat.rejects('T2')
    answer(refusalJson(40125, 'invalid appsecret'))
    t.assert.partialDeepStrictEqual(await list({ appid, kind: 'miniprogram' }), { kind: 'failed' })
  })

  test('without a token nothing is asked', async (t: TestContext) => {
    const { wechat, list, answer } = await open(t)
    answer(refusalJson(40125, 'invalid appsecret'))
    t.assert.partialDeepStrictEqual(await list({ appid, kind: 'miniprogram' }), {
      kind: 'failed',
      failures: [{ family: 'subscribe', errcode: 40125 }],
    })
    t.assert.deepEqual(wechat.asked, [])
  })
})
