import { suite, type TestContext, test } from 'node:test'
import type { CallbackAccount } from '../../src/callback-event.ts'
import type { CallbackSettings } from '../../src/directory.ts'
import { createCallbacks } from '../../src/simulator/callbacks.ts'
import { resolveOptions } from '../../src/simulator/options.ts'
import { createWorld } from '../../src/simulator/world.ts'
import { openReceiver, type ReceiverOptions } from '../support/callback-receiver.ts'
import { aesKey, type Form, forms, settingsOf, targetOf, token } from '../support/callbacks.ts'
import { until } from '../support/waiting.ts'
import {
  aMessage,
  aSubscribeMessage,
  miniprogram,
  type OpenOptions,
  official,
  openSimulator,
  subscribeSend,
} from './open.ts'

interface Pushing extends Partial<Form> {
  readonly account?: typeof official
  readonly answer?: ReceiverOptions['answer']
  readonly options?: OpenOptions
  /** Of the callback, as the admin API takes it. */
  readonly conduct?: object
  readonly reader?: Partial<CallbackAccount>
}

/** A simulator that pushes to a receiver, as fast as it can unless told otherwise. */
const openPushing = async (t: TestContext, given: Pushing = {}) => {
  const { mode = 'safe', format = 'xml', account = official, conduct = {}, options, answer, reader } = given
  const sim = await openSimulator(t, options)
  const settings: CallbackSettings = settingsOf(mode)
  const receiver = await openReceiver(t, {
    account: { appid: account.appid, callback: settings, ...reader },
    ...(answer && { answer }),
  })
  const { appid } = account
  const configured = {
    appid,
    url: receiver.url,
    token,
    aes_key: aesKey,
    mode,
    format,
    delay_ms: 0,
    ...conduct,
  }
  t.assert.partialDeepStrictEqual(await sim.admin('callbacks', configured), {
    status: 200,
    json: { mode, format },
  })
  const counters = async () => {
    const { json } = await sim.admin(`callbacks?appid=${appid}`)
    return (json.callbacks as { readonly counters: Record<string, number> }[])[0]!.counters
  }
  /** All that was ever to be pushed is over. */
  const idle = () => until(async () => (await sim.admin('callbacks')).json.waiting === 0, 5000)
  const event = (kind: string, fields: object = {}) =>
    sim.admin('events', { appid, touser: account.openids[0], kind, ...fields })
  return { sim, receiver, counters, idle, event, appid, token: await sim.tokenOf(account) }
}

