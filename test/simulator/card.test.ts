import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { bubbleOf, labelsOf, summaryOf } from '../../src/simulator/card.ts'
import { fieldLines, findingsOf } from '../../src/simulator/template-check.ts'

const template = {
  title: '发货通知',
  content:
    '{{first.DATA}}\n订单编号:{{character_string1.DATA}}\n商品名称：{{thing2.DATA}}\n{{ thing3.DATA }}\n',
}

const dataOf = (values: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, { value }]))

const path = '/cgi-bin/message/template/send'

suite('the card', () => {
  test('shows the rows of the template in its order, with its labels', () => {
    const data = dataOf({ thing3: '三', thing2: '茶', character_string1: 'A1', first: '您好', other: 'x' })
    assert.deepEqual(bubbleOf({ data }, template), {
      kind: 'card',
      title: '发货通知',
      rows: [
        { key: 'character_string1', label: '订单编号', value: 'A1' },
        { key: 'thing2', label: '商品名称', value: '茶' },
        { key: 'thing3', label: 'thing3', value: '三' },
      ],
      footer: { kind: 'none' },
    })
  })

  test('shows what came of a template that nobody told us of', () => {
    const bubble = bubbleOf({ data: dataOf({ thing9: '九', remark: '再见' }) }, undefined)
    assert.deepEqual('rows' in bubble && bubble.rows, [{ key: 'thing9', label: 'thing9', value: '九' }])
  })

  test('folds long values of historical templates and drops what follows a line break', () => {
    const content = 'A:{{keyword1.DATA}}\nB:{{keyword2.DATA}}'
    const data = dataOf({ keyword1: '一'.repeat(21), keyword2: '上\n下' })
    const bubble = bubbleOf({ data }, { title: '', content })
    assert.deepEqual('rows' in bubble && bubble.rows.map(({ value }) => value), [`${'一'.repeat(20)}…`, '上'])
  })

  test('leads to the mini program before the url', () => {
    const miniprogram = { appid: 'wx2', pagepath: 'pages/a' }
    const footers = [
      { url: 'https://a.example', miniprogram },
      { url: 'https://a.example' },
      { page: 'pages/b' },
    ].map((json) => {
      const bubble = bubbleOf({ data: {}, ...json }, template)
      return 'footer' in bubble && bubble.footer
    })
    assert.deepEqual(footers, [
      { kind: 'miniprogram', target: 'wx2 pages/a' },
      { kind: 'details', target: 'https://a.example' },
      { kind: 'details', target: 'pages/b' },
    ])
  })

  test('shows the title and the one text of a one-time subscription', () => {
    const json = { scene: '1000', title: '开奖提醒', data: dataOf({ content: '您关注的活动已开奖' }) }
    assert.deepEqual(bubbleOf(json, template), {
      kind: 'card',
      title: '开奖提醒',
      rows: [{ key: 'content', label: '', value: '您关注的活动已开奖' }],
      footer: { kind: 'none' },
    })
  })

  test('shows customer messages as bubbles', () => {
    const text = bubbleOf(
      { msgtype: 'text', text: { content: '看<a href="https://a.example">这里</a>' } },
      undefined,
    )
    assert.deepEqual(text, { kind: 'text', text: '看这里' })
    const image = bubbleOf({ msgtype: 'image', image: { media_id: 'M1' } }, undefined)
    assert.deepEqual(image, { kind: 'media', media: 'image', title: '', text: 'M1' })
    const news = bubbleOf(
      { msgtype: 'news', news: { articles: [{ title: '题', description: '文' }] } },
      undefined,
    )
    assert.deepEqual(news, { kind: 'media', media: 'news', title: '题', text: '文' })
    const list = [{ id: '1', content: '好' }]
    const menu = bubbleOf(
      { msgtype: 'msgmenu', msgmenu: { head_content: '满意吗', list, tail_content: '谢谢' } },
      undefined,
    )
    assert.deepEqual(menu, { kind: 'menu', text: '满意吗', items: ['好'], tail: '谢谢' })
  })

  test('survives any body', () => {
    for (const json of [
      {},
      { data: 'text' },
      { data: [1] },
      { data: { a: null } },
      { msgtype: 'news', news: 3 },
    ])
      assert.equal(typeof summaryOf(bubbleOf(json, template)), 'string')
  })

  test('reads labels behind either colon', () => {
    assert.deepEqual(
      [...labelsOf('一：{{thing1.DATA}}\n二 : {{ thing2.DATA }}\n{{thing3.DATA}}')],
      [
        ['thing1', '一'],
        ['thing2', '二'],
      ],
    )
  })
})

