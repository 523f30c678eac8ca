import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import {
  aSubscribeMessage,
  dataOf,
  miniprogram,
  type OpenOptions,
  official,
  openSimulator,
  subscribeSend,
  templateSend,
} from './open.ts'

const open = async (t: TestContext, options: OpenOptions = {}) => {
  const sim = await openSimulator(t, options)
  const own = async (call: string, body?: object) =>
    (await sim.as(official, `/cgi-bin/template/${call}`, body)).json
  const mini = async (call: string, body?: object) =>
    (await sim.as(miniprogram, `/wxaapi/newtmpl/${call}`, body)).json
  return { ...sim, own, mini }
}

type Row = Record<string, unknown>

suite('templates of official accounts', () => {
  test('are listed without an errcode, with content and example', async (t: TestContext) => {
    const sim = await open(t)
    const json = await sim.own('get_all_private_template')
    const [first] = official.templates
    t.assert.equal(json.errcode, undefined)
    t.assert.equal((json.template_list as Row[]).length, official.templates.length)
    t.assert.partialDeepStrictEqual(json.template_list as Row[], [
      { template_id: first?.template_id, title: first?.title, content: first?.content },
    ])
    t.assert.match(String((json.template_list as Row[])[0]?.example), /^订单编号:A20260501-1024\n/)
  })

  test('of the category library are added by keyword, sent, and deleted', async (t: TestContext) => {
    const sim = await open(t)
    const { template_id } = await sim.own('api_add_template', {
      template_id_short: '401',
      keyword_name_list: ['商品名称', '订单金额'],
    })
    t.assert.equal(String(template_id).length, 43)
    const send = async (data: object) =>
      (await sim.as(official, templateSend, { touser: official.openids[0], template_id, data })).json.errcode
    t.assert.equal(await send(dataOf({ thing2: '龙井', amount4: '¥8.00' })), 0)
    t.assert.equal(await send(dataOf({ thing2: '龙井', amount4: '八元' })), 47003)
    t.assert.equal((await sim.own('del_private_template', { template_id })).errcode, 0)
    t.assert.equal(await send(dataOf({ thing2: '龙井', amount4: '¥8.00' })), 40037)
    t.assert.equal((await sim.own('del_private_template', { template_id })).errcode, 40037)
  })

  const additions: readonly [name: string, body: object, errcode: number][] = [
    ['an industry template', { template_id_short: 'TM00015' }, 0],
    ['another industry template', { template_id_short: 'OPENTM201' }, 0],
    ['no keywords', { template_id_short: '401' }, 40246],
    ['a keyword that is no text', { template_id_short: '401', keyword_name_list: [1] }, 40246],
    ['no short id at all', {}, 40037],
  ]
  for (const [name, body, errcode] of additions)
    test(`adding ${name} is ${errcode}`, async (t: TestContext) => {
      const sim = await open(t)
      t.assert.equal((await sim.own('api_add_template', body)).errcode, errcode)
    })

  test('an industry template may be 40247, a punished account is 43106', async (t: TestContext) => {
    const sim = await open(t, { switches: { industryTemplates: 'refuse' } })
    const add = async () => (await sim.own('api_add_template', { template_id_short: 'TM00015' })).errcode
    t.assert.equal(await add(), 40247)
    await sim.admin('accounts', { appid: official.appid, flags: { templatesForbidden: true } })
    t.assert.equal(await add(), 43106)
  })

  test('are at most 25', async (t: TestContext) => {
    const sim = await open(t)
    const codes = []
    for (let i = official.templates.length; i <= 25; i++)
      codes.push((await sim.own('api_add_template', { template_id_short: 'TM00015' })).errcode)
    t.assert.deepEqual(codes.slice(-2), [0, 45026])
  })

  test('the industry changes once a month and takes its templates with it', async (t: TestContext) => {
    const sim = await open(t)
    await sim.admin('clock', { speed: 0 })
    const set = async (industry_id1: string, industry_id2: string) =>
      (await sim.own('api_set_industry', { industry_id1, industry_id2 })).errcode
    t.assert.equal(await set('1', '4'), 0)
    t.assert.equal(await set('2', '4'), 43100)
    t.assert.equal(await set('42', '4'), 40102)
    t.assert.partialDeepStrictEqual(await sim.own('get_industry'), {
      secondary_industry: { second_class: '4' },
    })
    await sim.own('api_add_template', { template_id_short: 'TM00015' })
    await sim.advance(32 * 86_400_000)
    t.assert.equal(await set('2', '4'), 0)
    const { template_list } = await sim.own('get_all_private_template')
    t.assert.equal((template_list as Row[]).length, official.templates.length)
  })

  test('belong to official accounts only', async (t: TestContext) => {
    const sim = await open(t)
    const { json } = await sim.as(miniprogram, '/cgi-bin/template/get_all_private_template')
    t.assert.equal(json.errcode, 48001)
  })
})

