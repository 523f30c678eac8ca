/**
 * Secrets are planted in a whole service, which is then made to talk as much as it can: at the lowest level of its
 * log, over messages that arrive and messages that do not, refused requests, its document and its command line.
 * None of them may come out anywhere.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { suite, type TestContext, test } from 'node:test'
import { pino } from 'pino'
import { readConfig } from '../src/config.ts'
import type { Account } from '../src/directory.ts'
import { demoAccounts, newKey, type Service, startService, startSimulator } from '../src/main.ts'
import { logObservations } from '../src/telemetry/log.ts'
import { newMasterKey } from '../src/vault.ts'
import { atEnd } from './support/at-end.ts'
import { canariesIn, canary } from './support/canaries.ts'
import { type Environment, runCli, startCli } from './support/cli.ts'
import { temporaryFolder } from './support/folder.ts'

const anyPort = { host: '127.0.0.1', port: 0 }
const demo = demoAccounts[0]!

interface Planted {
  readonly home: string
  readonly settings: Environment
  readonly simulator: { readonly url: string; readonly adminUrl: string }
  readonly keyId: string
  readonly keySecret: string
  readonly accounts: readonly Account[]
  /** Everything that must not be seen. */
  readonly secrets: string[]
}

/** A home with keys and accounts that hold every kind of secret, and a simulator that knows one of the accounts. */
const plant = async (t: TestContext): Promise<Planted> => {
  const home = temporaryFolder(t)
  const [former, masterKey] = [newMasterKey(), newMasterKey()]
  const appSecret = canary('app-secret')
  const known = { ...demo, secret: appSecret }
  const simulator = await startSimulator({
    api: anyPort,
    admin: anyPort,
    latency: { fixedMs: 0 },
    accounts: [known],
  })
  atEnd(t, simulator.close)
  const settings = {
    HONGYAN_HOME: home,
    HONGYAN_HTTP: '127.0.0.1:0',
    HONGYAN_LOG: 'debug',
    HONGYAN_WECHAT: simulator.url,
    HONGYAN_DRAIN_MS: '500',
    HONGYAN_CALL_TIMEOUT_MS: '500',
    HONGYAN_MASTER_KEY: masterKey,
    HONGYAN_MASTER_KEY_OLD: former,
  }
  const accounts: Account[] = [
    {
      ...accountBase,
      appid: demo.appid,
      name: demo.name,
      kind: demo.kind,
      secret: appSecret,
      ...withCallback(),
    },
    {
      ...accountBase,
      appid: 'wx00000000000000a1',
      name: 'foreign',
      secret: canary('unused'),
      ...withEndpoint(),
    },
    {
      ...accountBase,
      appid: 'wx00000000000000a2',
      name: 'component',
      secret: canary('unused'),
      ...withPlatform(),
    },
  ]
  const key = newKey({
    tenant: 'default',
    name: 'test',
    scopes: ['send', 'read', 'admin', 'operator'],
    now: 0,
  })
  const secrets = [former, masterKey, ...key.secrets, ...accounts.flatMap(secretsOf)]
  for (const each of [former, masterKey]) secrets.push(Buffer.from(each, 'base64').toString('hex'))

  const first = await startService(
    readConfig({ ...settings, HONGYAN_LOG: 'silent', HONGYAN_ROLES: 'gateway' }),
    fail,
  )
  for (const account of accounts) await first.directory.putAccount(account)
  await first.directory.putKey(key)
  await first.stop()
  return { home, settings, simulator, keyId: key.id, keySecret: key.secrets[0]!, accounts, secrets }
}

const accountBase = {
  tenant: 'default',
  kind: 'official',
  tokenApi: 'stable',
  templates: demo.templates.map(({ template_id: templateId }) => ({ templateId })),
} as const

const withCallback = (): Partial<Account> => ({
  callback: { token: canary('callback-token'), aesKeys: [randomBytes(32).toString('base64')], mode: 'safe' },
})
const withEndpoint = (): Partial<Account> => ({
  tokenApi: 'foreign',
  tokenEndpoint: { url: 'https://127.0.0.1:1/token', authorization: canary('authorization') },
})
const withPlatform = (): Partial<Account> => ({
  authorizedBy: { component: 'wx00000000000000a1', refreshToken: canary('refresh-token') },
  componentTicket: { ticket: canary('ticket'), at: 0 },
})

