import { suite, type TestContext, test } from 'node:test'
import {
  aMessage,
  aSubscribeMessage,
  miniprogram,
  type OpenOptions,
  official,
  openSimulator,
  subscribeSend,
  templateSend,
} from './open.ts'

const bizsend = '/cgi-bin/message/subscribe/bizsend'
const once = '/cgi-bin/message/template/subscribe'
const custom = '/cgi-bin/message/custom/send'
const form = '/cgi-bin/message/wxopen/template/send'
const uniform = '/cgi-bin/message/wxopen/template/uniform_send'

const [touser] = official.openids
const [miniUser] = miniprogram.openids
const template_id = official.templates[0]?.template_id

const open = async (t: TestContext, options: OpenOptions = {}) => {
  const sim = await openSimulator(t, options)
  const errcode = async (account: typeof official, path: string, body: object) =>
    (await sim.as(account, path, body)).json.errcode
  const interact = (what: string, account = official) =>
    sim.admin('interactions', { appid: account.appid, touser: account.openids[0], what })
  return { ...sim, errcode, interact }
}

suite('bizsend', () => {
  test('is answered with a msgid, and needs a grant but no follower', async (t: TestContext) => {
    const sim = await open(t, { grants: 'counted' })
    await sim.admin('recipients', { appid: official.appid, touser, following: false })
    t.assert.equal(await sim.errcode(official, bizsend, aMessage()), 43101)
    await sim.admin('grants', { appid: official.appid, touser, template_id, kind: 'once' })
    const sent = await sim.as(official, bizsend, aMessage())
    t.assert.match(sent.text, /^\{"errcode":0,"errmsg":"ok","msgid":\d{19}\}$/)
    t.assert.partialDeepStrictEqual(await sim.effects(), [{ msgid: sent.msgid, touser }])
    t.assert.equal(await sim.errcode(official, bizsend, aMessage()), 43101)
  })

  for (const bizsendDedupes of [true, false])
    test(`sends a repeated client_msg_id ${bizsendDedupes ? 'once' : 'twice'}, by switch`, async (t: TestContext) => {
      const sim = await open(t, { switches: { bizsendDedupes } })
      for (let i = 0; i < 2; i++)
        t.assert.equal(await sim.errcode(official, bizsend, aMessage({ client_msg_id: 'a' })), 0)
      t.assert.equal((await sim.effects()).length, bizsendDedupes ? 1 : 2)
    })

  test('and template/send each take their own family of templates', async (t: TestContext) => {
    const [first, ...rest] = official.templates
    const templates = [{ ...first!, type: 2 as const }, ...rest]
    const sim = await open(t, { accounts: [{ ...official, templates }] })
    t.assert.equal(await sim.errcode(official, templateSend, aMessage()), 40037)
    t.assert.equal(await sim.errcode(official, bizsend, aMessage()), 0)
  })
})

suite('template/subscribe', () => {
  const message = (change: object = {}) => ({
    touser,
    template_id,
    scene: 1000,
    title: '到货通知',
    data: { content: { value: '您关注的茶叶已到货', color: '#173177' } },
    ...change,
  })

  test('is answered without a msgid; the message is seen all the same', async (t: TestContext) => {
    const sim = await open(t)
    t.assert.equal((await sim.as(official, once, message())).text, '{"errcode":0,"errmsg":"ok"}')
    t.assert.partialDeepStrictEqual(await sim.effects(), [{ touser, template_id }])
  })

  test('takes one grant for each scene, and a second one does not add up', async (t: TestContext) => {
    const sim = await open(t, { grants: 'counted' })
    const grant = { appid: official.appid, touser, template_id, kind: 'scene' }
    t.assert.equal(await sim.errcode(official, once, message()), 43101)
    for (const scene of [1000, '1000', 7]) await sim.admin('grants', { ...grant, scene })
    const codes = []
    for (const scene of [1000, '1000', 7, 7])
      codes.push(await sim.errcode(official, once, message({ scene })))
    t.assert.deepEqual(codes, [0, 43101, 0, 43101])
  })

  const cases: readonly [name: string, change: object, errcode: number][] = [
    ['a title of fifteen characters', { title: '字'.repeat(15) }, 0],
    ['a title of sixteen characters', { title: '字'.repeat(16) }, 40062],
    ['no title', { title: undefined }, 40062],
    ['two hundred characters of content', { data: { content: { value: '字'.repeat(200) } } }, 0],
    ['one character of content too many', { data: { content: { value: '字'.repeat(201) } } }, 47003],
    ['no content', { data: {} }, 47003],
    ['a scene of 10000', { scene: 10_000 }, 0],
    ['a scene of 10001', { scene: 10_001 }, 40035],
    ['no scene', { scene: undefined }, 40035],
    ['an unknown template', { template_id: 'x'.repeat(43) }, 40037],
    ['an openid of nobody', { touser: 'oNobody' }, 40003],
  ]
  for (const [name, change, errcode] of cases)
    test(`${name} is ${errcode}`, async (t: TestContext) => {
      const sim = await open(t)
      t.assert.equal(await sim.errcode(official, once, message(change)), errcode)
    })
})

