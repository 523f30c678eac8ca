import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import {
  aSubscribeMessage,
  miniprogram,
  type OpenOptions,
  official,
  openSimulator,
  subscribeSend,
} from './open.ts'

const { appid } = miniprogram
const [touser] = miniprogram.openids
const template_id = miniprogram.templates[0]?.template_id
const holder = { appid, touser }

const open = async (t: TestContext, options: OpenOptions = {}) => {
  const sim = await openSimulator(t, { grants: 'counted', ...options })
  const give = async (grant: object) => (await sim.admin('grants', { ...holder, template_id, ...grant })).json
  const send = async (change: object = {}) =>
    (await sim.as(miniprogram, subscribeSend, aSubscribeMessage(change))).json.errcode
  const held = async () => (await sim.admin(`grants?appid=${appid}&touser=${touser}`)).json.grants
  return { ...sim, give, send, held }
}

suite('counted grants', () => {
  test('without one a mini program hears 43101, and the other account is not concerned', async (t) => {
    const sim = await open(t)
    t.assert.equal(await sim.send(), 43101)
    t.assert.equal((await sim.send({ data: {} })) as number, 43101)
    t.assert.equal((await sim.send({ touser: miniprogram.openids[1] })) as number, 43101)
  })

  test('one-time grants add up and are used when a message is accepted', async (t: TestContext) => {
    const sim = await open(t)
    await sim.give({ kind: 'once' })
    await sim.give({ kind: 'once', count: 2 })
    t.assert.deepEqual(await sim.held(), [{ ...holder, kind: 'once', template_id, count: 3 }])
    t.assert.equal(await sim.send({ data: {} }), 47003)
    const codes = []
    for (let i = 0; i < 4; i++) codes.push(await sim.send())
    t.assert.deepEqual(codes, [0, 0, 0, 43101])
    t.assert.deepEqual(await sim.held(), [])
  })

  test('a long-term grant is never used up, and spares the one-time ones', async (t: TestContext) => {
    const sim = await open(t)
    await sim.give({ kind: 'once' })
    await sim.give({ kind: 'lasting' })
    for (let i = 0; i < 4; i++) t.assert.equal(await sim.send(), 0)
    t.assert.partialDeepStrictEqual(await sim.held(), [{ kind: 'once', count: 1 }, { kind: 'lasting' }])
  })

  test('a grant for one template is none for another', async (t: TestContext) => {
    const sim = await open(t)
    await sim.give({ kind: 'once', template_id: miniprogram.templates[1]?.template_id })
    t.assert.equal(await sim.send(), 43101)
  })

  test('who refuses a template refuses it whatever was granted', async (t: TestContext) => {
    const sim = await open(t)
    await sim.give({ kind: 'once' })
    await sim.admin('recipients', { ...holder, refuses: [template_id] })
    t.assert.equal(await sim.send(), 43101)
    await sim.admin('recipients', { ...holder, refuses: [] })
    t.assert.equal(await sim.send(), 43101, 'what was granted before is gone')
    await sim.give({ kind: 'once' })
    t.assert.equal(await sim.send(), 0)
  })

  test('a message behind a lost answer or a -1 has used its grant', async (t: TestContext) => {
    const sim = await open(t, { switches: { ambiguousBusyDelivers: true }, hangMs: 20 })
    await sim.give({ kind: 'once', count: 40 })
    const token = await sim.tokenOf(miniprogram)
    await sim.faults({ path: subscribeSend, errcode: -1 })
    for (let i = 0; i < 40; i++) await sim.api(`${subscribeSend}?access_token=${token}`, aSubscribeMessage())
    const [left] = (await sim.held()) as { count: number }[]
    t.assert.equal(left?.count, 40 - (await sim.effects()).length)
  })

  test('the switch of one account stands above the switch of the world', async (t: TestContext) => {
    const sim = await open(t)
    await sim.admin('accounts', { appid, flags: { grants: 'boundless' } })
    t.assert.equal(await sim.send(), 0)
    t.assert.equal((await sim.admin(`grants?appid=${appid}`)).json.mode, 'boundless')
    t.assert.equal((await sim.admin('grants')).json.mode, 'counted')
  })

  test('can be asked for while it runs', async (t: TestContext) => {
    const sim = await openSimulator(t)
    const send = async () => (await sim.as(miniprogram, subscribeSend, aSubscribeMessage())).json.errcode
    t.assert.equal(await send(), 0)
    await sim.admin('switches', { grants: 'counted' })
    t.assert.equal(await send(), 43101)
    await sim.admin('reset', {})
    t.assert.equal(await send(), 0, 'a reset puts switches back')
  })

  test('are told back, and wrong ones are told why', async (t: TestContext) => {
    const sim = await open(t)
    const errors: readonly [grant: object, error: RegExp][] = [
      [{ kind: 'twice' }, /kind must be one of once, lasting/],
      [{ kind: 'scene', scene: 'x' }, /scene must be a whole number from 0 to 10000/],
      [{ kind: 'form' }, /form_id is missing/],
      [{ kind: 'once', count: 0 }, /count must be a whole number of at least 1/],
      [{ kind: 'prepay', form_id: 'x', expires_at: 'soon' }, /expires_at must be a date/],
    ]
    for (const [grant, error] of errors) t.assert.match(String((await sim.give(grant)).error), error)
    t.assert.match(
      String((await sim.admin('interactions', { ...holder, what: 'menu' })).json.error),
      /menu opens no window of this account/,
    )
    t.assert.match(
      String(
        (await sim.admin('grants', { appid: 'wxNobody', touser: 'x', kind: 'lasting', template_id })).json
          .error,
      ),
      /wxNobody is not an account/,
    )
  })
})

suite('what grants survive', () => {
  test('their use is remembered with the message, their giving at once', async (t: TestContext) => {
    const home = await mkdtemp(join(tmpdir(), 'simulator-'))
    t.after(() => rm(home, { recursive: true }))
    const first = await open(t, { home })
    await first.give({ kind: 'once', count: 3 })
    await first.admin('interactions', { appid: official.appid, touser: official.openids[0], what: 'message' })
    t.assert.equal(await first.send(), 0)
    await first.close()

    const second = await open(t, { home })
    t.assert.deepEqual(await second.held(), [{ ...holder, kind: 'once', template_id, count: 2 }])
    const windows = (await second.admin(`grants?appid=${official.appid}`)).json.windows
    t.assert.partialDeepStrictEqual(windows, [{ what: 'message', count: 5 }])
    t.assert.equal(await second.send(), 0)
    t.assert.equal(await second.send(), 0)
    t.assert.equal(await second.send(), 43101)
    await second.close()
    t.assert.equal(await (await open(t, { home })).send(), 43101)
  })
})