suite('the push of events', () => {
  for (const form of forms) {
    const name = `${form.mode} ${form.format}`
    test(`tells in ${name} what became of a template message`, async (t: TestContext) => {
      const { sim, receiver, token } = await openPushing(t, form)
      const { msgid } = await sim.send(token)
      const [event] = await receiver.received(1)
      t.assert.partialDeepStrictEqual(event, {
        kind: 'receipt',
        channel: 'template',
        msgid,
        openid: official.openids[0],
        result: { kind: 'delivered' },
      })
    })

    for (const single_list of ['object', 'array'])
      test(`tells in ${name} what became of a subscribe message, ${single_list}`, async (t: TestContext) => {
        const { sim, receiver, token } = await openPushing(t, {
          ...form,
          account: miniprogram,
          conduct: { single_list, json_wrapper: single_list === 'array' },
        })
        const { json } = await sim.api(`${subscribeSend}?access_token=${token}`, aSubscribeMessage())
        t.assert.equal(json.errcode, 0)
        const [effect] = await sim.effects()
        const [event] = await receiver.received(1)
        t.assert.partialDeepStrictEqual(event, {
          kind: 'receipt',
          channel: 'subscribe',
          msgid: effect?.msgid,
          templateId: miniprogram.templates[0]?.template_id,
          result: { kind: 'delivered' },
        })
      })
  }

  test('tells what users do', async (t: TestContext) => {
    const { sim, receiver, event, appid } = await openPushing(t)
    const touser = official.openids[0]
    const kinds = async (count: number) => (await receiver.received(count)).at(-1)
    await sim.admin('recipients', { appid, touser, following: false })
    t.assert.partialDeepStrictEqual(await kinds(1), { kind: 'unfollow', openid: touser })
    await sim.admin('recipients', { appid, touser, following: true, refuses: ['T1'] })
    t.assert.partialDeepStrictEqual(await kinds(2), { kind: 'follow' })
    await event('popup', { accepted: ['T1'], refused: ['T2'] })
    t.assert.partialDeepStrictEqual(await kinds(3), {
      origin: 'popup',
      decisions: [
        { templateId: 'T1', accepted: true },
        { templateId: 'T2', accepted: false },
      ],
    })
    await event('change', { refused: ['T1'] })
    t.assert.partialDeepStrictEqual(await kinds(4), { origin: 'settings', decisions: [{ accepted: false }] })
    for (const [index, [kind, what]] of [
      ['message', 'message'],
      ['click', 'menu'],
      ['view', 'menu'],
      ['scan', 'scan'],
      ['session', 'session'],
    ].entries()) {
      const said = kind === 'message' ? { text: 'a ]]> b' } : kind === 'session' ? {} : { key: 'k' }
      t.assert.deepEqual((await event(kind!, said)).json.pushed, true)
      t.assert.partialDeepStrictEqual(await kinds(5 + index), { kind: 'interaction', what })
    }
    t.assert.equal(receiver.events().length, 9)
  })

  test('tells that a permission was withdrawn, of a mini program only', async (t: TestContext) => {
    const { sim, receiver, appid } = await openPushing(t, { account: miniprogram, format: 'json' })
    await sim.admin('recipients', { appid, touser: miniprogram.openids[0], refuses: ['T1'] })
    await sim.admin('recipients', { appid, touser: miniprogram.openids[0], refuses: [] })
    const events = await receiver.received(1)
    t.assert.partialDeepStrictEqual(events, [{ origin: 'settings', decisions: [{ templateId: 'T1' }] }])
  })

  test('says that a user refuses messages, which the API took', async (t: TestContext) => {
    const { sim, receiver, token, appid } = await openPushing(t)
    await sim.admin('recipients', { appid, touser: official.openids[0], blocksMessages: true })
    t.assert.equal((await sim.send(token)).json.errcode, 0)
    t.assert.partialDeepStrictEqual(await receiver.received(1), [
      { result: { kind: 'undelivered', reason: 'user block' } },
    ])
  })

  for (const [status, reason] of [
    ['failed: system failed', 'system failed'],
    ['failed:freq limit', 'freq limit'],
  ])
    test(`says ${status} by a rule, to whom the rule names`, async (t: TestContext) => {
      const [touser, another] = official.openids
      const { sim, receiver, token } = await openPushing(t, { conduct: { receipts: [{ touser, status }] } })
      await sim.send(token, { touser })
      await receiver.received(1)
      await sim.send(token, { touser: another })
      t.assert.partialDeepStrictEqual(await receiver.received(2), [
        { openid: touser, result: { kind: 'undelivered', reason } },
        { openid: another, result: { kind: 'delivered' } },
      ])
    })

  test('says MsgID 0 where there was a client_msg_id, by switch', async (t: TestContext) => {
    const { sim, receiver, token } = await openPushing(t, { conduct: { msgid_zero: true } })
    await sim.send(token, { client_msg_id: 'c1' })
    const [first] = await receiver.received(1)
    t.assert.equal(first && 'msgid' in first, false)
    const { msgid } = await sim.send(token)
    t.assert.partialDeepStrictEqual((await receiver.received(2))[1], { msgid })
  })

  test('comes even when the caller never learns of its message', async (t: TestContext) => {
    const { sim, receiver, token } = await openPushing(t, { options: { hangMs: 20 } })
    await sim.faults({ hang: 'after' })
    await t.assert.rejects(sim.send(token))
    t.assert.partialDeepStrictEqual(await receiver.received(1), [{ result: { kind: 'delivered' } }])
  })

  test('seals for the platform that the account has authorised', async (t: TestContext) => {
    const { sim, receiver, token } = await openPushing(t, {
      conduct: { component_appid: 'wxplatform' },
      reader: { componentAppid: 'wxplatform' },
    })
    await sim.send(token)
    t.assert.equal((await receiver.received(1)).length, 1)
  })

  test('tells a platform who has authorised it', async (t: TestContext) => {
    const { receiver, event } = await openPushing(t)
    await event('authorized', { touser: undefined, authoriser: 'wxshop', code: 'c1' })
    await event('unauthorized', { touser: undefined, authoriser: 'wxshop' })
    const events = await receiver.received(2)
    t.assert.partialDeepStrictEqual(
      events.toSorted((a, b) => a.kind.localeCompare(b.kind)),
      [
        { kind: 'authorized', appid: 'wxshop', code: 'c1', updated: false },
        { kind: 'unauthorized', appid: 'wxshop' },
      ],
    )
  })
})

