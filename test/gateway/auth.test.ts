import { connect } from 'node:net'
import { suite, type TestContext, test } from 'node:test'
import { createTestClock } from '../support/clock.ts'
import { temporaryFolder } from '../support/folder.ts'
import {
  type Ask,
  aBody,
  keyIdOf,
  olderSecret,
  openGateway,
  shop,
  type Wire,
  wireOf,
} from '../support/gateway.ts'
import { together } from '../support/together.ts'

const schemes = ['v1', 'params', 'bearer'] as const
const list: Ask = { method: 'GET', path: '/v1/messages?limit=5&touser=oABC' }
const keys: Ask = { method: 'GET', path: '/v1/keys' }

test('each scheme opens every kind of route', async (t: TestContext) => {
  const { ask } = await openGateway(t)
  const requests: Readonly<Record<string, Ask>> = {
    'a message': {},
    'a message in UTF-8': { body: aBody({ data: { thing1: '您的快递已发出 🪿' } }) },
    'an array': { body: [aBody()] },
    NDJSON: { body: `${JSON.stringify(aBody())}\n`, headers: { 'Content-Type': 'application/x-ndjson' } },
    'a list with filters': list,
    'a list with Chinese in its query': { method: 'GET', path: '/v1/messages?q=%E9%B8%BF%E9%9B%81' },
    'the keys': keys,
  }
  for (const scheme of schemes)
    for (const [name, request] of Object.entries(requests))
      await t.test(`${scheme}: ${name}`, async (t: TestContext) => {
        const { status, text } = await ask({ ...request, scheme })
        t.assert.ok(status === 200 || status === 202, text)
      })
})

together('a key that is being rotated', (check) => {
  for (const scheme of schemes)
    check(`is known by both of its secrets, ${scheme}`, async (t, { ask, directory }) => {
      const status = async (secret?: string) =>
        (await ask({ as: 'rotating', scheme, ...(secret && { secret }) })).status
      const key = directory.key(keyIdOf('rotating'))!
      t.assert.deepEqual([await status(), await status(olderSecret)], [202, 202])
      await directory.putKey({ ...key, secrets: key.secrets.slice(0, 1) })
      t.assert.deepEqual([await status(), await status(olderSecret)], [202, 401])
      await directory.putKey(key)
    })
})

test('a request may be up to 300 seconds from our time', async (t: TestContext) => {
  const { ask } = await openGateway(t, { clock: aWholeSecond() })
  for (const secondsOff of [-300, -299, 0, 299, 300])
    for (const scheme of ['v1', 'params'] as const)
      t.assert.equal((await ask({ secondsOff, scheme })).status, 202, `${secondsOff} ${scheme}`)
})

/** In the middle of a second, a caller's whole seconds would be a part of one further away. */
const aWholeSecond = () => createTestClock(Math.floor(Date.now() / 1000) * 1000)

/** The same bytes again, as somebody on the way would send them. */
const again = (wire: Wire): Ask => ({ tamper: () => wire })

together('a nonce', (check) => {
  const nonce = 'nonce-of-this-test'

  check('may be 16 or 64 characters long', async (t, { ask }) => {
    for (const length of [16, 64]) t.assert.equal((await ask({ nonce: '_'.repeat(length) })).status, 202)
  })

  check('belongs to its key: another may use the same', async (t, { ask }) => {
    t.assert.equal((await ask({ nonce })).status, 202)
    t.assert.equal((await ask({ nonce, as: 'sender' })).status, 202)
  })

  check('is not burnt by a wrong signature', async (t, { ask }) => {
    for (const scheme of ['v1', 'params'] as const) {
      const of = `${nonce}-${scheme}`
      t.assert.equal((await ask({ nonce: of, scheme, secret: 'wrong' })).status, 401)
      t.assert.equal((await ask({ nonce: of, scheme })).status, 202)
    }
  })

  check('is used once, however many ask at the same moment', async (t, { ask, clock }) => {
    const replay = again(wireOf({}, clock.now()))
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(replay)))
    const statuses = answers.map(({ status }) => status).toSorted()
    t.assert.deepEqual(statuses, [202, ...Array.from({ length: 19 }, () => 409)])
  })
})

test('a nonce is remembered over a restart', async (t: TestContext) => {
  const folder = temporaryFolder(t)
  const clock = createTestClock(Date.now())
  const first = await openGateway(t, { folder, clock })
  const replay = again(wireOf({}, clock.now()))
  t.assert.equal((await first.ask(replay)).status, 202)
  await first.close()
  const second = await openGateway(t, { folder, clock })
  const { status, json } = await second.ask(replay)
  t.assert.deepEqual([status, json.code], [409, 'replayed'])
  t.assert.equal((await second.ask(list)).status, 200)
})

test('a nonce is remembered for as long as its timestamp is taken', async (t: TestContext) => {
  const clock = aWholeSecond()
  const { ask } = await openGateway(t, { clock })
  const replay = again(wireOf({ secondsOff: 300 }, clock.now()))
  t.assert.equal((await ask(replay)).status, 202)
  clock.advance(600_000)
  t.assert.equal((await ask(replay)).json.code, 'replayed')
  clock.advance(1000)
  t.assert.equal((await ask(replay)).json.code, 'timestamp-out-of-range')
})

