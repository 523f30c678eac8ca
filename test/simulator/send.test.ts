import { suite, type TestContext, test } from 'node:test'
import {
  aMessage,
  aSubscribeMessage,
  dataOf,
  miniprogram,
  official,
  openSimulator,
  subscribeSend,
  templateSend,
} from './open.ts'

const [shipped, payment] = official.templates
const example = shipped?.example ?? {}

suite('what template/send refuses', () => {
  const cases: readonly [name: string, change: object, errcode: number][] = [
    ['no openid', { touser: undefined }, 41009],
    ['an openid of nobody', { touser: 'oNobody' }, 40003],
    ['an openid of another account', { touser: miniprogram.openids[0] }, 40003],
    ['an openid that is a number', { touser: 7 }, 40003],
    ['a template id of the wrong length', { template_id: 'short' }, 40036],
    ['an unknown template', { template_id: 'x'.repeat(43) }, 40037],
    ['no template', { template_id: undefined }, 40037],
    ['a url that is too long', { url: `https://example.com/${'x'.repeat(2_048)}` }, 40039],
    ['a mini program without appid', { miniprogram: { pagepath: 'pages/a' } }, 40166],
    ['an unknown openid and bad data', { touser: 'oNobody', data: {} }, 40003],
  ]
  for (const [name, change, errcode] of cases)
    test(`${name} is ${errcode}`, async (t: TestContext) => {
      const sim = await openSimulator(t)
      t.assert.equal((await sim.send(await sim.tokenOf(), change)).json.errcode, errcode)
      t.assert.deepEqual(await sim.effects(), [])
    })
})

suite('data', () => {
  const with1 = (value: unknown) => ({ ...dataOf(example), character_string1: { value } })
  const cases: readonly [name: string, data: unknown, reason: string][] = [
    ['a bad value, with the reason cut at 30 characters', with1('单号'), 'data.character_string1.value i'],
    ['an empty value', { ...dataOf(example), thing2: { value: '' } }, 'data.thing2.value is empty'],
    ['a missing key', dataOf({ ...example, thing2: '' }), 'data.thing2.value is empty'],
    ['the first fault in template order', { time5: { value: 'soon' } }, 'data.character_string1.value i'],
    ['a text instead of an object', JSON.stringify(dataOf(example)), 'data.character_string1.value i'],
    [
      'too long a thing',
      { ...dataOf(example), thing2: { value: '字'.repeat(21) } },
      'data.thing2.value invalid',
    ],
  ]
  for (const [name, data, reason] of cases)
    test(`${name} is 47003`, async (t: TestContext) => {
      const sim = await openSimulator(t)
      const { json } = await sim.send(await sim.tokenOf(), { data })
      t.assert.equal(json.errcode, 47003)
      t.assert.match(String(json.errmsg), new RegExp(`^argument invalid! ${reason} rid: `))
    })

  test('every example of the demo templates passes', async (t: TestContext) => {
    const sim = await openSimulator(t)
    for (const account of [official, miniprogram]) {
      const path = account === official ? templateSend : subscribeSend
      const token = await sim.tokenOf(account)
      for (const { template_id, example } of account.templates) {
        const message = { touser: account.openids[4], template_id, data: dataOf(example) }
        t.assert.equal((await sim.api(`${path}?access_token=${token}`, message)).json.errcode, 0, template_id)
      }
    }
  })

  test('keys of a historical template are not looked at', async (t: TestContext) => {
    const history = {
      template_id: 'H'.repeat(43),
      title: '旧',
      content: '{{first.DATA}}\n单号:{{keyword1.DATA}}\n{{remark.DATA}}',
    }
    const sim = await openSimulator(t, { accounts: [{ ...official, templates: [history] }] })
    const data = { keyword1: { value: '字'.repeat(300) } }
    const { json } = await sim.send(await sim.tokenOf(), { template_id: history.template_id, data })
    t.assert.equal(json.errcode, 0)
  })

  test('a test account does not mind lengths, but still minds forms', async (t: TestContext) => {
    const sim = await openSimulator(t, { accounts: [{ ...official, flags: { sandbox: true } }] })
    const token = await sim.tokenOf()
    const long = { data: { ...dataOf(example), thing2: { value: '字'.repeat(99) } } }
    t.assert.equal((await sim.send(token, long)).json.errcode, 0)
    t.assert.equal((await sim.send(token, { data: with1('单号') })).json.errcode, 47003)
  })

  const switched: readonly [name: string, switches: object, data: object, errcode: number][] = [
    ['a number for a value passes', {}, with1(1024), 0],
    ['a number for a value fails', { nonStringValue: 'reject' }, with1(1024), 47003],
    ['an extra key passes', {}, { ...dataOf(example), thing9: { value: 'x' } }, 0],
    ['an extra key fails', { extraKeys: 'reject' }, { ...dataOf(example), thing9: { value: 'x' } }, 47003],
    ['twenty faces pass', {}, { ...dataOf(example), thing2: { value: '😀'.repeat(20) } }, 0],
    [
      'twenty faces fail',
      { lengthUnit: 'utf16' },
      { ...dataOf(example), thing2: { value: '😀'.repeat(20) } },
      47003,
    ],
  ]
  for (const [name, switches, data, errcode] of switched)
    test(`${name} with ${JSON.stringify(switches)}`, async (t: TestContext) => {
      const sim = await openSimulator(t, { switches })
      t.assert.equal((await sim.send(await sim.tokenOf(), { data })).json.errcode, errcode)
    })
})