suite('what goes wrong with pushes', () => {
  test('lost: it is never made', async (t: TestContext) => {
    const { sim, receiver, token, counters } = await openPushing(t, { conduct: { lost: 1 } })
    await sim.send(token)
    t.assert.partialDeepStrictEqual(await counters(), { events: 1, lost: 1, attempts: 0 })
    t.assert.deepEqual(receiver.readings, [])
  })

  test('some of many are lost, and which is told by the seed', async (t: TestContext) => {
    const keep = async (seed: number) => {
      const { sim, receiver, token, idle } = await openPushing(t, {
        options: { seed },
        conduct: { lost: 0.5 },
      })
      for (let i = 0; i < 30; i++) await sim.send(token)
      await idle()
      const came = new Set(receiver.events().map((event) => event.kind === 'receipt' && event.msgid))
      return (await sim.effects()).map(({ msgid }) => came.has(String(msgid)))
    }
    const kept = await keep(3)
    const count = kept.filter(Boolean).length
    t.assert.ok(count > 5 && count < 25, `${count} of 30`)
    t.assert.deepEqual(await keep(3), kept)
  })

  test('duplicated: the same event comes again, with the same key', async (t: TestContext) => {
    const { sim, receiver, token, counters, idle } = await openPushing(t, { conduct: { duplicated: 1 } })
    await sim.send(token)
    const [first, second] = await receiver.received(2)
    t.assert.deepEqual(first, second)
    await idle()
    t.assert.partialDeepStrictEqual(await counters(), { events: 1, taken: 2, duplicates: 1 })
  })

  test('before the reply: the event is there when the caller is answered', async (t: TestContext) => {
    const { sim, receiver, token } = await openPushing(t, {
      conduct: { before_reply: true, delay_ms: 60_000 },
    })
    for (let count = 1; count <= 5; count++) {
      const { msgid } = await sim.send(token)
      t.assert.partialDeepStrictEqual(receiver.events()[count - 1], { msgid })
    }
  })

  test('out of order: later events overtake', async (t: TestContext) => {
    const { sim, receiver, token } = await openPushing(t, { conduct: { jitter_ms: 200, burst_ms: 10 } })
    const sent: (string | undefined)[] = []
    for (let i = 0; i < 20; i++) sent.push((await sim.send(token)).msgid)
    const came = (await receiver.received(20)).map((event) => event.kind === 'receipt' && event.msgid)
    t.assert.notDeepEqual(came, sent)
    t.assert.deepEqual(came.toSorted(), sent.toSorted())
  })

  for (const [what, answer, counted] of [
    ['another status', { status: 500, body: 'success' }, { timeouts: 0 }],
    ['another word', { status: 200, body: 'fail' }, { timeouts: 0 }],
    ['nothing', 'hang', { timeouts: 3 }],
  ] as const)
    test(`${what} for an answer: three attempts, the same event each time`, async (t: TestContext) => {
      const { sim, receiver, token, counters, idle } = await openPushing(t, {
        answer: () => answer,
        // Long enough for a busy machine to take each attempt.
        conduct: { timeout_ms: answer === 'hang' ? 500 : 5000 },
      })
      await sim.send(token)
      const events = await receiver.received(3)
      t.assert.equal(new Set(events.map(({ key }) => key)).size, 1)
      await idle()
      t.assert.partialDeepStrictEqual(await counters(), {
        events: 1,
        attempts: 3,
        'given-up': 1,
        taken: 0,
        ...counted,
      })
      const { json } = await sim.admin('callbacks')
      t.assert.partialDeepStrictEqual(json.recent, [{ event: 'TEMPLATESENDJOBFINISH', outcome: 'given-up' }])
    })

  test('an attempt that failed is made up for by the next', async (t: TestContext) => {
    let number = 0
    const { sim, receiver, token, counters, idle } = await openPushing(t, {
      answer: () => (number++ === 0 ? { status: 503, body: '' } : { status: 200, body: '' }),
    })
    await sim.send(token)
    await receiver.received(2)
    await idle()
    t.assert.partialDeepStrictEqual(await counters(), { attempts: 2, taken: 1, 'given-up': 0 })
  })

  for (const [paused_events, later] of [
    ['lost', 1],
    ['kept', 3],
  ] as const)
    test(`after failures a pause of a minute, its events ${paused_events}`, async (t: TestContext) => {
      let status = 500
      const { sim, receiver, token, counters, idle } = await openPushing(t, {
        answer: () => ({ status, body: '' }),
        conduct: { mark_fail_after: 2, paused_events },
      })
      for (let i = 0; i < 2; i++) {
        await sim.send(token)
        await idle()
      }
      t.assert.partialDeepStrictEqual(await counters(), { attempts: 6, pauses: 1, 'given-up': 2 })
      status = 200
      for (let i = 0; i < 2; i++) await sim.send(token)
      await idle()
      t.assert.equal(receiver.readings.length, 6)
      t.assert.equal((await counters()).paused, paused_events === 'lost' ? 2 : 0)
      await sim.advance(60_000)
      await sim.send(token)
      await receiver.received(6 + later)
      await idle()
      t.assert.partialDeepStrictEqual(await counters(), { taken: later, pauses: 1 })
    })

  test('a thousand at once all come, a few at a time', async (t: TestContext) => {
    const { receiver, event, counters, idle } = await openPushing(t)
    await Promise.all(Array.from({ length: 1000 }, (_, i) => event('click', { key: `k${i}` })))
    const events = await receiver.received(1000)
    await idle()
    t.assert.equal(new Set(events.map(({ key }) => key)).size, 1000)
    t.assert.partialDeepStrictEqual(await counters(), { events: 1000, taken: 1000, dropped: 0 })
  })
})

