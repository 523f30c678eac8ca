import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { scopes } from '../../src/directory.ts'
import { atEnd } from '../support/at-end.ts'
import { type Environment, runCli, startCli } from '../support/cli.ts'
import { temporaryFolder } from '../support/folder.ts'
import { startRunning } from '../support/running.ts'
import { until } from '../support/waiting.ts'

/** The command line with a key that may do everything. */
const open = async (t: TestContext) => {
  const running = await startRunning(t)
  const env = await running.envWith(scopes)
  const run = async (...args: readonly string[]) => runCli(args, env)
  const json = async (...args: readonly string[]) => JSON.parse((await run(...args, '--json')).stdout)
  return { ...running, operator: env, run, json }
}

test('a tenant is made with its first key, limited, disabled and enabled', async (t: TestContext) => {
  const { run, json, env } = await open(t)
  const made = await run('tenants', 'create', 'shop', '--name', 'The shop')
  t.assert.equal(made.code, 0, made.stderr)
  const [, id, secret] = /^id\t(key_\w+)\nsecret\t(\S+)\nbearer\t\S+\n$/.exec(made.stdout)!
  t.assert.match(made.stderr, /not shown again/)
  const shop: Environment = { ...env, HONGYAN_KEY_ID: id!, HONGYAN_KEY_SECRET: secret! }
  t.assert.equal((await runCli(['keys', 'list'], shop)).code, 0)
  t.assert.equal((await runCli(['tenants', 'list'], shop)).code, 4)

  const limited = await run('tenants', 'limit', 'shop', '--rate', '100', '--burst', '1000', '--keys', '5')
  t.assert.match(limited.stdout, /messages_per_second\t100\nburst\t1000\naccounts\t0\nkeys\t1\/5\n$/)
  const lifted = await json('tenants', 'limit', 'shop', '--rate', 'none', '--burst', 'none')
  t.assert.deepEqual(lifted.limits, { messages_per_second: null, burst: null, accounts: null, keys: 5 })

  t.assert.equal((await run('tenants', 'disable', 'shop')).code, 2)
  t.assert.match((await run('tenants', 'disable', 'shop', '--yes')).stdout, /state\tdisabled\n/)
  t.assert.equal((await runCli(['keys', 'list'], shop)).code, 4)
  const listed = await run('tenants', 'list')
  t.assert.equal(listed.stdout, 'default\tdefault\tenabled\t2\t2\nshop\tThe shop\tdisabled\t0\t1\n')
  t.assert.equal((await json('tenants', 'enable', 'shop')).disabled, false)
  t.assert.equal((await runCli(['keys', 'list'], shop)).code, 0)
  t.assert.equal((await json('tenants', 'show', 'shop')).name, 'The shop')
})

test('what cannot be done with tenants is said with its exit code', async (t: TestContext) => {
  const { run } = await open(t)
  t.assert.equal((await run('tenants', 'show', 'nobody')).code, 3)
  t.assert.equal((await run('tenants', 'limit', 'default')).code, 2)
  t.assert.equal((await run('tenants', 'limit', 'default', '--rate', 'many')).code, 2)
  t.assert.equal((await run('tenants', 'create', 'default')).code, 1)
  t.assert.equal((await run('tenants', 'disable', 'default', '--yes')).code, 4)
  const chinese = await runCli(['tenants', '--help'], { LANG: 'zh_CN.UTF-8' })
  t.assert.match(chinese.stdout, /停用租户/)
})

test('a tenant that is made without a key can be given one', async (t: TestContext) => {
  const { run, json } = await open(t)
  t.assert.match((await run('tenants', 'create', 'shop', '--no-key')).stdout, /^id\tshop\n[\s\S]*keys\t0\n$/)
  const flags = ['--name', 'n', '--scopes', 'admin', '--tenant', 'shop', '--expires', '+90d']
  const key = await json('keys', 'create', ...flags)
  t.assert.ok(Date.parse(key.expires_at) > Date.now() + 89 * 86_400_000)
  t.assert.equal((await json('tenants', 'show', 'shop')).keys, 1)
})

test('a key is rotated with an overlap, and without one only when it is meant', async (t: TestContext) => {
  const { run, json, env } = await open(t)
  const key = await json('keys', 'create', '--name', 'shop', '--scopes', 'read')
  const lists = async (secret: string) =>
    (await runCli(['list'], { ...env, HONGYAN_KEY_ID: key.id, HONGYAN_KEY_SECRET: secret })).code
  const next = await run('keys', 'rotate', key.id, '--overlap', '24h', '--json')
  t.assert.equal(next.code, 0, next.stderr)
  const { secret, old_secret_until } = JSON.parse(next.stdout)
  const restMs = Date.parse(old_secret_until) - Date.now()
  t.assert.ok(restMs > 86_000_000 && restMs <= 86_400_000)
  t.assert.match(next.stderr, /The old secret is taken until 20/)
  t.assert.deepEqual([await lists(key.secret), await lists(secret)], [0, 0])

  t.assert.equal((await run('keys', 'rotate', key.id, '--overlap', '0s')).code, 2)
  t.assert.equal(await lists(secret), 0)
  const last = await json('keys', 'rotate', key.id, '--overlap', '0s', '--yes')
  t.assert.deepEqual([await lists(secret), await lists(last.secret)], [4, 0])
  t.assert.equal((await run('keys', 'rotate', key.id, '--overlap', 'soon')).code, 2)
  t.assert.equal((await run('keys', 'rotate', 'key_none')).code, 3)
})

test('the key that serve writes is an operator, and follows its rotation at the next start', async (t: TestContext) => {
  const home = temporaryFolder(t)
  const env = { HONGYAN_HOME: home, HONGYAN_HTTP: '127.0.0.1:0' }
  const admin = () => JSON.parse(readFileSync(join(home, 'admin.json'), 'utf8'))
  const serve = () => {
    const cli = startCli(['serve'], env)
    atEnd(t, async () => {
      cli.child.kill('SIGKILL')
      await cli.ended
    })
    return cli
  }
  const first = serve()
  await first.says(/The first admin key is in/)
  t.assert.equal((await runCli(['tenants', 'list'], { HONGYAN_HOME: home })).code, 0)
  const rotated = await runCli(['keys', 'rotate', admin().key_id, '--json'], { HONGYAN_HOME: home })
  const { secret } = JSON.parse(rotated.stdout)
  t.assert.notEqual(admin().key_secret, secret)
  first.child.kill('SIGTERM')
  await first.ended
  const gateway = admin().gateway
  serve()
  await until(() => admin().gateway !== gateway, 20_000)
  t.assert.equal(admin().key_secret, secret)
})
