import { suite, type TestContext, test } from 'node:test'
import type { SimulatedAccount } from '../../src/simulator/simulator.ts'
import { openReceiver } from '../support/callback-receiver.ts'
import { settingsOf, targetOf } from '../support/callbacks.ts'
import { until } from '../support/waiting.ts'
import { aMessage, miniprogram, official, openSimulator, type Row, templateSend } from './open.ts'

const platform: SimulatedAccount = {
  name: 'platform',
  appid: 'wx00000000000000f1',
  secret: 'f1000000000000000000000000000001',
  kind: 'component',
  templates: [],
  openids: [],
}

/** A simulator whose accounts of this appid tell a receiver; what was pushed is told by name. */
const open = async (t: TestContext, { appid }: SimulatedAccount, grants?: 'counted') => {
  const receiver = await openReceiver(t, { account: { appid, callback: settingsOf('safe') } })
  const callback = targetOf({ mode: 'safe', format: 'xml' }, { url: receiver.url, delay: { fixedMs: 0 } })
  const accounts = [official, miniprogram, platform].map((account) =>
    account.appid === appid ? { ...account, callback } : account,
  )
  const sim = await openSimulator(t, { accounts, ...(grants && { grants }) })
  const pushed = async (count: number): Promise<string[]> => {
    const recent = async () => (await sim.admin('callbacks')).json.recent as Row[]
    await until(async () => (await recent()).length >= count, 5_000)
    // Pushes overtake each other.
    return (await recent()).map(({ event }) => String(event)).toSorted()
  }
  return { ...sim, pushed }
}

suite('what users do', () => {
  const [touser] = miniprogram.openids
  const [once] = miniprogram.templates
  const holder = { appid: miniprogram.appid, touser }

  test('moves the books and is pushed, whichever way it is asked for', async (t: TestContext) => {
    const sim = await open(t, miniprogram, 'counted')
    const held = async () => (await sim.admin(`grants?appid=${miniprogram.appid}`)).json
    const event = (kind: string, fields: object) => sim.admin('events', { ...holder, kind, ...fields })
    for (const accepted of [[once?.template_id], [once?.template_id]]) await event('popup', { accepted })
    t.assert.partialDeepStrictEqual(await held(), { grants: [{ kind: 'once', count: 2 }] })
    await event('change', { refused: [once?.template_id] })
    t.assert.deepEqual((await held()).grants, [])
    await event('session', {})
    await sim.admin('interactions', { ...holder, what: 'message' })
    t.assert.partialDeepStrictEqual(await held(), {
      windows: [
        { what: 'session', count: 2 },
        { what: 'message', count: 5 },
      ],
    })
    t.assert.deepEqual(await sim.pushed(5), [
      'subscribe_msg_change_event',
      'subscribe_msg_popup_event',
      'subscribe_msg_popup_event',
      'text',
      'user_enter_tempsession',
    ])
  })

  test('gives a long-term grant where the template is long-term', async (t: TestContext) => {
    const templates = [{ ...once!, type: 3 as const }]
    const sim = await openSimulator(t, { accounts: [{ ...miniprogram, templates }], grants: 'counted' })
    await sim.admin('events', { ...holder, kind: 'popup', accepted: [once?.template_id] })
    const { json } = await sim.admin(`grants?appid=${miniprogram.appid}`)
    t.assert.partialDeepStrictEqual(json.grants, [{ kind: 'lasting' }])
  })
})

suite('what becomes of a message', () => {
  test('is told by the event of its API, and of some not at all', async (t: TestContext) => {
    const sim = await open(t, official)
    const [touser] = official.openids
    await sim.admin('recipients', { appid: official.appid, touser, blocksMessages: true })
    await sim.as(official, '/cgi-bin/message/custom/send', {
      touser,
      msgtype: 'text',
      text: { content: '好' },
    })
    await sim.as(official, templateSend, aMessage())
    await sim.as(official, '/cgi-bin/message/subscribe/bizsend', aMessage())
    t.assert.deepEqual(await sim.pushed(2), ['TEMPLATESENDJOBFINISH', 'subscribe_msg_sent_event'])
    t.assert.deepEqual(
      (await sim.effects()).map(({ receipt }) => receipt),
      ['failed:user block', 'failed:user block', 'failed:user block'],
    )
  })
})

suite('what a platform hears', () => {
  test('is a ticket that is good, and who authorises it', async (t: TestContext) => {
    const sim = await open(t, platform)
    const { appid, secret } = platform
    const parties = { component_appid: appid, appid: official.appid }
    const { json } = await sim.admin(`component/ticket?appid=${appid}`)
    const claim = {
      component_appid: appid,
      component_appsecret: secret,
      component_verify_ticket: json.component_verify_ticket,
    }
    const granted = await sim.api('/cgi-bin/component/api_component_token', claim)
    t.assert.equal(granted.json.expires_in, 7200)
    await sim.admin('component/authorize', parties)
    await sim.admin('component/authorize', parties)
    await sim.admin('component/unauthorize', parties)
    await sim.admin('component/ticket', { appid })
    await sim.api('/cgi-bin/component/api_start_push_ticket', {
      component_appid: appid,
      component_secret: secret,
    })
    t.assert.deepEqual(await sim.pushed(6), [
      'authorized',
      'component_verify_ticket',
      'component_verify_ticket',
      'component_verify_ticket',
      'unauthorized',
      'updateauthorized',
    ])
  })
})

suite('a scenario with callbacks', () => {
  test('pushes, and is exported as it came', async (t: TestContext) => {
    const receiver = await openReceiver(t, {
      account: { appid: official.appid, callback: settingsOf('plain') },
    })
    const callback = { url: receiver.url, token: settingsOf('plain').token, delay_ms: 0, lost: 0.5 }
    const scenario = { accounts: [{ ...official, callback }], clock: { speed: 0 } }
    const first = await openSimulator(t, { scenario })
    const { json } = await first.admin('scenario')
    t.assert.partialDeepStrictEqual(json, { accounts: [{ callback: { ...callback, mode: 'plain' } }] })
    const second = await openSimulator(t, { scenario: json })
    t.assert.deepEqual((await second.admin('scenario')).json, json)
    const wrong = { accounts: [{ ...official, callback: { url: 'ftp://x', token: 'a' } }] }
    await t.assert.rejects(openSimulator(t, { scenario: wrong }), {
      message: 'accounts[0].callback: url must be one of http or https',
    })
  })
})