suite('from the call to the reader, with all that goes wrong', () => {
  for (const form of forms)
    test(`in ${form.mode} ${form.format} nothing is understood that did not happen`, async (t: TestContext) => {
      const conduct = { lost: 0.2, duplicated: 0.3, before_reply: true }
      const { sim, receiver, token, counters, idle } = await openPushing(t, { ...form, conduct })
      for (let i = 0; i < 30; i++) await sim.send(token, { touser: official.openids[i % 5] })
      await idle()
      const { lost = 0, duplicates = 0 } = await counters()
      t.assert.ok(lost > 0 && duplicates > 0)
      const events = receiver.events()
      t.assert.equal(receiver.readings.length, events.length)
      t.assert.equal(events.length, 30 - lost + duplicates)
      t.assert.equal(new Set(events.map(({ key }) => key)).size, 30 - lost)
      const effects = (await sim.effects()).map(({ msgid, touser }) => `${msgid} ${touser}`)
      for (const event of events) {
        t.assert.ok(event.kind === 'receipt' && event.result.kind === 'delivered')
        t.assert.ok(effects.includes(`${event.msgid} ${event.openid}`))
      }
    })
})

suite('configuring a callback', () => {
  test('an address that does not know the token is not taken, and nothing is pushed', async (t: TestContext) => {
    const sim = await openSimulator(t)
    const callback = settingsOf('plain', { token: 'another' })
    const receiver = await openReceiver(t, { account: { appid: official.appid, callback } })
    const { status, json } = await sim.admin('callbacks', { appid: official.appid, url: receiver.url, token })
    t.assert.equal(status, 400)
    t.assert.match(String(json.error), /did not pass the check: status/)
    const touser = official.openids[0]
    const { json: answer } = await sim.admin('events', { appid: official.appid, touser, kind: 'follow' })
    t.assert.equal(answer.pushed, false)
  })

  test('nothing is pushed unless there is one, nor after it was switched off', async (t: TestContext) => {
    const { sim, receiver, token, appid } = await openPushing(t)
    await sim.send(token)
    await receiver.received(1)
    t.assert.partialDeepStrictEqual(await sim.admin('callbacks', { appid, off: true }), {
      json: { url: null },
    })
    await sim.send(token, aMessage())
    t.assert.deepEqual((await sim.admin('callbacks')).json.callbacks, [])
    t.assert.equal(receiver.readings.length, 1)
  })

  test('the check can be made again at any time', async (t: TestContext) => {
    const { sim, appid } = await openPushing(t)
    t.assert.deepEqual((await sim.admin('callbacks/verify', { appid })).json, { appid, verified: true })
    await sim.admin('callbacks', { appid, token: 'another', verify: false })
    const { json } = await sim.admin('callbacks/verify', { appid })
    t.assert.deepEqual(json, { appid, verified: false, why: 'status' })
  })

  test('what stood in the configuration comes back with a reset', async (t: TestContext) => {
    const callback = targetOf({ mode: 'safe', format: 'json' }, { url: 'http://127.0.0.1:9/' })
    const sim = await openSimulator(t, { accounts: [{ ...official, callback }, miniprogram] })
    const { appid } = official
    const urls = async () => (await sim.admin('callbacks')).json.callbacks
    t.assert.partialDeepStrictEqual(await urls(), [{ appid, url: callback.url, counters: { events: 0 } }])
    await sim.admin('callbacks', { appid, off: true })
    t.assert.deepEqual(await urls(), [])
    await sim.admin('reset', {})
    t.assert.partialDeepStrictEqual(await urls(), [{ appid, url: callback.url }])
  })

  const good = { appid: official.appid, url: 'http://127.0.0.1:9/', token, verify: false }
  for (const change of [
    { appid: 'nobody' },
    { url: 'ftp://127.0.0.1/' },
    { url: undefined },
    { token: undefined },
    { mode: 'safe' },
    { mode: 'safe', aes_key: 'short' },
    { mode: 'open' },
    { lost: 2 },
    { delay_ms: -1 },
    { delay_ms: { median: 2, p99: 1 } },
    { receipts: [{ state: 'x' }] },
    { colour: 'red' },
  ])
    test(`${JSON.stringify(change)} is 400`, async (t: TestContext) => {
      const sim = await openSimulator(t)
      t.assert.equal((await sim.admin('callbacks', { ...good, ...change })).status, 400)
      t.assert.deepEqual((await sim.admin('callbacks')).json.callbacks, [])
    })

  for (const event of [
    { kind: 'follow' },
    { kind: 'dance', touser: 'x' },
    { kind: 'popup', touser: 'x' },
    { kind: 'click', touser: 'x' },
    { kind: 'authorized', code: 'x' },
  ])
    test(`the event ${JSON.stringify(event)} is 400`, async (t: TestContext) => {
      const sim = await openSimulator(t)
      t.assert.equal((await sim.admin('events', { appid: official.appid, ...event })).status, 400)
    })
})

