import { type TestContext, test } from 'node:test'
import { type Ask, aBody, mini, openGateway, settleNext, shop, theirShop } from '../support/gateway.ts'

interface Summary {
  readonly id: string
  readonly tags: readonly string[]
}

const listed = (query: string, rest: Ask = {}): Ask => ({
  method: 'GET',
  path: `/v1/messages${query}`,
  ...rest,
})
const namesOf = (data: readonly Summary[]): string => data.map(({ tags }) => tags[0]).join(' ')

test('a list is filtered', async (t: TestContext) => {
  const gateway = await openGateway(t)
  const { ask, clock } = gateway
  const send = async (name: string, overrides: Record<string, unknown> = {}): Promise<string> =>
    (await ask({ body: aBody({ tags: [name, 'all'], ...overrides }) })).json.id

  const from = new Date(clock.now()).toISOString()
  const sent = await send('sent', { touser: 'oAnna', client_msg_id: 'order-1', lane: 'urgent' })
  await settleNext(gateway, { kind: 'sent' })
  await send('dead', { touser: 'oBob', template_id: 'tpl-other' })
  await settleNext(gateway, { kind: 'dead', reason: 'errcode-43101' })
  // Not much: ids are made with the machine's clock, and a search from a time trusts them to a few seconds.
  clock.advance(4000)
  const to = new Date(clock.now()).toISOString()
  await send('mini', { touser: 'oAnna', account: 'mini' })
  await send('queued', { touser: 'oCleo' })
  await ask({
    as: 'rival',
    body: aBody({ account: theirShop.name, touser: 'oAnna', tags: ['theirs', 'all'] }),
  })

  const cases: Readonly<Record<string, string>> = {
    '': 'queued mini dead sent',
    '?touser=oAnna': 'mini sent',
    '?touser=oNobody': '',
    '?state=queued': 'queued mini',
    '?state=sent': 'sent',
    '?state=dead': 'dead',
    '?account=mini': 'mini',
    [`?account=${shop.appid}`]: 'queued dead sent',
    [`?account=${mini.appid}&state=queued`]: 'mini',
    '?account=nobody': '',
    [`?account=${theirShop.appid}`]: '',
    '?channel=subscribe': 'mini',
    '?template_id=tpl-other': 'dead',
    '?account=shop&template_id=shipped': 'queued sent',
    '?tag=all&state=dead': 'dead',
    '?tag=theirs': '',
    '?q=order-1': 'sent',
    '?q=oBob': 'dead',
    [`?q=${sent}`]: 'sent',
    '?q=no-such-thing': '',
    [`?from=${encodeURIComponent(to)}`]: 'queued mini',
    [`?to=${encodeURIComponent(to)}`]: 'dead sent',
    [`?from=${encodeURIComponent(from)}&to=${encodeURIComponent(to)}&touser=oAnna`]: 'sent',
    '?limit=1': 'queued',
    '?cursor=not-a-cursor': '',
  }
  for (const [query, names] of Object.entries(cases))
    await t.test(`${query || 'without filters'}: ${names || 'nothing'}`, async (t) => {
      const { status, json } = await ask(listed(query))
      t.assert.equal(status, 200)
      t.assert.equal(namesOf(json.data), names)
    })

  await t.test('and shows each tenant its own', async (t) => {
    t.assert.equal(namesOf((await ask(listed('', { as: 'rival' }))).json.data), 'theirs')
    t.assert.equal((await ask(listed(`?q=${sent}`, { as: 'rival' }))).json.data.length, 0)
  })
})

test('a list is read page by page, newest first, each message once', async (t: TestContext) => {
  const { ask } = await openGateway(t)
  const names = Array.from({ length: 25 }, (_, n) => `n${n}`)
  await ask({ body: names.map((name) => aBody({ tags: [name] })) })

  const pages: string[] = []
  for (let cursor = ''; ; ) {
    const { json } = await ask(listed(`?limit=10${cursor && `&cursor=${cursor}`}`))
    pages.push(namesOf(json.data))
    t.assert.equal(json.has_more, json.next_cursor !== null)
    if (!json.has_more) break
    cursor = json.next_cursor
    // What comes later does not move the pages that are still to be read.
    await ask({ body: aBody({ tags: ['later'] }) })
  }
  t.assert.equal(pages.length, 3)
  t.assert.deepEqual(pages.join(' ').split(' '), names.toReversed())
})

test('a list has a limit', async (t: TestContext) => {
  const { ask } = await openGateway(t)
  await ask({ body: Array.from({ length: 60 }, () => aBody()) })
  t.assert.equal((await ask(listed(''))).json.data.length, 50)
  t.assert.equal((await ask(listed('?limit=200'))).json.data.length, 60)
  for (const limit of ['0', '201', '-1', '1.5', 'all']) {
    const { status, json } = await ask(listed(`?limit=${limit}`))
    t.assert.deepEqual([status, json.errors[0].pointer], [400, '/limit'])
  }
  t.assert.equal((await ask(listed('?state=lost'))).json.code, 'value-invalid')
})
