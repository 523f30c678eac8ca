import { type TestContext, test } from 'node:test'
import type { Observation } from '../../src/observe.ts'
import type { Settlement } from '../../src/settlement.ts'
import { aBody, mini, openGateway, settleNext, shop, type TestGateway } from '../support/gateway.ts'
import { together } from '../support/together.ts'
import { soon } from '../support/waiting.ts'

const get = (path: string) => ({ method: 'GET', path })
const ndjson = (body: string, type = 'application/x-ndjson') => ({ body, headers: { 'Content-Type': type } })
const idShape = /^msg_[0-9a-f]{32}$/

together('a message is accepted', (check) => {
  check('with its id and its place', async (t, { ask }) => {
    const { status, json, headers } = await ask()
    t.assert.equal(status, 202)
    t.assert.match(json.id, idShape)
    t.assert.deepEqual(json, { id: json.id, state: 'queued', duplicate: false })
    t.assert.equal(headers.location, `/v1/messages/${json.id}`)
  })

  check('and can be read at once', async (t, { ask, clock }) => {
    const { json: accepted } = await ask({
      body: aBody({ client_msg_id: 'order-1', tags: ['a', 'b'], url: 'https://example.com/' }),
    })
    const { status, json } = await ask(get(`/v1/messages/${accepted.id}`))
    const now = new Date(clock.now()).toISOString()
    t.assert.equal(status, 200)
    t.assert.partialDeepStrictEqual(json, {
      id: accepted.id,
      state: 'queued',
      reason: null,
      account: 'shop',
      appid: shop.appid,
      channel: 'template',
      lane: 'normal',
      template_id: 'tpl-shipped',
      client_msg_id: 'order-1',
      tags: ['a', 'b'],
      accepted_at: now,
      wechat_msgid: null,
      wechat_client_msg_id: accepted.id.slice('msg_'.length),
      data: { thing1: { value: 'canary-5b1f' } },
      attempts: [],
      timeline: [{ at: now, event: 'accepted' }],
    })
    t.assert.deepEqual(json.request, {
      touser: 'oABCDEFGHIJKLMNOPQRSTUVWXYZ0',
      template_id: 'tpl-shipped',
      url: 'https://example.com/',
      client_msg_id: json.wechat_client_msg_id,
      data: { thing1: { value: 'canary-5b1f' } },
    })
  })

  check('for later', async (t, { ask, clock }) => {
    const sendAt = new Date(clock.now() + 3_600_000).toISOString()
    const { json: accepted } = await ask({ body: aBody({ send_at: sendAt }) })
    t.assert.equal(accepted.state, 'scheduled')
    const { json } = await ask(get(`/v1/messages/${accepted.id}`))
    t.assert.partialDeepStrictEqual(json, {
      state: 'scheduled',
      send_at: sendAt,
      next_attempt_at: sendAt,
      timeline: [{ event: 'accepted' }, { event: 'scheduled', until: sendAt }],
    })
  })

  check('for a mini program, whose API knows no client_msg_id', async (t, { ask }) => {
    const body = {
      ...aBody({ account: mini.appid }),
      page: 'pages/order',
      lang: 'zh_CN',
      miniprogram_state: 'formal',
    }
    const { json } = await ask({ path: '/v1/messages?dry=1', body })
    t.assert.deepEqual(json.request, {
      touser: 'oABCDEFGHIJKLMNOPQRSTUVWXYZ0',
      template_id: 'tpl-shipped',
      page: 'pages/order',
      miniprogram_state: 'formal',
      lang: 'zh_CN',
      data: { thing1: { value: 'canary-5b1f' } },
    })
  })

  check('with numbers and values in either form', async (t, { ask }) => {
    const data = {
      first: 'text',
      number1: 42,
      number2: { value: 0.5 },
      thing3: { value: 'x', color: '#173177' },
    }
    const { json } = await ask({ path: '/v1/messages?dry=1', body: aBody({ data }) })
    t.assert.deepEqual(json.request.data, {
      first: { value: 'text' },
      number1: { value: '42' },
      number2: { value: '0.5' },
      thing3: { value: 'x' },
    })
  })

  check('of 64 KB, and not a byte more', async (t, { ask }) => {
    const { status } = await ask({ body: JSON.stringify(aBody()).padEnd(65_536) })
    t.assert.equal(status, 202)
  })
})

