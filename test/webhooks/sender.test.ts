import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { suite, type TestContext, test } from 'node:test'
import { Webhook } from 'standardwebhooks'
import { longestPostMs, longestSendMs } from '../../src/config.ts'
import type { Account } from '../../src/directory.ts'
import { newWebhookSecret, webhookKeyOf } from '../../src/webhook-signature.ts'
import { createWebhookAddresses } from '../../src/webhooks/address.ts'
import { createWebhookSender } from '../../src/webhooks/sender.ts'
import { atEnd } from '../support/at-end.ts'
import { aMessage } from '../support/messages.ts'
import { soon } from '../support/waiting.ts'

interface Got {
  readonly headers: Record<string, string>
  readonly body: string
}

type Respond = (response: ServerResponse, request: IncomingMessage) => void

const secret = newWebhookSecret()
const clock = { now: Date.now, sleep: async () => {} }

/** A receiver that answers as it is told, and a sender that posts to it. */
const open = async (t: TestContext, respond: Respond, { path = '/sms', timeoutMs = 3000 } = {}) => {
  const got: Got[] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      got.push({ headers: request.headers as Record<string, string>, body: Buffer.concat(parts).toString() })
      respond(response, request)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const account: Account = {
    ...{ appid: 'wh_0123456789abcdef', tenant: 'acme', name: 'sms', kind: 'webhook', secret },
    ...{ tokenApi: 'stable', templates: [], url: `http://127.0.0.1:${port}${path}` },
  }
  const sender = createWebhookSender({
    accountOf: (appid) => (appid === account.appid ? account : undefined),
    addresses: createWebhookAddresses([`127.0.0.1:${port}`]),
    clock,
    timeoutMs,
  })
  atEnd(t, async () => {
    server.closeAllConnections()
    server.close()
    await sender.close()
  })
  const message = aMessage({ account: account.appid, channel: 'webhook', body: '{"touser":"o1","data":{}}' })
  return { sender, message, got, account }
}

const status =
  (code: number, headers: Record<string, string> = {}): Respond =>
  (response) =>
    response.writeHead(code, headers).end('{}')

suite('a message by webhook', () => {
  test('takes less time at worst than the lease of its message has left when it begins', () => {
    for (const callTimeoutMs of [100, 1000, 10_000, 60_000])
      assert.ok(longestPostMs(callTimeoutMs) < longestSendMs(callTimeoutMs))
    assert.equal(longestPostMs(10_000), 15_000)
  })

  test('is signed so that others verify it, with an id that stays the same', async (t) => {
    const { sender, message, got } = await open(t, status(204))
    for (let n = 0; n < 2; n++)
      assert.deepEqual((await sender.send(message)).reply, { kind: 'answered', errcode: 0, errmsg: 'ok' })
    for (const { headers, body } of got) {
      assert.deepEqual(new Webhook(secret).verify(body, headers), JSON.parse(message.body))
      assert.equal(headers['webhook-id'], message.id)
      assert.throws(() => new Webhook(newWebhookSecret()).verify(body, headers))
    }
  })

  const answers: readonly (readonly [number, object])[] = [
    [200, { kind: 'answered', errcode: 0, errmsg: 'ok' }],
    [301, { kind: 'rejected', error: 'redirect' }],
    [400, { kind: 'rejected', error: 'http-400' }],
    [410, { kind: 'rejected', error: 'http-410' }],
    [408, { kind: 'busy', error: 'http-408' }],
    [429, { kind: 'busy', error: 'http-429' }],
    [500, { kind: 'in-doubt', error: 'http-500' }],
    [503, { kind: 'in-doubt', error: 'http-503' }],
  ]
  for (const [code, reply] of answers)
    test(`knows what ${code} means`, async (t) => {
      const { sender, message, got } = await open(t, status(code, { Location: 'http://127.0.0.1:1/' }))
      const sending = await sender.send(message)
      assert.deepEqual(sending.reply, reply)
      assert.equal(sending.attempts.length, 1)
      assert.equal(got.length, 1)
    })

  test('an answer of many megabytes is not read, and its status counts', async (t) => {
    const { sender, message } = await open(t, (response) =>
      response.writeHead(200).end(Buffer.alloc(10_000_000)),
    )
    assert.equal((await soon(sender.send(message), 'the sending')).reply.kind, 'answered')
  })

  test('no answer in time, or a cut connection, is a doubt', async (t) => {
    const silent = await open(t, () => {}, { timeoutMs: 200 })
    assert.deepEqual((await silent.sender.send(silent.message)).reply, { kind: 'in-doubt', error: 'timeout' })
    const cut = await open(t, (response) => response.socket?.resetAndDestroy())
    assert.deepEqual((await cut.sender.send(cut.message)).reply, {
      kind: 'in-doubt',
      error: 'connection-lost',
    })
  })

  test('where nobody listens, nothing was sent', async (t) => {
    const { sender, message, account } = await open(t, status(200))
    const closed = createWebhookSender({
      accountOf: () => ({ ...account, url: 'http://127.0.0.1:9' }),
      addresses: createWebhookAddresses(['127.0.0.1:9']),
      clock,
      timeoutMs: 3000,
    })
    atEnd(t, closed.close)
    assert.deepEqual((await closed.send(message)).reply, { kind: 'not-sent', error: 'connect' })
    assert.deepEqual((await sender.send({ ...message, account: 'wh_unknown' })).attempts, [])
  })

  test('an address out of bounds is never dialled, neither as a number nor by its name', async (t) => {
    const { message, account, got } = await open(t, status(200))
    for (const url of [account.url!, 'https://localhost.localdomain.example.:443/x', 'https://127.0.0.1/']) {
      const guarded = createWebhookSender({
        accountOf: () => ({ ...account, url }),
        addresses: {
          ...createWebhookAddresses([]),
          // As if the text had passed and the name led inside only now.
          ...(url.includes('localdomain') && {
            fault: () => undefined,
            lookup: (_name, _options, done) =>
              done(Object.assign(new Error('inside'), { code: 'ERR_BLOCKED_ADDRESS' }), []),
          }),
        },
        clock,
        timeoutMs: 3000,
      })
      atEnd(t, guarded.close)
      assert.deepEqual(
        (await guarded.send(message)).reply,
        { kind: 'rejected', error: 'blocked-address' },
        url,
      )
    }
    assert.deepEqual(got, [])
  })
})

suite('the secret of a webhook', () => {
  test('is whsec_ and the base64 of enough bytes', () => {
    assert.equal(webhookKeyOf(newWebhookSecret())?.length, 32)
    for (const text of [
      '',
      'whsec_',
      'whsec_YQ==',
      'secret',
      `whsec_${'A'.repeat(200)}`,
      'whsec_not base64 at all!!',
    ])
      assert.equal(webhookKeyOf(text), undefined)
  })
})