suite('subscribe templates', () => {
  test('are found by category, title and keyword', async (t: TestContext) => {
    const sim = await open(t)
    const { data: categories } = await sim.mini('getcategory')
    t.assert.partialDeepStrictEqual(categories, [{ id: 616 }, { id: 617 }])
    const titles = await sim.mini('getpubtemplatetitles?ids=616,617&start=1&limit=2')
    t.assert.equal(titles.count, 4)
    t.assert.partialDeepStrictEqual(titles.data, [{ tid: 402, type: 2, categoryId: '616' }, { tid: 503 }])
    const keywords = await sim.mini('getpubtemplatekeywords?tid=503')
    t.assert.partialDeepStrictEqual(keywords, { count: 3, data: [{ kid: 1, rule: 'thing' }] })
  })

  test('are added, told with their approved words, sent, and deleted', async (t: TestContext) => {
    const sim = await open(t)
    const added = await sim.mini('addtemplate', { tid: '402', kidList: [2, 3], sceneDesc: '下单提醒' })
    const template_id = added.priTmplId
    const { data } = await sim.mini('gettemplate')
    t.assert.partialDeepStrictEqual((data as Row[]).at(-1), {
      priTmplId: template_id,
      type: 2,
      content: '订单状态:{{enum_string2.DATA}}\n备注:{{thing3.DATA}}\n',
      keywordEnumValueList: [
        { keywordCode: 'enum_string2.DATA', enumValueList: ['待支付', '已支付', '已取消'] },
      ],
    })
    const send = async (word: string) => {
      const message = aSubscribeMessage({ template_id, data: dataOf({ enum_string2: word, thing3: '无' }) })
      return (await sim.as(miniprogram, subscribeSend, message)).json.errcode
    }
    t.assert.equal(await send('已支付'), 0)
    t.assert.equal(await send('在路上'), 47003)
    t.assert.equal((await sim.mini('deltemplate', { priTmplId: template_id })).errcode, 0)
    t.assert.equal(await send('已支付'), 40037)
  })

  const refusals: readonly [call: string, body: object | undefined, errcode: number][] = [
    ['getpubtemplatetitles?start=0&limit=30', undefined, 200018],
    ['getpubtemplatetitles?ids=1&start=0&limit=30', undefined, 200019],
    ['getpubtemplatetitles?ids=616&start=x&limit=30', undefined, 200016],
    ['getpubtemplatetitles?ids=616&start=0&limit=31', undefined, 200017],
    ['getpubtemplatekeywords?tid=1', undefined, 200014],
    ['addtemplate', { tid: '1', kidList: [1, 2] }, 200014],
    ['addtemplate', { tid: '401', kidList: [1] }, 200020],
    ['addtemplate', { tid: '401', kidList: [1, 2, 3, 4, 5, 6] }, 200020],
    ['addtemplate', { tid: '401', kidList: [1, 99] }, 200020],
    ['addtemplate', { tid: '401', kidList: [1, 1] }, 200022],
    ['addtemplate', { tid: '401', kidList: [1, 2], sceneDesc: '字'.repeat(16) }, 200021],
    ['deltemplate', { priTmplId: 'x' }, 40037],
  ]
  for (const [call, body, errcode] of refusals)
    test(`${call} ${JSON.stringify(body) ?? ''} is ${errcode}`, async (t: TestContext) => {
      const sim = await open(t)
      t.assert.equal((await sim.mini(call, body)).errcode, errcode)
    })

  test('are at most 25, and none for an account that is banned', async (t: TestContext) => {
    const sim = await open(t)
    const add = async () => (await sim.mini('addtemplate', { tid: '401', kidList: [1, 2] })).errcode
    const codes = []
    for (let i = miniprogram.templates.length; i <= 25; i++) codes.push(await add())
    t.assert.deepEqual(codes.slice(-2), [0, 200012])
    await sim.admin('accounts', { appid: miniprogram.appid, flags: { subscribeBanned: true } })
    t.assert.equal(await add(), 200011)
  })

  test('survive with the journal, and a reset takes them back', async (t: TestContext) => {
    const home = await mkdtemp(join(tmpdir(), 'simulator-'))
    t.after(() => rm(home, { recursive: true }))
    const count = async (sim: Awaited<ReturnType<typeof open>>) =>
      ((await sim.mini('gettemplate')).data as Row[]).length
    const first = await open(t, { home })
    const { priTmplId } = await first.mini('addtemplate', { tid: '401', kidList: [1, 2] })
    await first.mini('addtemplate', { tid: '401', kidList: [1, 2] })
    await first.mini('deltemplate', { priTmplId })
    await first.close()
    const second = await open(t, { home })
    t.assert.equal(await count(second), miniprogram.templates.length + 1)
    await second.admin('reset', {})
    t.assert.equal(await count(second), miniprogram.templates.length)
  })
})