suite('recipients', () => {
  const [touser] = official.openids
  const cases: readonly [state: object, errcode: number][] = [
    [{ following: false }, 43004],
    [{ blocked: true }, 43019],
    [{ frozen: true }, 50002],
    [{ refuses: [shipped?.template_id] }, 43101],
    [{ refuses: [payment?.template_id] }, 0],
  ]
  for (const [state, errcode] of cases)
    test(`a follower with ${JSON.stringify(state)} answers ${errcode}`, async (t: TestContext) => {
      const sim = await openSimulator(t)
      await sim.admin('recipients', { appid: official.appid, touser, ...state })
      const token = await sim.tokenOf()
      t.assert.equal((await sim.send(token)).json.errcode, errcode)
      t.assert.equal((await sim.send(token, { touser: official.openids[1] })).json.errcode, 0)
    })

  test('a toggle keeps what it does not name, and can be taken back', async (t: TestContext) => {
    const sim = await openSimulator(t)
    const toggle = (state: object) => sim.admin('recipients', { appid: official.appid, touser, ...state })
    await toggle({ blocked: true })
    await toggle({ following: false })
    const token = await sim.tokenOf()
    t.assert.equal((await sim.send(token)).json.errcode, 43004)
    await toggle({ following: true })
    t.assert.equal((await sim.send(token)).json.errcode, 43019)
  })

  test('a user who is toggled is known from then on', async (t: TestContext) => {
    const sim = await openSimulator(t)
    await sim.admin('recipients', { appid: official.appid, touser: 'oNewcomer' })
    t.assert.equal((await sim.send(await sim.tokenOf(), { touser: 'oNewcomer' })).json.errcode, 0)
  })

  test('a mini program hears 43101 for every no', async (t: TestContext) => {
    const sim = await openSimulator(t)
    const token = await sim.tokenOf(miniprogram)
    const send = async () =>
      (await sim.api(`${subscribeSend}?access_token=${token}`, aSubscribeMessage())).json.errcode
    t.assert.equal(await send(), 0)
    const user = { appid: miniprogram.appid, touser: miniprogram.openids[0] }
    await sim.admin('recipients', { ...user, refuses: [miniprogram.templates[0]?.template_id] })
    t.assert.equal(await send(), 43101)
  })
})