const secretsOf = ({ secret, callback, tokenEndpoint, authorizedBy, componentTicket }: Account) =>
  [
    secret,
    callback?.token,
    ...(callback?.aesKeys ?? []),
    tokenEndpoint?.authorization,
    authorizedBy?.refreshToken,
    componentTicket?.ticket,
  ].filter((each) => each !== undefined)

const fail = (error: Error): never => {
  throw error
}

/** The token that the service has got by now: the simulator gives the same one to whoever asks for a stable token. */
const tokenOf = async ({ simulator, accounts }: Planted): Promise<string> => {
  const { appid, secret } = accounts[0]!
  const response = await fetch(`${simulator.url}/cgi-bin/stable_token`, {
    method: 'POST',
    body: JSON.stringify({ grant_type: 'client_credential', appid, secret }),
  })
  const { access_token } = (await response.json()) as { access_token: string }
  if (!access_token) throw new Error('The simulator gave no token')
  return access_token
}

const message = (overrides: object = {}) => ({
  account: demo.name,
  touser: demo.openids[0],
  template_id: demo.templates[0]!.template_id,
  data: demo.templates[0]!.example,
  ...overrides,
})

/** Makes everything go wrong that can, once, and answers all that the gateway has said. */
const talk = async (url: string, planted: Planted): Promise<string> => {
  const { keyId, keySecret, simulator, accounts } = planted
  const bearer = { Authorization: `Bearer ${keyId}.${keySecret}` }
  const said: string[] = []
  const ask = async (method: string, path: string, body?: unknown, headers: Environment = bearer) => {
    const response = await fetch(url + path, {
      method,
      headers: { 'Content-Type': 'application/json', ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    said.push(`${JSON.stringify([...response.headers])}\n${await response.text()}`)
    return response.status
  }
  const send = (overrides?: object) =>
    ask('POST', '/v1/messages', message(overrides), { ...bearer, Prefer: 'wait=1' })
  const faults = async (...rules: readonly object[]): Promise<void> => {
    const body = JSON.stringify({ rules })
    const response = await fetch(`${simulator.adminUrl}/_sim/faults`, { method: 'POST', body })
    if (!response.ok) throw new Error(await response.text())
  }

  if ((await send()) !== 202) throw new Error(`Nothing can be sent: ${said.at(-1)}`)
  planted.secrets.push(await tokenOf(planted))
  const path = '/cgi-bin/message/template/send'
  for (const fault of [
    { errcode: 40001 },
    { errcode: 43004 },
    { reset: true },
    { junk: 'cut-json' },
    { hang: 'after' },
  ]) {
    await faults({ path, ...fault, count: 1 })
    await send()
  }
  await faults(
    { path: '/cgi-bin/stable_token', errcode: 40125, count: 5 },
    { path, errcode: 42001, count: 5 },
  )
  await send()
  await faults()
  planted.secrets.push(await tokenOf(planted))

  const wrong = accounts[0]!.secret
  await ask('POST', '/v1/accounts', { name: 'x', appid: 'not-one', secret: wrong, kind: 'official' })
  await ask('POST', '/v1/accounts', { name: 'foreign', appid: demo.appid, secret: wrong, kind: 'official' })
  await ask('POST', '/v1/accounts', `{"secret":"${wrong}",`)
  await ask(
    'POST',
    '/v1/messages',
    message({ data: { secret: 17n.toString(), [`k${'x'.repeat(40)}`]: wrong } }),
  )
  await ask('GET', `/v1/messages?limit=${wrong}`)
  await ask('GET', '/v1/keys', undefined, { Authorization: `Bearer ${keyId}.${keySecret}x` })
  await ask('GET', '/v1/keys', undefined, { Authorization: `Basic ${keySecret}` })
  for (const route of [
    '/openapi.json',
    '/v1/keys',
    '/v1/accounts',
    '/v1/tenants',
    '/v1/messages',
    '/nothing',
  ])
    await ask('GET', route)
  await ask('PATCH', '/v1/tenants/default', { name: 'renamed' })
  return said.join('\n')
}

suite('no planted secret comes out', () => {
  test('in the answers of the gateway, in what is observed, and in what is logged of it', async (t: TestContext) => {
    const planted = await plant(t)
    const config = readConfig({ ...planted.settings, HONGYAN_LOG: 'silent' })
    const service: Service = await startService(config, fail)
    atEnd(t, service.stop)
    const lines: string[] = []
    const write = new Writable({ write: (chunk, _encoding, done) => done(void lines.push(String(chunk))) })
    service.observer.subscribe(logObservations(pino({ level: 'debug' }, write)))
    const observed: string[] = []
    service.observer.subscribe((observation) => observed.push(JSON.stringify(observation)))

    const said = await talk(service.url, planted)
    const kinds = new Set(observed.map((line) => JSON.parse(line).kind))
    for (const kind of ['accepted', 'called', 'settled', 'token', 'audit']) t.assert.ok(kinds.has(kind), kind)
    t.assert.match(lines.join(''), /"msg":"audit"/)
    for (const [where, text] of [
      ['answers', said],
      ['observations', observed.join('\n')],
      ['log', lines.join('')],
    ] as const)
      t.assert.deepEqual(canariesIn(text, planted.secrets), [], where)
  })

  test('from the process itself at debug, and from the command line', async (t: TestContext) => {
    const planted = await plant(t)
    const { home, settings, keyId, keySecret } = planted
    const serve = startCli(['serve'], settings)
    atEnd(t, async () => {
      serve.child.kill('SIGKILL')
      await serve.ended
    })
    await serve.says(/The first admin key is in/)
    const admin = JSON.parse(readFileSync(join(home, 'admin.json'), 'utf8'))
    planted.secrets.push(admin.key_secret)
    await talk(admin.gateway, planted)

    const env = { HONGYAN_HOME: home, HONGYAN_KEY_ID: keyId, HONGYAN_KEY_SECRET: keySecret }
    const accountSecret = { HONGYAN_ACCOUNT_SECRET: planted.accounts[0]!.secret }
    const account = ['accounts', 'add', '--name', 'x', '--kind', 'official', '--appid']
    const commands: readonly (readonly [args: readonly string[], env?: Environment])[] = [
      [['keys', 'list']],
      [['keys', 'list', '--json']],
      [['accounts', 'list', '--json']],
      [['tenants', 'list', '--json']],
      [['list', '--json']],
      [['doctor']],
      [['sign', 'GET', '/v1/messages', '--curl']],
      [[...account, 'not-one', '--json'], accountSecret],
      [[...account, 'wx00000000000000a9', '--json'], accountSecret],
      [['list'], { HONGYAN_URL: 'http://127.0.0.1:1' }],
      [['list'], { HONGYAN_KEY_SECRET: `${keySecret}x` }],
    ]
    for (const [args, more] of commands) {
      const { stdout, stderr } = await runCli(args, { ...env, ...more })
      t.assert.notEqual(stdout + stderr, '')
      t.assert.deepEqual(canariesIn(stdout + stderr, planted.secrets), [], args.join(' '))
    }
    serve.child.kill('SIGTERM')
    const { stdout, stderr } = await serve.ended
    t.assert.match(stderr, /"msg":"token"/)
    t.assert.match(stderr, /"msg":"audit"/)
    t.assert.deepEqual(canariesIn(stdout + stderr, planted.secrets), [], 'the log of the process')
  })

  test('from a start that fails for its master key', async (t: TestContext) => {
    const { settings, secrets } = await plant(t)
    const wrong = newMasterKey()
    const { HONGYAN_MASTER_KEY_OLD: _, ...rest } = settings
    const { code, stderr } = await runCli(['serve'], { ...rest, HONGYAN_MASTER_KEY: wrong })
    t.assert.equal(code, 1)
    t.assert.match(stderr, /the master key is not the one that sealed it/)
    t.assert.deepEqual(canariesIn(stderr, [...secrets, wrong]), [])
  })
})
