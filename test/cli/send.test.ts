import { type TestContext, test } from 'node:test'
import { runCli, startCli } from '../support/cli.ts'
import { startFakeGateway } from '../support/fake-gateway.ts'
import { goodMessage, startRunning } from '../support/running.ts'

test('send prints the id and the state, and nothing else', async (t: TestContext) => {
  const { cli } = await startRunning(t)
  const { code, stdout, stderr } = await cli(['send', ...goodMessage])
  t.assert.deepEqual([code, stderr], [0, ''])
  t.assert.match(stdout, /^msg_[0-9a-f]{32}\tqueued\n$/)
})

test('send --wait tells how it went: sent is 0, dead is 1', async (t: TestContext) => {
  const { cli } = await startRunning(t)
  const sent = await cli(['send', ...goodMessage, '--wait'])
  t.assert.equal(sent.code, 0)
  t.assert.match(sent.stdout, /^✔ sent\n {2}msg_/)
  t.assert.match(sent.stdout, / answered {3}errcode 0 ok · /)

  const dead = await cli(['send', ...goodMessage, '--to', 'oNobody', '--wait', '20', '--json'])
  t.assert.equal(dead.code, 1)
  const message = JSON.parse(dead.stdout)
  t.assert.equal(message.state, 'dead')
  t.assert.deepEqual(Object.keys(message), Object.keys(message).toSorted())
})

test('send --wait says that a message is still under way, and exits 5', async (t: TestContext) => {
  const { cli } = await startRunning(t)
  const { code, stdout, stderr } = await cli(['send', ...goodMessage, '--at', '+10m', '--wait', '1'])
  t.assert.equal(code, 5)
  t.assert.match(stdout, /^… scheduled\n/)
  t.assert.match(stderr, /^Still under way after 1 s; see later with hongyan get msg_[0-9a-f]{32}\.\n$/)
})

test('send --wait sees a message through a retry', async (t: TestContext) => {
  const { cli, faults } = await startRunning(t)
  await faults({ path: '/cgi-bin/message/template/send', errcode: -1, count: 1 })
  const { code, stdout } = await cli(['send', ...goodMessage, '--wait', '20'])
  t.assert.equal(code, 0)
  t.assert.match(stdout, / retry .*errcode--1/)
})

test('send --wait asks again when the first answer came too early', async (t: TestContext) => {
  const story = [
    { status: 202, body: { id: 'msg_1', state: 'queued', duplicate: false } },
    { status: 200, body: { id: 'msg_1', state: 'leased' } },
    { status: 200, body: { id: 'msg_1', state: 'sent', timeline: [] } },
  ]
  const { env, seen } = await startFakeGateway(t, (_request, n) => story[n - 1]!)
  const { code, stdout } = await runCli(['send', ...goodMessage, '--wait', '90', '--json'], env)
  t.assert.deepEqual([code, JSON.parse(stdout).state], [0, 'sent'])
  t.assert.equal(seen[0]!.headers.prefer, 'wait=60')
  t.assert.deepEqual(
    seen.map(({ method, path }) => `${method} ${path}`),
    ['POST /v1/messages', 'GET /v1/messages/msg_1', 'GET /v1/messages/msg_1'],
  )
})

test('an interrupted wait says how to find the message, and exits 130', async (t: TestContext) => {
  const asked = Promise.withResolvers<void>()
  const { env } = await startFakeGateway(t, () => {
    asked.resolve()
    return new Promise(() => {})
  })
  const cli = startCli(['send', ...goodMessage, '--client-msg-id', 'order-7', '--wait'], env)
  await asked.promise
  cli.child.kill('SIGINT')
  const { code, stderr } = await cli.ended
  t.assert.equal(code, 130)
  t.assert.match(stderr, /hongyan list --q order-7/)
})