suite('accounts', () => {
  test('the API of the other kind of account is 48001', async (t: TestContext) => {
    const sim = await openSimulator(t)
    const own = await sim.tokenOf(official)
    const other = await sim.tokenOf(miniprogram)
    t.assert.equal((await sim.api(`${templateSend}?access_token=${other}`, aMessage())).json.errcode, 48001)
    t.assert.equal(
      (await sim.api(`${subscribeSend}?access_token=${own}`, aSubscribeMessage())).json.errcode,
      48001,
    )
  })

  const flagged: readonly [flags: object, template: number, subscribe: number][] = [
    [{ apiBanned: true }, 48004, 48004],
    [{ frozen: true }, 50007, 50007],
    [{ bannedTemplates: [shipped?.template_id, miniprogram.templates[0]?.template_id] }, 43116, 43107],
    [{ subscribeBanned: true }, 0, 43107],
    [{ ipWhitelist: ['10.0.0.0/8'] }, 40164, 0],
  ]
  for (const [flags, template, subscribe] of flagged)
    test(`${JSON.stringify(flags).slice(0, 40)} is ${template} and ${subscribe}`, async (t: TestContext) => {
      const sim = await openSimulator(t)
      const [one, two] = [await sim.tokenOf(official), await sim.tokenOf(miniprogram)]
      for (const { appid } of [official, miniprogram]) await sim.admin('accounts', { appid, flags })
      t.assert.equal((await sim.send(one)).json.errcode, template)
      const { json } = await sim.api(`${subscribeSend}?access_token=${two}`, aSubscribeMessage())
      t.assert.equal(json.errcode, subscribe)
    })

  test('in the "accept any" mode strangers may do everything, but typed fields are still checked', async (t: TestContext) => {
    const sim = await openSimulator(t, { anyAccount: true })
    const token = await sim.tokenOf({ ...official, appid: 'wxStranger', secret: 'whatever' })
    const stranger = { touser: 'anybody', template_id: 'anything', data: dataOf({ thing1: '茶', other: '' }) }
    for (const path of [templateSend, subscribeSend])
      t.assert.equal((await sim.api(`${path}?access_token=${token}`, stranger)).json.errcode, 0)
    const bad = { ...stranger, data: dataOf({ phrase1: 'OK' }) }
    t.assert.equal((await sim.api(`${templateSend}?access_token=${token}`, bad)).json.errcode, 47003)
    t.assert.equal((await sim.send('no token', stranger)).json.errcode, 40014)
  })
})

suite('a repeated client_msg_id', () => {
  const repeat = { client_msg_id: 'order-1' }

  test('is answered with the same msgid and seen once, for ten minutes', async (t: TestContext) => {
    const sim = await openSimulator(t)
    await sim.admin('clock', { speed: 0 })
    const token = await sim.tokenOf()
    const first = await sim.send(token, repeat)
    await sim.advance(599_999)
    t.assert.equal((await sim.send(token, repeat)).msgid, first.msgid)
    t.assert.equal((await sim.effects()).length, 1)
    await sim.advance(1)
    t.assert.notEqual((await sim.send(token, repeat)).msgid, first.msgid)
    t.assert.equal((await sim.effects()).length, 2)
  })

  test('may be answered with msgid 0 or 44007, by switch', async (t: TestContext) => {
    for (const [repeatedClientMsgId, expected] of [
      ['msgid-0', '"msgid":0}'],
      ['error', '"errcode":44007'],
    ] as const) {
      const sim = await openSimulator(t, { switches: { repeatedClientMsgId } })
      const token = await sim.tokenOf()
      await sim.send(token, repeat)
      t.assert.ok((await sim.send(token, repeat)).text.includes(expected))
      t.assert.equal((await sim.effects()).length, 1)
    }
  })

  test('to another user is another message', async (t: TestContext) => {
    const sim = await openSimulator(t)
    const token = await sim.tokenOf()
    await sim.send(token, repeat)
    await sim.send(token, { ...repeat, touser: official.openids[1] })
    t.assert.equal((await sim.effects()).length, 2)
  })

  test('after a refusal is a first one', async (t: TestContext) => {
    const sim = await openSimulator(t)
    const token = await sim.tokenOf()
    await sim.send(token, { ...repeat, data: {} })
    t.assert.equal((await sim.send(token, repeat)).json.errcode, 0)
    t.assert.equal((await sim.effects()).length, 1)
  })

  test('protects nobody in a mini program, which has no such key', async (t: TestContext) => {
    const sim = await openSimulator(t)
    const token = await sim.tokenOf(miniprogram)
    for (const _ of [1, 2]) await sim.api(`${subscribeSend}?access_token=${token}`, aSubscribeMessage(repeat))
    const seen = await sim.effects('client_msg_id=order-1')
    t.assert.equal(seen.length, 2)
  })
})
