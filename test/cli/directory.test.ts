import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { runCli } from '../support/cli.ts'
import { startRunning } from '../support/running.ts'

test('a key is made, works, is listed without its secret, and is removed', async (t: TestContext) => {
  const { cli, env } = await startRunning(t)
  const made = await cli(['keys', 'create', '--name', 'shop', '--scopes', 'send,read', '--json'])
  t.assert.equal(made.code, 0)
  const { id, secret, scopes } = JSON.parse(made.stdout)
  t.assert.deepEqual(scopes, ['send', 'read'])

  const shop = { ...env, HONGYAN_KEY_ID: id, HONGYAN_KEY_SECRET: secret }
  t.assert.equal((await runCli(['list'], shop)).code, 0)
  t.assert.equal((await runCli(['keys', 'list'], shop)).code, 4)

  const listed = await cli(['keys', 'list'])
  t.assert.ok(listed.stdout.includes(`${id}\tshop\tsend,read\t`))
  t.assert.ok(!listed.stdout.includes(secret))

  t.assert.equal((await cli(['keys', 'remove', id])).code, 2)
  t.assert.deepEqual(await cli(['keys', 'remove', id, '--yes']), {
    code: 0,
    stdout: `${id}\tremoved\n`,
    stderr: '',
  })
  t.assert.equal((await cli(['keys', 'remove', id, '--yes'])).code, 3)
  t.assert.equal((await runCli(['list'], shop)).code, 4)
})

test('a key is shown as lines, and the warning goes to standard error', async (t: TestContext) => {
  const { cli } = await startRunning(t)
  const { stdout, stderr } = await cli(['keys', 'create', '--name', 'shop', '--scopes', 'admin'])
  t.assert.match(stdout, /^id\tkey_\w+\nsecret\t\S+\nbearer\tkey_\w+\.\S+\n$/)
  t.assert.match(stderr, /not shown again/)
  t.assert.equal((await cli(['keys', 'create', '--name', 'x', '--scopes', 'root'])).code, 2)
})

const flags = ['accounts', 'add', '--name', 'shop', '--appid', 'wx0123456789abcdef', '--kind', 'official']

test('the secret of an account comes from the environment, a file or standard input', async (t: TestContext) => {
  const { cli, env, home } = await startRunning(t)
  const fromEnv = await runCli(flags, { ...env, HONGYAN_ACCOUNT_SECRET: 'secret-one' })
  t.assert.deepEqual(fromEnv, { code: 0, stdout: 'shop\twx0123456789abcdef\tofficial\t…-one\n', stderr: '' })

  const file = join(home, 'secret')
  writeFileSync(file, 'secret-two\n')
  const fromFile = await cli([...flags, '--secret-file', file, '--template', 'T1=order', 'T2', '--json'])
  t.assert.partialDeepStrictEqual(JSON.parse(fromFile.stdout), {
    secret_ends_with: '-two',
    templates: [
      { template_id: 'T1', alias: 'order' },
      { template_id: 'T2', alias: null },
    ],
  })

  const fromStdin = await cli([...flags, '--secret-stdin', '--token-api', 'plain', '--json'], 'secret-six\n')
  t.assert.partialDeepStrictEqual(JSON.parse(fromStdin.stdout), {
    secret_ends_with: '-six',
    token_api: 'plain',
  })

  const none = await cli(flags)
  t.assert.equal(none.code, 2)
  t.assert.match(none.stderr, /HONGYAN_ACCOUNT_SECRET/)
})

test('the accounts are listed', async (t: TestContext) => {
  const { cli } = await startRunning(t)
  const { code, stdout } = await cli(['accounts', 'list'])
  t.assert.equal(code, 0)
  t.assert.match(stdout, /^demo-official\twx00000000000de301\tofficial\torder-shipped,/)
  t.assert.equal(JSON.parse((await cli(['accounts', 'list', '--json'])).stdout).length, 2)
})

test('an account is checked, and a fault says how to mend it', async (t: TestContext) => {
  const { cli, faults } = await startRunning(t)
  const well = await cli(['accounts', 'check', 'demo-official'])
  t.assert.equal(well.code, 0)
  t.assert.match(well.stdout, /^✔ token: There is an access_token\.\n✔ quota: /)

  await faults({ path: '/cgi-bin/stable_token', errcode: 40164 })
  const ill = await cli(['accounts', 'check', 'demo-miniprogram'])
  t.assert.equal(ill.code, 1)
  t.assert.match(ill.stdout, /^✖ token 40164: .+\n {2}→ .+\n$/)
  const json = JSON.parse((await cli(['accounts', 'check', 'demo-miniprogram', '--json'])).stdout)
  t.assert.partialDeepStrictEqual(json, { ok: false, findings: [{ errcode: 40164 }] })
  t.assert.equal((await cli(['accounts', 'check', 'nobody'])).code, 3)
})

test('a webhook gets its secret from us, and an endpoint keeps its own in a file', async (t: TestContext) => {
  const { cli, home } = await startRunning(t)
  const made = await cli([
    'accounts',
    'add',
    '--name',
    'sms',
    '--kind',
    'webhook',
    '--url',
    'https://hooks.example',
  ])
  t.assert.match(made.stdout, /^sms\twh_[0-9a-f]{16}\twebhook\t…\S{4}\nsecret\twhsec_\S{44}\n$/)
  t.assert.match(made.stderr, /not shown again/)

  const file = join(home, 'authorization')
  writeFileSync(file, 'Bearer canary-abcd\n')
  const foreign = await cli([
    ...[...flags, '--token-api', 'foreign', '--token-endpoint', 'http://tokens.internal/shop'],
    ...['--token-authorization-file', file, '--limit-daily', '500', '--json'],
  ])
  t.assert.partialDeepStrictEqual(JSON.parse(foreign.stdout), {
    token_api: 'foreign',
    token_endpoint: { url: 'http://tokens.internal/shop', authorization_ends_with: 'abcd' },
    limits: { daily: 500 },
  })
  const half = await cli([...flags, '--token-api', 'foreign', '--callback-mode', 'safe'])
  t.assert.equal(half.code, 2)
})