suite('the tickets of a platform', () => {
  test('one comes at the start, and one every ten simulated minutes', async (t: TestContext) => {
    const appid = 'wx0123456789abcdef'
    const receiver = await openReceiver(t, { account: { appid, callback: settingsOf('safe') } })
    const free = { host: '127.0.0.1', port: 0 }
    const world = createWorld(resolveOptions({ api: free, admin: free }))
    let issued = 0
    const callbacks = createCallbacks({
      world,
      seed: 1,
      targets: new Map(),
      platforms: { appids: () => [appid], newTicket: () => `ticket@@@${++issued}` },
    })
    world.observe(callbacks)
    t.after(() => callbacks.close())
    t.assert.equal(issued, 0)
    const form = { mode: 'safe', format: 'xml' } as const
    callbacks.configure(appid, targetOf(form, { url: receiver.url, delay: { fixedMs: 0 } }))
    t.assert.partialDeepStrictEqual(await receiver.received(1), [
      { kind: 'component-ticket', ticket: 'ticket@@@1' },
    ])
    for (const [ms, count] of [
      [500_000, 1],
      [100_000, 2],
      [500_000, 2],
      [100_000, 3],
      [86_400_000, 4],
    ] as const) {
      world.clock.advance(ms)
      world.clockMoved()
      t.assert.equal(issued, count)
      await receiver.received(count)
    }
  })
})