together('many messages are accepted', (check) => {
  check('as an array, each with its own result, in order', async (t, { ask }) => {
    const { status, json } = await ask({
      body: [aBody(), aBody({ account: 'nobody' }), aBody({ tags: ['third'] })],
    })
    t.assert.equal(status, 202)
    t.assert.partialDeepStrictEqual(json, { accepted: 2, rejected: 1 })
    t.assert.deepEqual(
      json.results.map((result: { code?: string; state?: string }) => result.code ?? result.state),
      ['queued', 'account-unknown', 'queued'],
    )
    t.assert.equal(json.results[1].errors[0].pointer, '/account')
    const { json: third } = await ask(get(`/v1/messages/${json.results[2].id}`))
    t.assert.deepEqual(third.tags, ['third'])
  })

  const line = JSON.stringify(aBody())
  for (const [name, request] of Object.entries({
    'as NDJSON': ndjson(`${line}\n${line}\n`),
    'as NDJSON whose last line does not end': ndjson(`${line}\n${line}`),
    'as NDJSON with CRLF and empty lines': ndjson(`\r\n${line}\r\n\n${line}\r\n`),
    'as NDJSON, its type in capitals': ndjson(`${line}\n${line}`, 'Application/X-NDJSON; charset=utf-8'),
  }))
    check(name, async (t, { ask }) => {
      const { status, json } = await ask(request)
      t.assert.deepEqual(
        { status, accepted: json.accepted, rejected: json.rejected },
        { status: 202, accepted: 2, rejected: 0 },
      )
    })

  check('up to a thousand', async (t, { ask }) => {
    const { status, json } = await ask({ body: Array.from({ length: 1000 }, () => aBody()) })
    t.assert.deepEqual({ status, accepted: json.accepted }, { status: 202, accepted: 1000 })
    t.assert.equal(new Set(json.results.map(({ id }: { id: string }) => id)).size, 1000)
  })
})

together('a dry run', (check) => {
  check('tells what WeChat would be sent, and keeps nothing', async (t, { ask }) => {
    const one = await ask({ path: '/v1/messages?dry=1' })
    t.assert.equal(one.status, 200)
    t.assert.equal(one.json.dry, true)
    t.assert.equal(one.json.request.template_id, 'tpl-shipped')
    const many = await ask({ path: '/v1/messages?dry=1', body: [aBody(), aBody({ touser: ' ' })] })
    t.assert.equal(many.status, 200)
    t.assert.partialDeepStrictEqual(many.json, { dry: true, accepted: 1, rejected: 1 })
    t.assert.deepEqual((await ask(get('/v1/messages'))).json.data, [])
  })

  check('refuses what would be refused', async (t, { ask }) => {
    const { status, json } = await ask({ path: '/v1/messages?dry=1', body: aBody({ touser: ' ' }) })
    t.assert.deepEqual([status, json.code], [400, 'openid-invalid'])
  })
})

const wait = (seconds: number) => ({ headers: { Prefer: `wait=${seconds}` } })

together('Prefer: wait', (check) => {
  check('answers with the outcome', async (t, gateway) => {
    const asked = gateway.ask(wait(60))
    const startedAt = gateway.clock.now()
    const attempt = {
      startedAt,
      endedAt: startedAt + 20,
      outcome: 'answered',
      errcode: 0,
      errmsg: 'ok',
    } as const
    await settleNext(gateway, { kind: 'sent', msgid: '3248682510344192008', attempts: [attempt] })
    const { status, json, headers } = await asked
    t.assert.equal(status, 202)
    t.assert.equal(headers['preference-applied'], 'wait=60')
    t.assert.partialDeepStrictEqual(json, {
      state: 'sent',
      duplicate: false,
      wechat_msgid: '3248682510344192008',
      attempts: [{ n: 1, outcome: 'answered', errcode: 0, duration_ms: 20 }],
    })
  })

  check('is not over while the message only waits for its next attempt', async (t, gateway) => {
    const asked = gateway.ask(wait(60))
    const until = gateway.clock.now()
    await settleNext(gateway, { kind: 'retry', until, reason: 'errcode--1', spent: true, inDoubt: false })
    await settleNext(gateway, { kind: 'dead', reason: 'errcode-43101' })
    t.assert.partialDeepStrictEqual((await asked).json, { state: 'dead', reason: 'errcode-43101' })
  })

  check('ends with a cancel', async (t, { ask, observer }) => {
    const accepted = new Promise<string>((resolve) =>
      observer.subscribe((each) => each.kind === 'accepted' && resolve(each.ids[0]!)),
    )
    const asked = ask(wait(60))
    await ask({ path: `/v1/messages/${await soon(accepted, 'it is accepted')}/cancel`, body: undefined })
    t.assert.equal((await asked).json.state, 'cancelled')
  })

  check('that runs out is answered like no wait at all', async (t, { ask }) => {
    const { status, json, headers } = await ask(wait(0))
    t.assert.deepEqual([status, json.state, headers['preference-applied']], [202, 'queued', undefined])
  })

  check('for a message that is there already tells what became of it', async (t, gateway) => {
    const body = aBody({ client_msg_id: 'order-1' })
    await gateway.ask({ body })
    await settleNext(gateway, { kind: 'sent' })
    const { status, json } = await gateway.ask({ body, ...wait(60) })
    t.assert.equal(status, 200)
    t.assert.partialDeepStrictEqual(json, { duplicate: true, state: 'sent' })
  })
})

