/** The page's own API: who may use it, what it answers, and how it tells of news. */
import assert from 'node:assert/strict'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { suite, type TestContext, test } from 'node:test'
import { soon, until } from '../support/waiting.ts'
import { aMessage, miniprogram, official, openSimulator } from './open.ts'

interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** A request with headers of our choice, which fetch would not let us choose. */
const ask = (url: string, { method = 'GET', headers = {}, body }: Asked = {}): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const req = httpRequest(url, { method, headers, agent: false }, resolve)
    req.once('error', reject)
    req.end(body)
  })

const textOf = async (response: IncomingMessage): Promise<string> => {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return text
}

const json = { 'content-type': 'application/json' }

const open = async (t: TestContext, options: Parameters<typeof openSimulator>[1] = {}) => {
  const simulator = await openSimulator(t, options)
  const get = async (path: string) => JSON.parse(await textOf(await ask(`${simulator.url}/_ui/${path}`)))
  const post = async (path: string, body: unknown) =>
    JSON.parse(
      await textOf(
        await ask(`${simulator.url}/_ui/${path}`, {
          method: 'POST',
          headers: json,
          body: JSON.stringify(body),
        }),
      ),
    )
  return { ...simulator, get, post }
}

interface Event {
  readonly id: string
  readonly event: string
  readonly data: {
    readonly rows?: readonly { readonly id: number; readonly touser: string }[]
    readonly skipped?: number
    readonly unread: number
    readonly total: number
  }
}

/** Reads events of a stream one by one. */
const listen = async (t: TestContext, url: string, headers: Readonly<Record<string, string>> = {}) => {
  const response = await ask(url, { headers })
  t.after(() => response.destroy())
  const chunks = response.setEncoding('utf8')[Symbol.asyncIterator]()
  let text = ''
  const next = async (): Promise<Event> => {
    for (;;) {
      const end = text.indexOf('\n\n')
      if (end < 0) {
        const { value, done } = await soon(chunks.next(), 'an event')
        if (done) throw new Error('the stream ended')
        text += value
        continue
      }
      const block = text.slice(0, end)
      text = text.slice(end + 2)
      const [, id = '', event = '', data = 'null'] = /^id: (.*)\nevent: (.*)\ndata: (.*)$/.exec(block) ?? []
      if (id !== '') return { id, event, data: JSON.parse(data) }
    }
  }
  return { response, next, close: () => response.destroy() }
}

suite('who may use the page', () => {
  test('a browser on this machine, under any of its names', async (t) => {
    const { url } = await open(t)
    const { port } = new URL(url)
    for (const host of ['localhost', '127.0.0.1', '[::1]', 'sim.localhost', '192.168.1.7']) {
      const { statusCode } = await ask(`${url}/_ui/messages`, { headers: { host: `${host}:${port}` } })
      assert.equal(statusCode, 200, host)
    }
  })

  test('no name that somebody else could make point here', async (t) => {
    const { url } = await open(t)
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example'])
      for (const path of ['/_ui/messages', '/_ui/app.js', '/_ui/events'])
        assert.equal((await ask(url + path, { headers: { host } })).statusCode, 403, `${host}${path}`)
  })

  test('no other page, whatever it sends', async (t) => {
    const { url, get } = await open(t)
    const path = `${url}/_ui/faults`
    const body = '{"add":{"errcode":-1}}'
    const refused: readonly Readonly<Record<string, string>>[] = [
      { ...json, origin: 'https://evil.example' },
      { ...json, origin: 'null' },
      { ...json, 'sec-fetch-site': 'cross-site' },
      { ...json, 'sec-fetch-site': 'same-site' },
      { 'content-type': 'text/plain' },
      { 'content-type': 'application/x-www-form-urlencoded' },
      {},
    ]
    for (const headers of refused)
      assert.equal(
        (await ask(path, { method: 'POST', headers, body })).statusCode,
        403,
        JSON.stringify(headers),
      )
    assert.deepEqual(await get('faults'), { rules: [] })
    const own = { ...json, origin: url, 'sec-fetch-site': 'same-origin' }
    assert.equal((await ask(path, { method: 'POST', headers: own, body })).statusCode, 200)
  })

  test('nobody is given more than the page needs', async (t) => {
    const { url, api, get } = await open(t)
    const response = await ask(`${url}/`)
    assert.match(String(response.headers['content-security-policy']), /^default-src 'self';/)
    assert.equal(response.headers['x-content-type-options'], 'nosniff')
    const html = await textOf(response)
    assert.doesNotMatch(html, /<script(?![^>]*src=)|\son\w+=|style=|https?:/)
    for (const path of ['sim/accounts', 'sim/reset', 'sim/tokens/rotate', 'tsconfig.json'])
      assert.equal((await ask(`${url}/_ui/${path}`)).statusCode, 404, path)
    // Every other path is WeChat's.
    assert.equal((await api('/ui', {})).json.errcode, 40066)
    assert.equal((await api('/', {})).json.errcode, 40066)
    assert.equal((await get('messages')).total, 0)
  })

  test('no secret is shown but those of the demo accounts', async (t) => {
    const own = { ...official, secret: 'really-secret' }
    const { url } = await open(t, { accounts: [own, miniprogram] })
    const text = await textOf(await ask(`${url}/_ui/state`))
    assert.doesNotMatch(text, /really-secret/)
    assert.match(text, new RegExp(miniprogram.secret))
  })
})

