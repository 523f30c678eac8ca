import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import {
  aMessage,
  aSubscribeMessage,
  dataOf,
  miniprogram,
  type OpenOptions,
  official,
  openSimulator,
  type Row,
  subscribeSend,
  templateSend,
} from './open.ts'

const open = async (t: TestContext, options: OpenOptions = {}) => {
  const sim = await openSimulator(t, options)
  const send = async (
    client_msg_id: string,
    { tags = '', ...change }: { tags?: string; touser?: unknown; data?: unknown } = {},
  ) => {
    const token = await sim.tokenOf(official)
    const body = JSON.stringify(aMessage({ client_msg_id, ...change }))
    const headers = tags === '' ? {} : { 'X-Tags': tags }
    await fetch(`${sim.url}${templateSend}?access_token=${token}`, { method: 'POST', body, headers })
  }
  const messages = async (q = ''): Promise<Row[]> =>
    (await sim.admin(`messages?q=${encodeURIComponent(q)}`)).json.messages as Row[]
  const forget = () => fetch(`${sim.adminUrl}/_sim/messages`, { method: 'DELETE' })
  return { ...sim, sendAs: send, messages, forget }
}

const words = (thing2: string) => ({ data: dataOf({ ...official.templates[0]?.example, thing2 }) })

/** Five messages: a to c accepted, d and e refused, one of a mini program. */
const aPlay = async (t: TestContext) => {
  const sim = await open(t)
  await sim.admin('clock', { speed: 0 })
  const start = Date.parse(String((await sim.admin('clock')).json.now))
  await sim.sendAs('a', { tags: 'order, night' })
  await sim.advance(60_000)
  await sim.sendAs('b', { touser: official.openids[1], ...words('狮峰龙井 100g') })
  await sim.sendAs('c', { tags: 'order' })
  await sim.sendAs('d', { touser: 'oNobody', tags: 'night' })
  await sim.sendAs('e', { data: {} })
  await sim.as(miniprogram, subscribeSend, aSubscribeMessage({ client_msg_id: 'm' }))
  const ids = async (q: string) => (await sim.messages(q)).map(({ client_msg_id }) => client_msg_id).join('')
  return { ...sim, ids, start }
}