together('the view of a message', (check) => {
  check('tells its whole story', async (t, gateway) => {
    const { ask, clock } = gateway
    const { id } = (await ask()).json
    const first = clock.now()
    await settleNext(gateway, {
      kind: 'retry',
      until: first + 5000,
      reason: 'timeout',
      spent: true,
      inDoubt: true,
      attempts: [{ startedAt: first, endedAt: first + 900, outcome: 'in-doubt', error: 'timeout' }],
    })
    clock.advance(6000)
    const second = clock.now()
    await settleNext(gateway, {
      kind: 'dead',
      reason: 'errcode-43101',
      attempts: [
        {
          startedAt: second,
          endedAt: second + 30,
          outcome: 'answered',
          errcode: 43101,
          errmsg: 'refused',
          rid: 'rid-1',
        },
      ],
    })
    const { json } = await ask(get(`/v1/messages/${id}`))
    const timeline = json.timeline.map(({ event, reason, errcode }: Record<string, unknown>) =>
      [event, reason ?? errcode].filter((each) => each !== undefined).join(' '),
    )
    t.assert.deepEqual(timeline, [
      'accepted',
      'leased',
      'in-doubt timeout',
      'retry timeout',
      'leased',
      'answered 43101',
      'dead errcode-43101',
    ])
    t.assert.deepEqual(
      json.attempts.map(({ n, outcome }: Record<string, unknown>) => `${n} ${outcome}`),
      ['1 in-doubt', '2 answered'],
    )
    t.assert.partialDeepStrictEqual(json.attempts[1], {
      errcode: 43101,
      errmsg: 'refused',
      rid: 'rid-1',
      duration_ms: 30,
    })
    t.assert.equal(json.next_attempt_at, null)
  })

  const outcomes: Readonly<Record<string, Settlement>> = {
    sent: { kind: 'sent' },
    dead: { kind: 'dead', reason: 'errcode-43101' },
    expired: { kind: 'expired', reason: 'expired' },
    unknown: { kind: 'unknown', reason: 'no-receipt' },
  }
  for (const [state, settlement] of Object.entries(outcomes))
    check(`explains ${state} in both languages`, async (t, gateway) => {
      const { id } = (await gateway.ask()).json
      await settleNext(gateway, settlement)
      const { json } = await gateway.ask(get(`/v1/messages/${id}`))
      t.assert.equal(json.state, state)
      const { zh, en, next_step: next } = json.explanation
      for (const text of [zh, next.zh]) t.assert.match(text, /\p{Script=Han}.*。$/u)
      for (const text of [en, next.en]) t.assert.match(text, /^[^\p{Script=Han}]+\.$/u)
    })
})