suite('custom/send', () => {
  const text = { msgtype: 'text', text: { content: '您好' } }

  test('what it says is in the effects, and the answer has no msgid', async (t: TestContext) => {
    const sim = await open(t)
    t.assert.equal((await sim.as(official, custom, { touser, ...text })).text, '{"errcode":0,"errmsg":"ok"}')
    t.assert.partialDeepStrictEqual(await sim.effects(), [{ touser, template_id: '', data: text }])
  })

  const windows: readonly [account: typeof official, what: string, count: number, lifeMs: number][] = [
    [official, 'message', 5, 48 * 3_600_000],
    [official, 'menu', 3, 60_000],
    [official, 'follow', 3, 60_000],
    [official, 'scan', 3, 60_000],
    [miniprogram, 'message', 5, 48 * 3_600_000],
    [miniprogram, 'session', 2, 60_000],
  ]
  for (const [account, what, count, lifeMs] of windows)
    test(`${account.kind}: ${what} opens ${count} messages for ${lifeMs} ms`, async (t: TestContext) => {
      const sim = await open(t, { grants: 'counted' })
      await sim.admin('clock', { speed: 0 })
      const send = () => sim.errcode(account, custom, { touser: account.openids[0], ...text })
      t.assert.equal(await send(), 45015)
      const { json } = await sim.interact(what, account)
      t.assert.partialDeepStrictEqual(json, { mode: 'counted', windows: [{ what, count }] })
      for (let i = 0; i < count; i++) t.assert.equal(await send(), 0)
      t.assert.equal(await send(), 45047)
      await sim.interact(what, account)
      t.assert.equal(await send(), 0, 'the next one opens it anew')
      await sim.advance(lifeMs)
      t.assert.equal(await send(), 45015)
    })

  test('who unfollows closes the window', async (t: TestContext) => {
    const sim = await open(t)
    await sim.admin('recipients', { appid: official.appid, touser, following: false })
    t.assert.equal(await sim.errcode(official, custom, { touser, ...text }), 45015)
  })

  const kinds: readonly [account: typeof official, message: object, errcode: number][] = [
    [official, { msgtype: 'news', news: { articles: [{ title: '新茶' }] } }, 0],
    [official, { msgtype: 'msgmenu', msgmenu: { list: [{ id: '1', content: '好' }] } }, 0],
    [official, { msgtype: 'link', link: { title: 'a', url: 'https://example.com' } }, 48008],
    [official, { msgtype: 'image', image: {} }, 40035],
    [official, { msgtype: 'text', text: '您好' }, 40035],
    [official, { msgtype: 'telegram' }, 40008],
    [official, { msgtype: 'toString' }, 40008],
    [miniprogram, { msgtype: 'link', link: { title: 'a', url: 'https://example.com' } }, 0],
    [miniprogram, { msgtype: 'news', news: { articles: [{ title: '新茶' }] } }, 48008],
    [miniprogram, { msgtype: 'image', image: { media_id: 'm' } }, 0],
  ]
  for (const [account, message, errcode] of kinds)
    test(`${account.kind}: ${JSON.stringify(message).slice(0, 40)} is ${errcode}`, async (t: TestContext) => {
      const sim = await open(t)
      const body = { touser: account.openids[0], ...message }
      t.assert.equal(await sim.errcode(account, custom, body), errcode)
    })

  test('a msgtype that does not exist may be 45072, and a blocked account is 45087', async (t: TestContext) => {
    const sim = await open(t, { switches: { unknownMsgtypeErrcode: 45072 } })
    t.assert.equal(await sim.errcode(official, custom, { touser, msgtype: 'x' }), 45072)
    await sim.admin('accounts', { appid: official.appid, flags: { customerBlocked: true } })
    t.assert.equal(await sim.errcode(official, custom, { touser, ...text }), 45087)
  })
})

