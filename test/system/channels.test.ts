/** Every channel, from the gateway to what the user of the simulated WeChat saw, and back by its receipt. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { suite, type TestContext, test } from 'node:test'
import { Webhook } from 'standardwebhooks'
import { connectCallbacks } from '../../src/cli/dev-callbacks.ts'
import { demoAccounts } from '../../src/main.ts'
import type { MessageId } from '../../src/message.ts'
import { newWebhookSecret } from '../../src/webhook-signature.ts'
import { atEnd } from '../support/at-end.ts'
import { anAccount, openSystem, type System } from '../support/system.ts'
import { until } from '../support/waiting.ts'

const [official, miniprogram] = demoAccounts as [(typeof demoAccounts)[0], (typeof demoAccounts)[0]]
const follower = official.openids[0]!
const user = miniprogram.openids[0]!

interface View {
  readonly id: MessageId
  readonly state: string
  readonly reason: string | null
  readonly wechat_msgid: string | null
  readonly explanation: { readonly zh: string; readonly en: string }
}

/** The demo accounts, with callbacks, at a WeChat that counts grants. */
const open = async (t: TestContext): Promise<System> => {
  const system = await openSystem(t, {
    simulator: { grants: 'counted' },
    env: { HONGYAN_WEBHOOK_HOSTS: '127.0.0.1' },
  })
  const { directory } = system.service
  for (const { appid, name, kind, secret, templates } of demoAccounts) {
    const known = templates.map(({ template_id: templateId, alias }) => ({
      templateId,
      ...(alias && { alias }),
    }))
    await directory.putAccount(anAccount(appid, { name, kind: kind as 'official', secret, templates: known }))
  }
  await connectCallbacks({
    directory,
    appids: demoAccounts.map(({ appid }) => appid),
    gateway: system.url,
    simulatorAdmin: system.simulator.adminUrl,
  })
  return system
}

const send = async ({ api }: System, body: object): Promise<View> =>
  (await api.post('/v1/messages', body, { Prefer: 'wait=10' })) as View

const finalView = async ({ api }: System, id: string, state: string): Promise<View> => {
  let view: View | undefined
  await until(async () => {
    view = (await api.get(`/v1/messages/${id}`)) as View
    return view.state === state
  }, 10_000)
  return view!
}

const effectsOf = async ({ sim }: System, touser: string): Promise<readonly { data: unknown }[]> =>
  (await sim<{ effects: readonly { data: unknown }[] }>(`/_sim/effects?touser=${touser}`)).effects

const shipped = official.templates[0]!
const turn = miniprogram.templates[0]!