suite('the list of the page', () => {
  test('holds accepted and refused calls, newest first', async (t) => {
    const { get, send, tokenOf } = await open(t)
    const token = await tokenOf()
    await send(token, { client_msg_id: 'a' })
    await send(token, { client_msg_id: 'a' })
    await send(token, { touser: 'oNobody' })
    await send('bad', {})
    const { rows, total, unread } = await get('messages')
    assert.deepEqual(
      rows.map(({ state, errcode }: { state: string; errcode: number }) => [state, errcode]),
      [
        ['refused', 40014],
        ['refused', 40003],
        ['repeat', 0],
        ['accepted', 0],
      ],
    )
    assert.deepEqual([total, unread], [4, 4])
    const detail = await get('message?id=2')
    assert.match(detail.reply.body, /"msgid":\d{19}/)
    assert.equal((await get('message?id=3')).explain.next.zh.length > 5, true)
  })

  test('tells what the user has from what the caller was told', async (t) => {
    const { get, send, tokenOf, faults } = await open(t)
    const token = await tokenOf()
    for (const rule of [{ reset: 'after' }, { reset: 'before' }]) {
      await faults({ ...rule, count: 1 })
      await send(token).catch(() => undefined)
    }
    const { rows } = await get('messages')
    assert.deepEqual(
      rows.map(({ state, fault }: { state: string; fault: string }) => [state, fault]),
      [
        ['lost', 'reset:before'],
        ['hidden', 'reset:after'],
      ],
    )
    assert.equal((await get('message?id=1')).reply, null)
  })

  test('tells of messages that a user does not take', async (t) => {
    const { get, send, tokenOf, post } = await open(t)
    await post('sim/recipients', { appid: official.appid, touser: official.openids[0], blocksMessages: true })
    await send(await tokenOf())
    assert.equal((await get('message?id=1')).state, 'unshown')
    assert.equal((await get('messages?q=is:delivered')).rows.length, 0)
  })

  test('comes in pages of a hundred', async (t) => {
    const { get, send, tokenOf } = await open(t)
    const token = await tokenOf()
    for (let i = 0; i < 120; i++) await send(token)
    const first = await get('messages')
    assert.deepEqual([first.rows.length, first.rows[0].id, first.more], [100, 120, true])
    const second = await get(`messages?before=${first.rows.at(-1).id}`)
    assert.deepEqual([second.rows.length, second.rows.at(-1).id, second.more], [20, 1, false])
  })

  test('finds by tag of the request, and says what it could not read', async (t) => {
    const { get, url, tokenOf, post } = await open(t)
    const target = `${url}/cgi-bin/message/template/send?access_token=${await tokenOf()}`
    for (const tags of ['ci, night', 'other'])
      await textOf(
        await ask(target, {
          method: 'POST',
          headers: { 'x-tags': tags },
          body: JSON.stringify(aMessage()),
        }),
      )
    const { rows, unreadable } = await get('messages?q=tag:ci+before:noon')
    assert.deepEqual([rows.length, rows[0].tags, unreadable], [1, ['ci', 'night'], ['before:noon']])
    await post('read', { q: 'tag:ci' })
    assert.deepEqual(
      (await get('messages?q=is:unread')).rows.map(({ id }: { id: number }) => id),
      [2],
    )
  })

  test('is emptied without touching the truth, and by a reset of everything', async (t) => {
    const { get, post, send, tokenOf, effects, admin } = await open(t)
    const token = await tokenOf()
    await send(token)
    await post('clear', {})
    assert.equal((await get('messages')).rows.length, 0)
    assert.equal((await effects()).length, 1)
    await send(token)
    await admin('reset', {})
    assert.equal((await get('messages')).rows.length, 0)
  })

  test('keeps nothing in benchmark mode, and says so', async (t) => {
    const { get, send, tokenOf } = await open(t, { benchmark: true })
    await send(await tokenOf())
    assert.deepEqual([(await get('messages')).total, (await get('state')).keeps], [0, false])
  })
})