suite('the template check', () => {
  const examine = (json: Readonly<Record<string, unknown>>, where = path, content?: string) =>
    findingsOf({ json, content, path: where, lengthUnit: 'code-point' }).map(
      ({ level, code, where: key }) => `${level} ${code} ${key}`,
    )
  const client_msg_id = 'm1'

  test('finds nothing wrong with a good message', () => {
    const data = dataOf({ character_string1: 'A1', thing2: '茶' })
    const content = '编号:{{character_string1.DATA}}\n名称:{{thing2.DATA}}'
    assert.deepEqual(examine({ data, client_msg_id, url: 'https://a.example' }, path, content), [])
  })

  test('measures every field against its type', () => {
    const data = dataOf({ thing2: '一'.repeat(21), character_string1: '单号', thing4: 'x' })
    assert.deepEqual(examine({ data, client_msg_id }, path, template.content), [
      'error malformed character_string1',
      'error too-long thing2',
      'error empty thing3',
      'warning dropped first',
      'warning key-unknown thing4',
    ])
    const [, , thing2] = fieldLines({
      json: { data },
      content: template.content,
      path,
      lengthUnit: 'code-point',
    })
    assert.deepEqual(thing2, {
      key: 'thing2',
      label: '商品名称',
      type: 'thing',
      value: '一'.repeat(21),
      length: 21,
      limit: 20,
      unit: 'characters',
      result: 'too-long',
    })
  })

  test('knows the approved words of a template', () => {
    const json = { data: dataOf({ const1: '待支付' }) }
    const line = (words: Readonly<Record<string, readonly string[]>>) =>
      fieldLines({ json, content: '状态:{{const1.DATA}}', path, lengthUnit: 'code-point', words })[0]?.result
    assert.deepEqual([line({ const1: ['待支付'] }), line({ const1: ['已支付'] })], ['ok', 'not-allowed'])
  })

  test('knows the forms that data takes by mistake', () => {
    assert.deepEqual(examine({ data: '{"thing1":{}}', client_msg_id }), ['error data-not-object data'])
    const data = { thing1: '茶', number2: { value: 3, color: '#f00' } }
    assert.deepEqual(examine({ data, client_msg_id }), [
      'error empty thing1',
      'error field-not-object thing1',
      'warning color number2',
      'warning not-text number2',
    ])
  })

  /** Parts of a body, and what is found about them. */
  const targets: readonly (readonly [string, Readonly<Record<string, unknown>>, string, string?])[] = [
    ['a form id of old', { form_id: 'f' }, 'warning form-id form_id'],
    ['an emphasis word', { emphasis_keyword: 'keyword1.DATA' }, 'warning emphasis emphasis_keyword'],
    ['a top colour', { topcolor: '#fff' }, 'warning topcolor topcolor'],
    ['a trial version', { miniprogram_state: 'trial' }, 'warning not-formal miniprogram_state'],
    ['a page with a slash in front', { page: '/pages/a' }, 'warning page-shape page'],
    [
      'a page of bizsend that is no address',
      { page: 'pages/a' },
      'warning page-url page',
      '/cgi-bin/message/subscribe/bizsend',
    ],
    ['a url without a scheme', { url: 'a.example' }, 'warning url-shape url'],
    ['a mini program without appid', { miniprogram: {} }, 'error program-appid miniprogram'],
    ['a mini program without page', { miniprogram: { appid: 'wx2' } }, 'warning program-page miniprogram'],
    [
      'a client_msg_id of odd characters',
      { client_msg_id: '编号' },
      'warning client-msg-id-shape client_msg_id',
    ],
    ['no client_msg_id', { client_msg_id: undefined }, 'hint no-client-msg-id client_msg_id'],
    ['advertising', { data: dataOf({ thing1: '限时秒杀' }) }, 'hint marketing thing1'],
  ]
  for (const [what, part, expected, where] of targets)
    test(`sees ${what}`, () => {
      assert.deepEqual(examine({ data: {}, client_msg_id, ...part }, where), [expected])
    })

  test('asks for no template fields of a customer message', () => {
    assert.deepEqual(
      examine({ msgtype: 'text', text: { content: '您好' } }, '/cgi-bin/message/custom/send'),
      [],
    )
  })
})
