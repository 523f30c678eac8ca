import { suite, type TestContext, test } from 'node:test'
import {
  aMessage,
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
  const tokens = { official: await sim.tokenOf(official), miniprogram: await sim.tokenOf(miniprogram) }
  const toFollower = async (change: object = {}) =>
    (await sim.api(`${templateSend}?access_token=${tokens.official}`, aMessage(change))).json.errcode
  const toUser = async (change: object = {}) =>
    (await sim.api(`${subscribeSend}?access_token=${tokens.miniprogram}`, aSubscribeMessage(change))).json
      .errcode
  return { ...sim, toFollower, toUser }
}

suite('calls for one openid at once', () => {
  test('are 43108 while the first has no answer, of mini programs only', async (t: TestContext) => {
    const sim = await open(t)
    await sim.faults({ latency_ms: 800, count: 1 })
    const first = sim.toUser()
    await sim.admin('wait', { appid: miniprogram.appid, count: 1, timeout_ms: 5_000 })
    t.assert.equal(await sim.toUser(), 43108)
    t.assert.equal(await sim.toUser({ touser: miniprogram.openids[1] }), 0)
    t.assert.equal(await first, 0)
    t.assert.equal(await sim.toUser(), 0)

    await sim.faults({ latency_ms: 800, count: 1 })
    const other = sim.toFollower()
    await sim.admin('wait', { appid: official.appid, count: 1, timeout_ms: 5_000 })
    t.assert.equal(await sim.toFollower(), 0)
    t.assert.equal(await other, 0)
  })

  test('are free again when the first caller hangs up', async (t: TestContext) => {
    const sim = await open(t, { hangMs: 50 })
    await sim.faults({ hang: 'after', count: 1 })
    const lost = sim.toUser()
    await sim.admin('wait', { count: 1, timeout_ms: 5_000 })
    t.assert.equal(await sim.toUser(), 43108)
    await t.assert.rejects(lost)
    t.assert.equal(await sim.toUser(), 0)
  })

  test('are all right by switch', async (t: TestContext) => {
    const sim = await open(t, { switches: { concurrentCalls: 'accept' } })
    await sim.faults({ latency_ms: 1_000, count: 1 })
    const first = sim.toUser()
    await sim.admin('wait', { count: 1, timeout_ms: 5_000 })
    t.assert.equal(await sim.toUser(), 0)
    t.assert.equal(await first, 0)
  })
})

suite('the pace of one user', () => {
  test('past the switch is 43117 until a minute has gone by', async (t: TestContext) => {
    const sim = await open(t, { switches: { recipientPace: 2 } })
    await sim.admin('clock', { speed: 0 })
    t.assert.deepEqual(
      [await sim.toFollower(), await sim.toFollower(), await sim.toFollower()],
      [0, 0, 43117],
    )
    t.assert.equal(await sim.toFollower({ touser: official.openids[1] }), 0)
    await sim.advance(60_000)
    t.assert.equal(await sim.toFollower(), 0)
  })

  test('the same content within a minute is 40241, by switch', async (t: TestContext) => {
    const sim = await open(t, { switches: { sameContent: 'refuse' } })
    await sim.admin('clock', { speed: 0 })
    const other = { data: dataOf({ ...official.templates[0]?.example, thing2: '别的茶' }) }
    t.assert.deepEqual(
      [await sim.toFollower(), await sim.toFollower(), await sim.toFollower(other)],
      [0, 40241, 0],
    )
    await sim.advance(60_000)
    t.assert.equal(await sim.toFollower(), 0)
  })

  test('is not looked at unless a switch asks for it', async (t: TestContext) => {
    const sim = await open(t)
    for (let i = 0; i < 20; i++) t.assert.equal(await sim.toFollower(), 0)
  })
})

suite('words that must not be', () => {
  test('are 40249 for official accounts, 45168 for mini programs, and listed as stopped', async (t: TestContext) => {
    const sim = await open(t, { switches: { sensitiveWords: ['中奖'] } })
    const [template] = official.templates
    const data = dataOf({ ...template?.example, thing2: '恭喜中奖' })
    t.assert.equal(await sim.toFollower({ data }), 40249)
    t.assert.equal(await sim.toFollower(), 0)
    const mini = dataOf({ ...miniprogram.templates[0]?.example, thing4: '您已中奖' })
    t.assert.equal(await sim.toUser({ data: mini }), 45168)
    const asked = { tmpl_msg_id: template?.template_id, largest_id: 0, limit: 10 }
    const { json } = await sim.as(official, '/wxa/sec/queryblocktmplmsg', asked)
    t.assert.partialDeepStrictEqual(json.msginfo, [{ openid: official.openids[0], title: template?.title }])
  })
})

suite('a user who blocks the account', () => {
  test('is sent messages that only their receipts tell apart', async (t: TestContext) => {
    const sim = await open(t)
    const [touser] = official.openids
    await sim.admin('recipients', { appid: official.appid, touser, blocksMessages: true })
    t.assert.equal(await sim.toFollower(), 0)
    await sim.admin('recipients', { appid: official.appid, touser, blocksMessages: false })
    t.assert.equal(await sim.toFollower(), 0)
    t.assert.deepEqual(
      (await sim.effects()).map(({ receipt }) => receipt),
      ['failed:user block', undefined],
    )
  })
})

suite('when several things are wrong', () => {
  const bad = { data: {}, url: 'x'.repeat(3_000) }
  const [touser] = official.openids
  const cases: readonly [name: string, precedence: 'recipient-first' | 'data-first', errcodes: number[]][] = [
    ['the recipient comes first', 'recipient-first', [43004, 40039, 47003, 40249]],
    ['the content comes first', 'data-first', [40039, 40039, 47003, 40249]],
  ]
  for (const [name, precedence, errcodes] of cases)
    test(`${name}, by switch`, async (t: TestContext) => {
      const sim = await open(t, { switches: { precedence, sensitiveWords: ['恭喜'] } })
      const words = dataOf({ ...official.templates[0]?.example, thing2: '恭喜' })
      await sim.admin('recipients', { appid: official.appid, touser, following: false })
      const unfollowed = await sim.toFollower(bad)
      const others = { touser: official.openids[1] }
      t.assert.deepEqual(
        [
          unfollowed,
          await sim.toFollower({ ...bad, ...others }),
          await sim.toFollower({ data: { thing2: { value: '恭喜' } }, ...others }),
          await sim.toFollower({ data: words, ...others }),
        ],
        errcodes,
      )
    })

  test('account comes before permission, quota before body, openid before template', async (t: TestContext) => {
    const sim = await open(t)
    const token = await sim.tokenOf(official)
    const raw = async (path: string, body: string) =>
      (await sim.api(`${path}?access_token=${token}`, body)).json.errcode
    await sim.admin('accounts', { appid: official.appid, flags: { apiBanned: true } })
    t.assert.equal(await raw(subscribeSend, '{}'), 48004)
    await sim.admin('accounts', { appid: official.appid, flags: { apiBanned: false } })
    t.assert.equal(await raw(subscribeSend, '{'), 48001)
    await sim.admin('quotas', { appid: official.appid, path: templateSend, daily: 0, minute: 0 })
    t.assert.equal(await raw(templateSend, '{'), 45011)
    await sim.admin('quotas', { appid: official.appid, path: templateSend, daily: 0 })
    t.assert.equal(await raw(templateSend, '{'), 45009)
    await sim.admin('quotas', { appid: official.appid, path: templateSend })
    t.assert.equal(await raw(templateSend, '{'), 47001)
    t.assert.equal(await raw(templateSend, '{"touser":"x","template_id":"y"}'), 40003)
  })
})