suite('wrong signatures from one address', () => {
  const wrongly = async (ask: (what: Ask) => Promise<unknown>, times: number): Promise<void> => {
    for (let left = times; left > 0; left -= 50)
      await Promise.all(
        Array.from({ length: Math.min(50, left) }, () => ask({ ...keys, scheme: 'bearer', secret: 'wrong' })),
      )
  }

  test('are counted up to a thousand, and forgotten after a minute', async (t: TestContext) => {
    const { ask, clock } = await openGateway(t)
    await wrongly(ask, 999)
    t.assert.equal((await ask(keys)).status, 200)
    await wrongly(ask, 1)
    const { status, headers } = await ask(keys)
    t.assert.deepEqual([status, headers['retry-after']], [429, '60'])
    clock.advance(60_000)
    t.assert.equal((await ask(keys)).status, 200)
  })
})

suite('keys through the API', () => {
  test('are made, used, listed without their secrets, and removed', async (t: TestContext) => {
    const { ask } = await openGateway(t)
    const made = await ask({ path: '/v1/keys', body: { name: 'shop', scopes: ['send', 'read'] } })
    t.assert.equal(made.status, 201)
    const { id, secret, bearer } = made.json
    t.assert.equal(bearer, `${id}.${secret}`)
    t.assert.ok(Buffer.from(secret, 'base64url').length >= 32)

    const asIt = (request: Ask): Ask => ({
      ...request,
      scheme: 'none',
      headers: { Authorization: `Bearer ${bearer}` },
    })
    t.assert.equal((await ask(asIt(list))).status, 200)
    t.assert.equal((await ask(asIt(keys))).status, 403)

    const listed = await ask(keys)
    t.assert.ok(listed.json.data.some((key: { id: string }) => key.id === id))
    t.assert.ok(!listed.text.includes(secret))
    t.assert.doesNotMatch(listed.text, /secret-of-|key_rival/)

    t.assert.equal((await ask({ method: 'DELETE', path: `/v1/keys/${id}` })).status, 204)
    t.assert.equal((await ask(asIt(list))).status, 401)
    t.assert.equal((await ask({ method: 'DELETE', path: `/v1/keys/${id}` })).status, 404)
  })
})

suite('accounts through the API', () => {
  const input = {
    name: 'second',
    appid: 'wx00000000000000ff',
    secret: 'the-secret-of-wechat',
    kind: 'official',
  }

  test('are added and changed, and only the end of a secret is shown', async (t: TestContext) => {
    const { ask } = await openGateway(t)
    const added = await ask({ path: '/v1/accounts', body: input })
    t.assert.equal(added.status, 201)
    t.assert.partialDeepStrictEqual(added.json, {
      name: 'second',
      token_api: 'stable',
      secret_ends_with: 'chat',
    })
    const templates = [{ template_id: 'tpl-1', alias: 'one' }]
    const changed = await ask({ path: '/v1/accounts', body: { ...input, token_api: 'plain', templates } })
    t.assert.equal(changed.status, 200)
    t.assert.partialDeepStrictEqual(changed.json, {
      token_api: 'plain',
      templates: [{ template_id: 'tpl-1', alias: 'one', title: null }],
    })
    const { json, text } = await ask({ method: 'GET', path: '/v1/accounts', as: 'reader' })
    t.assert.deepEqual(json.data.map(({ name }: { name: string }) => name).toSorted(), [
      'mini',
      'second',
      'shop',
    ])
    t.assert.ok(!text.includes(input.secret))
  })

  test('cannot take the name of another', async (t: TestContext) => {
    const { ask } = await openGateway(t)
    const { status, json } = await ask({ path: '/v1/accounts', body: { ...input, name: shop.name } })
    t.assert.deepEqual([status, json.code], [409, 'already-exists'])
  })
})

suite('a connection', () => {
  const request = 'GET /livez HTTP/1.1\r\nHost: hongyan\r\n\r\n'

  /** All that comes back until the connection ends. */
  const answersTo = (port: number, bytes: string): Promise<string> =>
    new Promise((resolve) => {
      let received = ''
      const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(bytes))
      socket.on('data', (piece) => {
        received += piece
      })
      socket.on('error', () => {})
      socket.on('close', () => resolve(received))
    })

  test('never gives the refusal of a broken request as the answer to the one before it', async (t: TestContext) => {
    const { port } = await openGateway(t)
    const received = await answersTo(port, `${request}RUBBISH\r\n\r\n`)
    t.assert.doesNotMatch(received, /^HTTP\/1\.1 400/)
  })

  test('that breaks off while a body comes leaves the gateway as it was', async (t: TestContext) => {
    const { port, ask } = await openGateway(t)
    const head = 'POST /v1/messages HTTP/1.1\r\nHost: hongyan\r\nContent-Type: application/json\r\n'
    const broken = Array.from(
      { length: 20 },
      (_, n) =>
        new Promise<void>((resolve) => {
          const socket = connect({ port, host: '127.0.0.1' }, () =>
            socket.write(
              `${head}${n % 2 ? 'Content-Length: 500' : 'Transfer-Encoding: chunked'}\r\n\r\n5\r\nhe`,
              () => (n % 3 ? socket.resetAndDestroy() : socket.destroy()),
            ),
          )
          socket.on('error', () => {})
          socket.on('close', () => resolve())
        }),
    )
    await Promise.all(broken)
    t.assert.equal((await ask()).status, 202)
  })
})
