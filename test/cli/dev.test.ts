import { execFile } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { atEnd } from '../support/at-end.ts'
import { type Cli, type Environment, runCli, startCli } from '../support/cli.ts'
import { temporaryFolder } from '../support/folder.ts'

const anyPorts = {
  HONGYAN_HTTP: '127.0.0.1:0',
  HONGYAN_SIMULATOR: '127.0.0.1:0',
  HONGYAN_SIMULATOR_ADMIN: '127.0.0.1:0',
}

/** A command that stays, until the test or its end stops it. */
const start = (t: TestContext, command: string, env: Environment): Cli => {
  const cli = startCli([command], { ...anyPorts, ...env })
  atEnd(t, async () => {
    cli.child.kill('SIGKILL')
    await cli.ended
  })
  return cli
}

const shell = async (command: string): Promise<string> =>
  (await promisify(execFile)('sh', ['-c', command])).stdout

test('dev starts everything, sends a welcome message, and stops when it is asked to', async (t: TestContext) => {
  const home = temporaryFolder(t)
  const env = { HONGYAN_HOME: home }
  const dev = start(t, 'dev', env)
  await dev.says(/✔ (sent|delivered)\n[\s\S]*→ /)
  t.assert.equal(dev.stdout, '')
  t.assert.equal(statSync(join(home, 'dev.json')).mode & 0o777, 0o600)

  const curl = /^ {2}(curl .*)$/m.exec(dev.stderr)![1]!
  t.assert.match(JSON.parse(await shell(curl)).state, /^(sent|delivered)$/)
  const flags = /^ {2}npm run -s hongyan -- (send .*)$/m.exec(dev.stderr)![1]!
  const words = (await shell(`printf '%s\\n' ${flags}`)).trimEnd().split('\n')
  t.assert.equal((await runCli(words, env)).code, 0)

  const { simulator_admin: admin } = JSON.parse(readFileSync(join(home, 'dev.json'), 'utf8'))
  const { total } = (await (await fetch(`${admin}/_sim/effects`)).json()) as { total: number }
  t.assert.equal(total, 3)
  t.assert.equal((await runCli(['doctor'], { ...anyPorts, ...env })).code, 0)

  dev.child.kill('SIGINT')
  t.assert.equal((await dev.ended).code, 0)
})

test('dev keeps its key and its messages over a restart', async (t: TestContext) => {
  const env = { HONGYAN_HOME: temporaryFolder(t) }
  const first = start(t, 'dev', env)
  await first.says(/✔ (sent|delivered)/)
  const key = JSON.parse(readFileSync(join(env.HONGYAN_HOME, 'dev.json'), 'utf8')).key_id
  first.child.kill('SIGTERM')
  t.assert.equal((await first.ended).code, 0)
  await start(t, 'dev', env).says(/✔ (sent|delivered)/)
  t.assert.equal(JSON.parse(readFileSync(join(env.HONGYAN_HOME, 'dev.json'), 'utf8')).key_id, key)
  t.assert.equal(JSON.parse((await runCli(['list', '--json'], env)).stdout).length, 2)
})

test('a second dev in the same home says why it cannot start', async (t: TestContext) => {
  const env = { HONGYAN_HOME: temporaryFolder(t) }
  await start(t, 'dev', env).says(/✔ (sent|delivered)/)
  const { code, stdout, stderr } = await runCli(['dev'], { ...anyPorts, ...env })
  t.assert.deepEqual([code, stdout], [1, ''])
  t.assert.ok(stderr.includes(env.HONGYAN_HOME), stderr)
})

test('an address that is taken is named', async (t: TestContext) => {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  t.after(() => server.close())
  const taken = `127.0.0.1:${(server.address() as AddressInfo).port}`
  for (const name of ['HONGYAN_HTTP', 'HONGYAN_SIMULATOR']) {
    const env = { ...anyPorts, HONGYAN_HOME: temporaryFolder(t), [name]: taken }
    const { code, stderr } = await runCli(['dev'], env)
    t.assert.equal(code, 1)
    t.assert.ok(stderr.includes(`The address ${taken} is taken`), stderr)
  }
})

test('serve leaves a key for the command line, and says where it listens now', async (t: TestContext) => {
  const env = { HONGYAN_HOME: temporaryFolder(t) }
  const file = join(env.HONGYAN_HOME, 'admin.json')
  const first = start(t, 'serve', env)
  await first.says(/The first admin key is in/)
  t.assert.equal((await runCli(['list', '--json'], env)).stdout, '[]\n')
  t.assert.equal(statSync(file).mode & 0o777, 0o600)
  const before = JSON.parse(readFileSync(file, 'utf8'))
  first.child.kill('SIGINT')
  t.assert.equal((await first.ended).code, 0)

  const second = start(t, 'serve', { ...env, HONGYAN_HTTP: 'localhost:0' })
  await second.says(/"started"/)
  await second.says(/"msg":"started"/)
  t.assert.equal(JSON.parse(readFileSync(file, 'utf8')).key_id, before.key_id)
})