test('send --dry shows what WeChat would be sent, and sends nothing', async (t: TestContext) => {
  const { cli } = await startRunning(t)
  const { code, stdout } = await cli(['send', ...goodMessage, '--data-json', '{"amount2":"¥9"}', '--dry'])
  t.assert.equal(code, 0)
  const request = JSON.parse(stdout)
  t.assert.equal(request.template_id, 'DemoPaymentReceived_000000000000000000000_2')
  t.assert.deepEqual(request.data.amount2, { value: '¥1.50' })
  t.assert.equal((await cli(['list', '--json'])).stdout, '[]\n')
})

test('the same client-msg-id is the same message', async (t: TestContext) => {
  const { cli } = await startRunning(t)
  const flags = ['send', ...goodMessage, '--client-msg-id', 'order-7', '--json']
  const first = JSON.parse((await cli(flags)).stdout)
  const second = JSON.parse((await cli(flags)).stdout)
  t.assert.deepEqual([first.duplicate, second.duplicate, second.id], [false, true, first.id])
  const other = await cli([...flags, '--url', 'https://example.com/'])
  t.assert.equal(other.code, 1)
  t.assert.match(other.stderr, /idempotency-conflict/)
})

test('send repeats after a 503, with the same key and another nonce', async (t: TestContext) => {
  const { env, seen } = await startFakeGateway(t, (_request, n) =>
    n < 3
      ? { status: 503, body: { code: 'overloaded', title: 'Busy' } }
      : { status: 202, body: { id: 'msg_1', state: 'queued', duplicate: false } },
  )
  const { code, stdout } = await runCli(['send', ...goodMessage], env)
  t.assert.deepEqual([code, stdout, seen.length], [0, 'msg_1\tqueued\n', 3])
  t.assert.equal(new Set(seen.map(({ body }) => body)).size, 1)
  t.assert.match(seen[0]!.body, /"client_msg_id":"cli-[0-9a-f-]{36}"/)
  t.assert.equal(new Set(seen.map(({ headers }) => headers.authorization)).size, 3)
})

test('send gives up after three tries, and does not repeat a refusal', async (t: TestContext) => {
  const busy = await startFakeGateway(t, () => ({
    status: 503,
    body: { code: 'in-doubt', title: 'In doubt' },
  }))
  const { code, stderr } = await runCli(['send', ...goodMessage], busy.env)
  t.assert.deepEqual([code, busy.seen.length], [1, 3])
  t.assert.match(stderr, /same --client-msg-id/)

  const strict = await startFakeGateway(t, () => ({ status: 400, body: { code: 'type', title: 'Wrong' } }))
  await runCli(['send', ...goodMessage], strict.env)
  t.assert.equal(strict.seen.length, 1)
})

const misuses: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['without what it needs', ['send', '--account', 'a'], /--to, --template are missing/],
  ['with data that is no pair', ['send', ...goodMessage, '--data', 'thing2'], /--data takes key=value/],
  ['with data that is no object', ['send', ...goodMessage, '--data-json', '[1]'], /not a JSON object/],
  ['with a time that is none', ['send', ...goodMessage, '--at', 'tomorrow'], /not a time: tomorrow/],
  ['with an unknown lane', ['send', ...goodMessage, '--lane', 'fast'], /urgent, normal, bulk/],
  ['with a wait that is none', ['send', ...goodMessage, '--wait', 'long'], /seconds from 1 to 3600/],
  ['with a file and flags of one message', ['send', '--file', '-', '--to', 'o'], /cannot be used/],
]
for (const [how, args, sentence] of misuses)
  test(`send ${how} is a usage error`, async (t: TestContext) => {
    const env = { HONGYAN_URL: 'http://127.0.0.1:9', HONGYAN_KEY_ID: 'k', HONGYAN_KEY_SECRET: 's' }
    const { code, stdout, stderr } = await runCli(args, env)
    t.assert.deepEqual([code, stdout], [2, ''])
    t.assert.match(stderr, sentence)
  })
