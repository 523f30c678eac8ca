import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type CliRun, type Environment, runCli } from '../support/cli.ts'
import { startFakeGateway } from '../support/fake-gateway.ts'
import { startRunning } from '../support/running.ts'

interface Finding {
  readonly check: string
  readonly status: string
  readonly detail: string
  readonly fix?: string
}

const anyPorts = { HONGYAN_HTTP: '127.0.0.1:0', HONGYAN_SIMULATOR: '127.0.0.1:0' }

const examine = async (env: Environment): Promise<{ run: CliRun; by: Readonly<Record<string, Finding>> }> => {
  const run = await runCli(['doctor', '--json'], { ...anyPorts, ...env })
  const findings = JSON.parse(run.stdout) as Finding[]
  return { run, by: Object.fromEntries(findings.map((finding) => [finding.check, finding])) }
}

test('all is well', async (t: TestContext) => {
  const { env, simulator } = await startRunning(t)
  const healthy = { ...anyPorts, ...env, HONGYAN_WECHAT: simulator.url }
  const { run, by } = await examine(healthy)
  t.assert.deepEqual([run.code, run.stderr], [0, ''])
  for (const { check, status } of Object.values(by)) t.assert.equal(status, 'ok', check)
  t.assert.deepEqual(Object.keys(by), [
    ...['node', 'home', 'disk', 'gateway', 'clock', 'key', 'wechat'],
    ...['port:HONGYAN_HTTP', 'port:HONGYAN_SIMULATOR', 'port:HONGYAN_SIMULATOR_ADMIN'],
  ])
  t.assert.match(by.node!.detail, new RegExp(`^Node.js ${process.versions.node} `))
  const shown = await runCli(['doctor'], healthy)
  t.assert.equal(shown.code, 0)
  t.assert.match(shown.stdout, /^(✔ .*\n){10}$/)
})

test('a gateway that does not run, a WeChat that does not answer, and a port that is taken', async (t: TestContext) => {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  t.after(() => server.close())
  const taken = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const env = {
    ...{ HONGYAN_URL: 'http://127.0.0.1:1023', HONGYAN_KEY_ID: 'k', HONGYAN_KEY_SECRET: 's' },
    ...{ HONGYAN_WECHAT: 'http://127.0.0.1:1023', HONGYAN_HTTP: taken, HONGYAN_HOME: '/proc/hongyan' },
  }
  const { run, by } = await examine(env)
  t.assert.equal(run.code, 1)
  for (const check of ['gateway', 'wechat', 'port:HONGYAN_HTTP']) {
    t.assert.equal(by[check]?.status, 'failed', check)
    t.assert.ok(by[check]?.fix, check)
  }
  t.assert.deepEqual([by.clock?.status, by.key?.status], ['skipped', 'skipped'])
  t.assert.ok(by['port:HONGYAN_HTTP']?.detail.includes(taken))
  const shown = await runCli(['doctor'], { ...anyPorts, ...env })
  t.assert.match(shown.stdout, /✖ The gateway does not answer: .*\n {2}→ Start it with npm start/)
  t.assert.match(shown.stdout, /– The clock was not checked\n/)
})

test('a clock that is off and a key that is not accepted', async (t: TestContext) => {
  const late = new Date(Date.now() + 600_000).toUTCString()
  const { env } = await startFakeGateway(t, ({ path }) =>
    path === '/readyz'
      ? { status: 200, body: { status: 'ok' }, headers: { Date: late } }
      : { status: 401, body: { code: 'auth-invalid', title: 'The key is not right' } },
  )
  const { run, by } = await examine({ ...env, HONGYAN_WECHAT: env.HONGYAN_URL! })
  t.assert.equal(run.code, 1)
  t.assert.deepEqual([by.gateway?.status, by.clock?.status, by.key?.status], ['ok', 'failed', 'failed'])
  t.assert.match(by.key!.detail, /The key is not right/)
})

test('without a key it says so, and goes on with the rest', async (t: TestContext) => {
  const { simulator } = await startRunning(t)
  const { run, by } = await examine({ HONGYAN_HOME: '/nowhere', HONGYAN_WECHAT: simulator.url })
  t.assert.equal(run.code, 1)
  t.assert.deepEqual([by.profile?.status, by.gateway?.status, by.wechat?.status], ['failed', 'skipped', 'ok'])
})

test('a setting that does not exist is found', async (t: TestContext) => {
  const { env, simulator } = await startRunning(t)
  const { run, by } = await examine({ ...env, HONGYAN_WECHAT: simulator.url, HONGYAN_HTPP: 'x' })
  t.assert.equal(run.code, 1)
  t.assert.match(by.config!.detail, /HONGYAN_HTPP.*did you mean HONGYAN_HTTP/)
})
