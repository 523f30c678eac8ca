import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { runCli } from '../support/cli.ts'
import { startFakeGateway } from '../support/fake-gateway.ts'
import { temporaryFolder } from '../support/folder.ts'
import { goodMessage, startRunning } from '../support/running.ts'

test('a refused body names every field, its code and the request', async (t: TestContext) => {
  const { cli } = await startRunning(t)
  const { code, stdout, stderr } = await cli(['send', ...goodMessage, '--to', 'not an openid'])
  t.assert.deepEqual([code, stdout], [1, ''])
  t.assert.match(stderr, /^✖ The openid .*\n {2}\/touser: An openid .*\n {2}openid-invalid · req_\w+\n$/)
})

test('a wrong key and a key that may not are both 4', async (t: TestContext) => {
  const { env, envWith } = await startRunning(t)
  const wrong = await runCli(['list'], { ...env, HONGYAN_KEY_ID: 'key_1', HONGYAN_KEY_SECRET: 'x' })
  t.assert.equal(wrong.code, 4)
  t.assert.match(wrong.stderr, /auth-invalid/)
  const reader = await runCli(['send', ...goodMessage], await envWith(['read']))
  t.assert.equal(reader.code, 4)
  t.assert.match(reader.stderr, /forbidden/)
})

test('a secret may come from a file', async (t: TestContext) => {
  const { env, envWith, home } = await startRunning(t)
  const { HONGYAN_KEY_ID = '', HONGYAN_KEY_SECRET = '' } = await envWith(['read'])
  const file = join(home, 'secret')
  writeFileSync(file, `${HONGYAN_KEY_SECRET}\n`)
  t.assert.equal((await runCli(['list'], { ...env, HONGYAN_KEY_ID, HONGYAN_KEY_SECRET_FILE: file })).code, 0)
  const half = await runCli(['list'], { ...env, HONGYAN_KEY_ID })
  t.assert.equal(half.code, 2)
  t.assert.match(half.stderr, /HONGYAN_KEY_SECRET is missing/)
})

test('without a key it says where it looked and what to set', async (t: TestContext) => {
  const home = temporaryFolder(t)
  const { code, stdout, stderr } = await runCli(['list', '--json'], { HONGYAN_HOME: home })
  t.assert.deepEqual([code, stdout], [2, ''])
  t.assert.ok(stderr.includes(home) && stderr.includes('HONGYAN_KEY_SECRET') && stderr.includes('npm start'))
  t.assert.equal(JSON.parse(stderr.trimEnd().split('\n').at(-1)!).error.code, 'usage')
})

test('a gateway that does not run is said to, with what to do', async (t: TestContext) => {
  const { url, env } = await startFakeGateway(t, () => ({ status: 200, body: {} }))
  const { code, stderr } = await runCli(['list'], { ...env, HONGYAN_URL: 'http://127.0.0.1:9' })
  t.assert.notEqual(url, 'http://127.0.0.1:9')
  t.assert.equal(code, 1)
  t.assert.match(stderr, /^✖ No answer from http:\/\/127\.0\.0\.1:9: .*\n {2}→ Does it run\? npm start/)
})

test('what is no gateway is told apart from one that refuses', async (t: TestContext) => {
  const page = await startFakeGateway(t, () => ({ status: 200, body: '<html>' }))
  const other = await runCli(['list'], page.env)
  t.assert.equal(other.code, 1)
  t.assert.match(other.stderr, /not a Hongyan gateway/)
  const proxy = await startFakeGateway(t, () => ({ status: 502, body: '<html>' }))
  t.assert.match((await runCli(['list'], proxy.env)).stderr, /HTTP 502 Bad Gateway\n {2}http-502\n$/)
  const redirect = await startFakeGateway(t, () => ({ status: 302, body: '', headers: { Location: '/' } }))
  const { code } = await runCli(['list'], redirect.env)
  t.assert.deepEqual([code, redirect.seen.length], [1, 1])
})

test('a command or a flag that does not exist is a usage error', async (t: TestContext) => {
  for (const args of [['fly'], ['list', '--colour'], ['get'], ['errcode', 'x'], []]) {
    const { code, stdout } = await runCli(args, {})
    t.assert.deepEqual([args, code, stdout], [args, 2, ''])
  }
  const { stderr } = await runCli(['list', '--colour', '--json'], {})
  t.assert.equal(JSON.parse(stderr.trimEnd().split('\n').at(-1)!).error.code, 'usage')
})

const commands = [
  ...['dev', 'serve', 'send', 'get', 'list', 'cancel', 'keys', 'keys list', 'keys create', 'keys remove'],
  ...['accounts', 'accounts list', 'accounts add', 'sign', 'errcode', 'doctor', 'simulate'],
  ...[
    'accounts check',
    'keys rotate',
    'check',
    'quota',
    'grants',
    'grants show',
    'grants add',
    'grants withdraw',
  ],
  ...[
    'tenants',
    'tenants list',
    'tenants create',
    'tenants show',
    'tenants limit',
    'tenants disable',
    'tenants enable',
  ],
  ...['templates', 'templates list', 'templates sync', 'templates preview', 'templates lint'],
]
test('every help ends with two examples or more, on standard output, in the language of the terminal', async (t: TestContext) => {
  const helps = await Promise.all(commands.map((name) => runCli([...name.split(' '), '--help'], {})))
  for (const [at, { code, stdout, stderr }] of helps.entries()) {
    t.assert.deepEqual([commands[at], code, stderr], [commands[at], 0, ''])
    const lines = stdout.split('\nExamples:\n')[1]?.match(/^ {2}\S.*\n/gm)
    t.assert.ok(lines && lines.length >= 2, `${commands[at]}: ${stdout}`)
  }
  t.assert.match(
    (await runCli(['get', '--help'], { LANG: 'zh_CN.UTF-8' })).stdout,
    /用法：.*一条消息的经过.*例子：/s,
  )
})

test('colour is for terminals, or for who asks for it', async (t: TestContext) => {
  const coloured = async (args: readonly string[], env: Readonly<Record<string, string>>) =>
    (await runCli(['errcode', '43101', ...args], env)).stdout.includes('\u001b[')
  t.assert.equal(await coloured([], {}), false)
  t.assert.equal(await coloured([], { FORCE_COLOR: '1' }), true)
  t.assert.equal(await coloured(['--no-color'], { FORCE_COLOR: '1' }), false)
})