suite('the faults of the page', () => {
  test('are added one by one, keep their hits, and are removed', async (t) => {
    const { get, post, send, tokenOf } = await open(t)
    const token = await tokenOf()
    await post('faults', { add: { errcode: -1 } })
    await send(token)
    const { rules } = await post('faults', { add: { errcode: 45009, count: 1 } })
    assert.deepEqual(
      rules.map(({ id, hits }: { id: number; hits: number }) => [id, hits]),
      [
        [2, 0],
        [1, 1],
      ],
    )
    assert.equal((await send(token)).json.errcode, 45009)
    assert.equal((await get('faults')).rules[0].spent, true)
    await post('faults', { remove: 2 })
    assert.equal((await send(token)).json.errcode, -1)
    assert.deepEqual(await post('faults', { clear: true }), { rules: [] })
    assert.match((await post('faults', { add: { errcode: -1, junk: true } })).error, /exactly one/)
  })
})

suite('the events of the page', () => {
  test('bring what matches the search, and what came while nobody listened', async (t) => {
    const { url, send, tokenOf, get } = await open(t)
    const token = await tokenOf()
    await send(token)
    const { after } = await get('messages')
    const address = `${url}/_ui/events?q=to:0000002&after=${after}`
    const stream = await listen(t, address)
    assert.equal((await stream.next()).event, 'counts')
    await send(token, { touser: official.openids[1] })
    const news = await stream.next()
    assert.deepEqual([news.event, news.data.rows?.map(({ id }) => id)], ['messages', [2]])
    stream.close()
    await send(token, { touser: official.openids[1] })
    await send(token, { touser: official.openids[0] })
    const again = await listen(t, address, { 'last-event-id': news.id })
    const missed = await again.next()
    assert.deepEqual(
      missed.data.rows?.map(({ id }) => id),
      [3],
    )
    assert.equal(missed.data.total, 4)
  })

  test('count what is too much for one event', async (t) => {
    const { url, send, tokenOf } = await open(t)
    const token = await tokenOf()
    for (let i = 0; i < 130; i++) await send(token)
    const epoch = await epochOf(url)
    const stream = await listen(t, `${url}/_ui/events?after=${epoch}:0`)
    const { data } = await stream.next()
    assert.deepEqual([data.rows?.length, data.skipped, data.rows?.[0]?.id], [100, 30, 130])
  })

  test('tell a page of another process to start over', async (t) => {
    const { url, send, tokenOf } = await open(t)
    await send(await tokenOf())
    const stream = await listen(t, `${url}/_ui/events`, { 'last-event-id': 'other.0:99' })
    assert.equal((await stream.next()).event, 'reset')
  })

  test('tell when something was read, and when everything was forgotten', async (t) => {
    const { url, send, tokenOf, post, get, admin } = await open(t)
    await send(await tokenOf())
    const { after } = await get('messages')
    const stream = await listen(t, `${url}/_ui/events?after=${after}`)
    assert.equal((await stream.next()).data.unread, 1)
    await post('read', { id: 1 })
    assert.deepEqual([(await stream.next()).data.unread], [0])
    await admin('reset', {})
    assert.equal((await stream.next()).event, 'reset')
  })

  test('end for a page that is one too many, and begin again when one has gone', async (t) => {
    const { url } = await open(t)
    const streams = []
    for (let i = 0; i < 50; i++) streams.push(await listen(t, `${url}/_ui/events`))
    assert.equal((await ask(`${url}/_ui/events`)).statusCode, 503)
    streams[0]?.close()
    await until(async () => {
      const response = await ask(`${url}/_ui/events`)
      response.destroy()
      return response.statusCode === 200
    }, 3_000)
  })
})

const epochOf = async (url: string): Promise<string> =>
  JSON.parse(await textOf(await ask(`${url}/_ui/messages`))).after.split(':')[0]