suite('searching messages', () => {
  const searches: readonly [q: string, ids: string][] = [
    ['', 'abcdem'],
    [`to:${official.openids[1]}`, 'b'],
    ['to:oNobody', 'd'],
    [`template:${official.templates[0]?.template_id}`, 'abcde'],
    ['template:order-shipped', 'abcde'],
    ['template:排队到号提醒', 'm'],
    [`app:${miniprogram.appid}`, 'm'],
    ['app:demo-official', 'abcde'],
    ['errcode:0', 'abcm'],
    ['errcode:40003', 'd'],
    ['-errcode:0', 'de'],
    ['is:refused', 'de'],
    ['is:accepted', 'abcm'],
    ['is:undelivered', ''],
    ['tag:order', 'ac'],
    ['tag:night', 'ad'],
    ['tag:order -tag:night', 'c'],
    ['field.thing2:龙井', 'b'],
    ['field.thing2:"狮峰龙井 100g"', 'b'],
    ['field.thing3:龙井', ''],
    ['龙井', 'b'],
    ['"龙井 100g"', 'b'],
    ['-龙井 app:demo-official errcode:0', 'ac'],
    ['龙井 大红袍', ''],
    ['before:2020-01-01', ''],
    ['after:2020-01-01', 'abcdem'],
  ]
  test('finds by every term and its opposite', async (t: TestContext) => {
    const sim = await aPlay(t)
    for (const [q, ids] of searches) t.assert.equal(await sim.ids(q), ids, q)
    const between = new Date(sim.start + 30_000).toISOString()
    t.assert.equal(await sim.ids(`before:${between}`), 'a')
    t.assert.equal(await sim.ids(`after:${between} errcode:0`), 'bcm')
  })

  const bad: readonly [query: string, error: RegExp][] = [
    ['q=colour:red', /there is no colour: to search for/],
    ['q=errcode:many', /errcode: must be a whole number/],
    ['q=is:unread', /is: must be one of accepted, refused, undelivered/],
    ['q=before:soon', /before: must be a date/],
    ['limit=x', /limit must be a whole number/],
    ['p=1', /p is not known here/],
  ]
  for (const [query, error] of bad)
    test(`${query} is 400`, async (t: TestContext) => {
      const sim = await open(t)
      const answer = await sim.admin(`messages?${query}`)
      t.assert.equal(answer.status, 400)
      t.assert.match(String(answer.json.error), error)
    })

  test('tells everything about each, newest last, and how many there are', async (t: TestContext) => {
    const sim = await aPlay(t)
    const { json } = await sim.admin('messages?limit=2')
    t.assert.equal(json.total, 6)
    t.assert.partialDeepStrictEqual(json.messages, [
      { client_msg_id: 'e', errcode: 47003, msgid: null, path: templateSend, tags: [] },
      { client_msg_id: 'm', errcode: 0, account: 'demo-miniprogram', title: '排队到号提醒', fault: null },
    ])
    const [first] = await sim.messages('to:' + official.openids[0])
    t.assert.deepEqual(first?.tags, ['order', 'night'])
  })

  test('counts a message once, however often its client_msg_id came', async (t: TestContext) => {
    const sim = await open(t)
    await sim.sendAs('a')
    await sim.sendAs('a')
    t.assert.equal((await sim.messages()).length, 1)
  })

  test('shows a call that a fault refused', async (t: TestContext) => {
    const sim = await open(t)
    await sim.tokenOf()
    await sim.faults({ path: templateSend, reset: 'before' })
    await sim.sendAs('a').catch(() => {})
    t.assert.partialDeepStrictEqual(await sim.messages('is:refused'), [
      { client_msg_id: 'a', errcode: null, fault: 'reset:before' },
    ])
  })
})

suite('waiting for messages that are searched for', () => {
  test('ends when they are there', async (t: TestContext) => {
    const sim = await open(t)
    const waiting = sim.admin('wait', { q: 'tag:night 龙井', count: 1, timeout_ms: 5_000 })
    await sim.sendAs('a', { tags: 'night' })
    await sim.sendAs('b', { tags: 'day', ...words('龙井') })
    await sim.sendAs('c', { tags: 'night', ...words('龙井') })
    t.assert.partialDeepStrictEqual((await waiting).json.effects as Row[], [{ client_msg_id: 'c' }])
    t.assert.equal((await sim.admin('wait', { q: 'colour:red' })).status, 400)
    t.assert.equal((await sim.admin('wait', { q: 'to:x', timeout_ms: 1 })).status, 408)
  })
})

suite('deleting messages', () => {
  test('leaves what they used up, and nothing of them comes back', async (t: TestContext) => {
    const home = await mkdtemp(join(tmpdir(), 'simulator-'))
    t.after(() => rm(home, { recursive: true }))
    const first = await open(t, { home })
    await first.sendAs('a')
    t.assert.deepEqual(await (await first.forget()).json(), { deleted: 1 })
    t.assert.deepEqual(await first.messages(), [])
    await first.sendAs('a')
    t.assert.deepEqual(await first.effects(), [], 'its client_msg_id still guards it')
    await first.sendAs('b')
    await first.close()
    const second = await open(t, { home })
    t.assert.partialDeepStrictEqual(await second.effects(), [{ client_msg_id: 'b' }])
    t.assert.equal((await second.effects()).length, 1)
  })

  test('is for all of them', async (t: TestContext) => {
    const sim = await open(t)
    const response = await fetch(`${sim.adminUrl}/_sim/messages?q=tag:x`, { method: 'DELETE' })
    t.assert.equal(response.status, 400)
  })
})