suite('the withdrawn APIs', () => {
  const message = (form_id: string, change: object = {}) => aSubscribeMessage({ form_id, ...change })
  const history = { switches: { formMessages: 'history' }, grants: 'counted' } as const

  test('answer today that they are withdrawn', async (t: TestContext) => {
    const sim = await open(t)
    t.assert.equal(await sim.errcode(miniprogram, form, message('f')), 46101)
    t.assert.equal(await sim.errcode(miniprogram, uniform, { touser: miniUser }), 45109)
  })

  for (const [kind, count] of [
    ['form', 1],
    ['prepay', 3],
  ] as const)
    test(`in history a ${kind} id is good for ${count} and seven days`, async (t: TestContext) => {
      const sim = await open(t, history)
      await sim.admin('clock', { speed: 0 })
      const give = (form_id: string) =>
        sim.admin('grants', { appid: miniprogram.appid, touser: miniUser, kind, form_id })
      await give('f1')
      t.assert.equal(await sim.errcode(miniprogram, form, message('other')), 41028)
      for (let i = 0; i < count; i++) t.assert.equal(await sim.errcode(miniprogram, form, message('f1')), 0)
      t.assert.equal(await sim.errcode(miniprogram, form, message('f1')), 41029)
      await give('f2')
      await sim.advance(7 * 86_400_000)
      t.assert.equal(await sim.errcode(miniprogram, form, message('f2')), 41028)
    })

  test('in history pages and emphasis are looked at', async (t: TestContext) => {
    const sim = await open(t, { switches: history.switches })
    const emphasis = async (word: string) =>
      sim.errcode(miniprogram, form, message('f', { emphasis_keyword: word }))
    t.assert.equal(await emphasis('thing1.DATA'), 0)
    t.assert.equal(await emphasis('first.DATA'), 40138)
    t.assert.equal(await sim.errcode(miniprogram, form, message('the formId is a mock one')), 41028)
    await sim.admin('accounts', { appid: miniprogram.appid, flags: { pages: ['pages/a'] } })
    t.assert.equal(await sim.errcode(miniprogram, form, message('f', { page: 'pages/a?x=1' })), 0)
    t.assert.equal(await sim.errcode(miniprogram, form, message('f', { page: 'pages/b' })), 41030)
    t.assert.equal(
      await sim.errcode(miniprogram, subscribeSend, aSubscribeMessage({ page: 'pages/b' })),
      41030,
    )
  })
})

suite('the other kind of account', () => {
  for (const otherKindErrcode of [48001, 45103] as const)
    test(`is ${otherKindErrcode} by switch, on every API that is not its own`, async (t: TestContext) => {
      const sim = await open(t, { switches: { otherKindErrcode } })
      for (const path of [templateSend, bizsend, once])
        t.assert.equal(await sim.errcode(miniprogram, path, aSubscribeMessage()), otherKindErrcode, path)
      for (const path of [subscribeSend, form])
        t.assert.equal(await sim.errcode(official, path, aMessage()), otherKindErrcode, path)
      t.assert.equal(
        await sim.errcode(miniprogram, custom, { touser: miniUser, msgtype: 'text', text: { content: 'a' } }),
        0,
      )
    })

  test('an unbound mini program is 40166, and a pagepath that is none 40165', async (t: TestContext) => {
    const flags = { boundMiniprograms: [miniprogram.appid] }
    const sim = await open(t, { accounts: [{ ...official, flags }] })
    const to = (target: object) => sim.errcode(official, templateSend, aMessage({ miniprogram: target }))
    t.assert.equal(await to({ appid: miniprogram.appid, pagepath: 'pages/a' }), 0)
    t.assert.equal(await to({ appid: 'wx1111111111111111', pagepath: 'pages/a' }), 40166)
    t.assert.equal(await to({ appid: miniprogram.appid, pagepath: 7 }), 40165)
  })
})