suite('a message of the channel', () => {
  test('template arrives, and its receipt says so', async (t) => {
    const system = await open(t)
    const { id } = await send(system, {
      ...{ account: official.name, touser: follower, template_id: shipped.alias, data: shipped.example },
    })
    const view = await finalView(system, id, 'delivered')
    assert.match(view.wechat_msgid!, /^\d{19}$/)
    assert.equal((await effectsOf(system, follower)).length, 1)
  })

  test('template to somebody who blocks the account is accepted, and undelivered', async (t) => {
    const system = await open(t)
    await system.sim('/_sim/recipients', { appid: official.appid, touser: follower, blocksMessages: true })
    const { id } = await send(system, {
      ...{ account: official.name, touser: follower, template_id: shipped.alias, data: shipped.example },
    })
    const view = await finalView(system, id, 'undelivered')
    assert.equal(view.reason, 'user block')
    assert.match(view.explanation.zh, /拒收/)
  })

  test('subscribe uses the grant that the popup gave, and the next one is told that there is none', async (t) => {
    const system = await open(t)
    await system.sim('/_sim/events', {
      ...{ appid: miniprogram.appid, touser: user, kind: 'popup' },
      accepted: [turn.template_id],
    })
    const query = `/v1/grants?account=${miniprogram.name}&touser=${user}`
    await until(async () => ((await system.api.get(query)) as { data: unknown[] }).data.length === 1, 10_000)
    const message = { account: miniprogram.name, touser: user, template_id: turn.alias, data: turn.example }
    const first = await send(system, message)
    await finalView(system, first.id, 'delivered')
    const second = await send(system, message)
    assert.deepEqual([second.state, second.reason], ['dead', 'errcode-43101'])
    assert.equal((await effectsOf(system, user)).length, 1)
  })

  test('subscribe waits for a grant where its template says so, and goes on with the next yes', async (t) => {
    const system = await open(t)
    await system.api.patch(`/v1/templates/${miniprogram.name}/${turn.alias}`, { when_no_grant: 'park' })
    const message = { account: miniprogram.name, touser: user, template_id: turn.alias, data: turn.example }
    const { id } = (await system.api.post('/v1/messages', message)) as View
    const parked = await finalView(system, id, 'parked')
    assert.equal(parked.reason, 'no-grant')
    assert.match(parked.explanation.zh, /授权/)
    await system.sim('/_sim/events', {
      ...{ appid: miniprogram.appid, touser: user, kind: 'popup' },
      accepted: [turn.template_id],
    })
    await finalView(system, id, 'delivered')
    assert.equal((await effectsOf(system, user)).length, 1)
  })

  test('oa_subscribe arrives with a grant', async (t) => {
    const system = await open(t)
    const grant = { touser: follower, template_id: shipped.template_id }
    await system.sim('/_sim/grants', { ...grant, appid: official.appid, kind: 'once', count: 1 })
    const { id } = await send(system, {
      ...{ account: official.name, channel: 'oa_subscribe', ...grant, data: shipped.example },
    })
    await finalView(system, id, 'delivered')
    const { calls } = await system.sim<{ calls: readonly { path: string; errcode: number }[] }>(
      `/_sim/calls?touser=${follower}`,
    )
    assert.deepEqual(
      calls.map(({ path, errcode }) => [path, errcode]),
      [['/cgi-bin/message/subscribe/bizsend', 0]],
    )
  })

  test('oa_once arrives once for a scene', async (t) => {
    const system = await open(t)
    const grant = { touser: follower, template_id: shipped.template_id, scene: 1000 }
    await system.sim('/_sim/grants', { ...grant, scene: '1000', appid: official.appid, kind: 'scene' })
    await system.api.post('/v1/grants', { account: official.name, ...grant })
    const message = {
      account: official.name,
      channel: 'oa_once',
      ...grant,
      title: '预约',
      data: { content: '已确认' },
    }
    assert.equal((await send(system, message)).state, 'sent')
    assert.deepEqual((await send(system, message)).reason, 'errcode-43101')
    assert.equal((await effectsOf(system, follower)).length, 1)
  })

  test('customer arrives inside the window that the user’s message has opened, and not before', async (t) => {
    const system = await open(t)
    const message = { account: official.name, channel: 'customer', touser: follower, msgtype: 'text' }
    const say = (content: string) => send(system, { ...message, text: { content } })
    const early = await say('在吗')
    assert.deepEqual([early.state, early.reason], ['dead', 'no-grant'])
    await system.sim('/_sim/interactions', { appid: official.appid, touser: follower, what: 'message' })
    const check = { account: official.name, channel: 'customer', touser: follower }
    await until(
      async () => ((await system.api.post('/v1/check', check)) as { answer: string }).answer === 'yes',
      10_000,
    )
    for (let n = 1; n <= 5; n++) assert.equal((await say(`第 ${n} 条`)).state, 'sent')
    assert.equal((await say('第 6 条')).state, 'dead')
    assert.equal((await effectsOf(system, follower)).length, 5)
  })

  test('form is refused by an API that is no more, and says so in words', async (t) => {
    const system = await open(t)
    const view = await send(system, {
      ...{ account: miniprogram.name, channel: 'form', touser: user, template_id: turn.alias, form_id: 'f1' },
      data: turn.example,
    })
    assert.deepEqual([view.state, view.reason], ['dead', 'errcode-46101'])
    assert.match(view.explanation.zh, /下线|停用|不再/)
    assert.match(view.explanation.en, /retired|withdrawn|offline|no longer/i)
  })

  test('webhook is posted, signed, to the tenant’s own address', async (t) => {
    const system = await open(t)
    const got: { headers: Record<string, string>; body: string }[] = []
    const server = createServer((request, response) => {
      let body = ''
      request.on('data', (part) => {
        body += part
      })
      request.on('end', () => {
        got.push({ headers: request.headers as Record<string, string>, body })
        response.writeHead(204).end()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    atEnd(t, async () => void server.close())
    const secret = newWebhookSecret()
    const { port } = server.address() as AddressInfo
    await system.api.post('/v1/accounts', {
      ...{ name: 'sms', kind: 'webhook', secret, url: `http://127.0.0.1:${port}/sms` },
    })
    const view = await send(system, {
      ...{ account: 'sms', touser: 'o13800000000', template_id: 'shipped', data: { text: '已发货' } },
    })
    assert.equal(view.state, 'sent')
    const [{ headers, body } = { headers: {}, body: '' }] = got
    const verified = new Webhook(secret).verify(body, headers) as { data: unknown }
    assert.deepEqual(verified.data, { text: { value: '已发货' } })
    assert.equal(headers['webhook-id'], view.id)
  })
})

suite('receipts by the hundred', () => {
  test('in one burst, each finds its message, and WeChat never has to pause', async (t) => {
    const system = await open(t)
    await system.sim('/_sim/callbacks', {
      appid: official.appid,
      burst_ms: 500,
      duplicated: 0.2,
      jitter_ms: 200,
    })
    const count = 600
    const body = Array.from({ length: count }, (_, index) => ({
      ...{ account: official.name, touser: official.openids[index % 5], template_id: shipped.alias },
      data: shipped.example,
    }))
    await system.api.post('/v1/messages', body)
    await until(async () => (await countIn(system, 'delivered')) === count, 60_000)
    const { callbacks } = await system.sim<{ callbacks: readonly { counters: Record<string, number> }[] }>(
      `/_sim/callbacks?appid=${official.appid}`,
    )
    assert.deepEqual([callbacks[0]?.counters['given-up'], callbacks[0]?.counters.pauses], [0, 0])
  })
})

/** How many messages are in this state, page by page. */
const countIn = async ({ api }: System, state: string): Promise<number> => {
  let count = 0
  let cursor = ''
  do {
    const page = (await api.get(`/v1/messages?state=${state}&limit=200${cursor}`)) as {
      readonly data: readonly View[]
      readonly next_cursor: string | null
    }
    count += page.data.length
    cursor = page.next_cursor === null ? '' : `&cursor=${page.next_cursor}`
  } while (cursor !== '')
  return count
}