together('cancel', (check) => {
  const cancel = ({ ask }: TestGateway, id: string) =>
    ask({ path: `/v1/messages/${id}/cancel`, body: undefined })

  const held = (now: number) => ({ until: now + 60_000, reason: 'errcode-45009' })
  const waiting: Readonly<Record<string, (now: number) => Settlement>> = {
    retry: (now) => ({ kind: 'retry', ...held(now), spent: true, inDoubt: false }),
    parked: (now) => ({ kind: 'parked', ...held(now), inDoubt: false }),
  }
  const finals: readonly Settlement[] = [
    { kind: 'sent' },
    { kind: 'dead', reason: 'errcode-43101' },
    { kind: 'expired', reason: 'expired' },
    { kind: 'unknown', reason: 'no-receipt' },
  ]

  check('stops a message that is queued, and may be repeated', async (t, gateway) => {
    const { id } = (await gateway.ask()).json
    for (let n = 0; n < 2; n++) {
      const { status, json } = await cancel(gateway, id)
      t.assert.deepEqual([status, json], [200, { id, state: 'cancelled' }])
    }
    t.assert.deepEqual(await gateway.queue.receive({ max: 1, waitMs: 0 }), [])
  })

  check('stops a message that is scheduled', async (t, gateway) => {
    const sendAt = new Date(gateway.clock.now() + 3_600_000).toISOString()
    const { id } = (await gateway.ask({ body: aBody({ send_at: sendAt }) })).json
    t.assert.deepEqual((await cancel(gateway, id)).json, { id, state: 'cancelled' })
  })

  for (const [state, settlementAt] of Object.entries(waiting))
    check(`stops a message in ${state}`, async (t, gateway) => {
      const { id } = (await gateway.ask()).json
      await settleNext(gateway, settlementAt(gateway.clock.now()))
      t.assert.deepEqual((await cancel(gateway, id)).json, { id, state: 'cancelled' })
    })

  check('never says of a message in doubt that it was not sent', async (t, gateway) => {
    const { id } = (await gateway.ask()).json
    const until = gateway.clock.now() + 60_000
    await settleNext(gateway, { kind: 'parked', until, reason: 'awaiting-receipt', inDoubt: true })
    t.assert.deepEqual((await cancel(gateway, id)).json, { id, state: 'unknown' })
  })

  check('comes too late while the message is being sent', async (t, gateway) => {
    const { id } = (await gateway.ask()).json
    await settleNext(gateway)
    const { status, json } = await cancel(gateway, id)
    t.assert.deepEqual([status, json.code], [409, 'in-flight'])
  })

  for (const settlement of finals)
    check(`comes too late for one that is ${settlement.kind}`, async (t, gateway) => {
      const { id } = (await gateway.ask()).json
      await settleNext(gateway, settlement)
      const { status, json } = await cancel(gateway, id)
      t.assert.deepEqual([status, json.code, json.state], [409, 'not-cancellable', settlement.kind])
    })
})

together('refusals', (check) => {
  check('speak Chinese to who prefers it', async (t, { ask }) => {
    const titleFor = async (language: string) =>
      (await ask({ body: '{', headers: { 'Accept-Language': language } })).json.title
    t.assert.equal(await titleFor('zh-CN,zh;q=0.9,en;q=0.8'), '请求体不是合法的 JSON')
    t.assert.equal(await titleFor('en-US,zh;q=0.5'), 'The body is not valid JSON')
    t.assert.equal(await titleFor(''), 'The body is not valid JSON')
  })

  check('of one item of many speak it too', async (t, { ask }) => {
    const { json } = await ask({ body: [aBody({ touser: ' ' })], headers: { 'Accept-Language': 'zh' } })
    t.assert.equal(json.results[0].title, 'openid 格式不对')
  })

  check('name every field that is wrong', async (t, { ask }) => {
    const body = { ...aBody({ touser: 17, lane: 'fast', data: { thing1: true, thing10: [] } }), 'a/b': 1 }
    const { json } = await ask({ body: JSON.stringify({ ...body, account: undefined }) })
    t.assert.deepEqual(
      json.errors.map(({ pointer, code }: Record<string, string>) => `${pointer} ${code}`).toSorted(),
      [
        '/account missing-field',
        '/a~1b unknown-field',
        '/data/thing1 type',
        '/data/thing10 type',
        '/lane value-invalid',
        '/touser type',
      ],
    )
  })
})

test('a fault of ours is told to who looks after us, and only the id to the caller', async (t: TestContext) => {
  const seen: Observation[] = []
  const { ask, observer } = await openGateway(t, {
    parts: ({ ledger }) => ({ ledger: { ...ledger, find: () => Promise.reject(new Error('the reason')) } }),
  })
  observer.subscribe((observation) => seen.push(observation))
  const { status, json, text } = await ask(get(`/v1/messages/msg_${'0'.repeat(32)}`))
  t.assert.equal(status, 500)
  t.assert.ok(!text.includes('the reason'))
  const alert = seen.find(({ kind }) => kind === 'alert')
  t.assert.partialDeepStrictEqual(alert, { kind: 'alert', code: 'gateway-internal' })
  t.assert.match(
    JSON.stringify(alert),
    new RegExp(`${json.request_id} GET /v1/messages/:id: Error: the reason`),
  )
})
