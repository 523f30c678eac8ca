/** No answer to one tenant holds anything of another: every route is asked for what is not the caller's. */
import { randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import type { Account } from '../../src/directory.ts'
import type { GatewayParts } from '../../src/gateway/gateway.ts'
import { newKey } from '../../src/gateway/keys.ts'
import { canariesIn, canary } from '../support/canaries.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { type Answer, type Ask, openGateway, type TestGateway, wireOf } from '../support/gateway.ts'
import { postgresOfFile } from '../support/postgres.ts'
import { openJoined } from '../support/records.ts'
import { emptyKeys } from '../support/redis.ts'
import { openApp, routesOf } from '../support/routes.ts'
import { lines, type Probe, type Theirs } from './isolation-routes.ts'

const server = postgresOfFile()

/** Puts one thing of every kind into `acme`, and answers how to ask for them and which texts must not leave it. */
const plant = async ({ directory, ask, clock }: TestGateway) => {
  const account: Account = {
    appid: `wx${randomBytes(8).toString('hex')}`,
    tenant: 'acme',
    name: canary('account'),
    kind: 'official',
    secret: canary('app-secret'),
    tokenApi: 'foreign',
    tokenEndpoint: { url: `https://${canary('host')}.example/`, authorization: canary('authorization') },
    callback: { token: canary('callback-token'), aesKeys: [canary('aes-key')], mode: 'safe' },
    limits: { daily: 876_543_210 },
    templates: [
      {
        templateId: canary('template'),
        alias: canary('alias'),
        title: canary('title'),
        content: `${canary('content')}:{{thing1.DATA}}`,
      },
    ],
  }
  await directory.putAccount(account)
  const key = newKey({
    tenant: 'acme',
    name: canary('key'),
    scopes: ['send', 'read', 'admin'],
    now: clock.now(),
  })
  await directory.putKey(key)
  const tenantName = canary('tenant')
  const limits = {
    messagesPerSecond: 765_432_109,
    burst: 765_432_108,
    accounts: 543_210_987,
    keys: 543_210_986,
  }
  await directory.putTenant({ ...directory.tenant('acme')!, name: tenantName, limits })

  const body = {
    account: account.name,
    touser: canary('openid').slice(0, 64),
    template_id: account.templates[0]!.templateId,
    data: { thing1: canary('value').slice(0, 20) },
    url: `https://example.com/${canary('path')}`,
    client_msg_id: canary('client-msg-id'),
    tags: [canary('tag')],
  }
  const sent = await ask({ body })
  const formId = canary('form')
  const granted = [{ form_id: formId }, { template_id: body.template_id, add: 7 }]
  await ask({
    path: '/v1/grants',
    body: granted.map((each) => ({ account: account.name, touser: body.touser, ...each })),
  })
  const theirs: Theirs = {
    tenant: 'acme',
    messageId: sent.json.id,
    clientMsgId: body.client_msg_id,
    keyId: key.id,
    appid: account.appid,
    accountName: account.name,
    templateId: body.template_id,
    touser: body.touser,
    tag: body.tags[0]!,
    formId,
  }
  const { tenant: _, ...known } = theirs
  /** Shown to their owner, and to nobody else. */
  const shown = [
    ...Object.values(known),
    ...[body.data.thing1, body.url, key.name],
    ...[account.templates[0]!.alias!, account.templates[0]!.title!],
  ]
  /** Shown to nobody at all. */
  const secret = [
    ...[account.secret, account.tokenEndpoint!.authorization!, ...key.secrets],
    ...[account.callback!.token, ...account.callback!.aesKeys],
  ]
  /** Shown to operators, or nowhere yet. */
  const further = [tenantName, ...[account.limits!.daily!, ...Object.values(limits)].map(String)]
  return { theirs, shown, secret, further }
}

type Plants = Awaited<ReturnType<typeof plant>>

/** The texts among these that an answer holds, in its body or its headers. */
const foundIn = ({ headers, text }: Answer, texts: readonly string[]): readonly string[] =>
  canariesIn(`${JSON.stringify(headers)}\n${text}`, texts)

/** What the caller itself has written may come back to it; that tells it nothing. */
const notInRequest = (request: Ask, texts: readonly string[]): readonly string[] => {
  const { path, headers, body } = wireOf({ ...request, scheme: 'none' }, 0)
  const sent = `${path}\n${JSON.stringify(headers)}\n${body?.toString() ?? ''}`
  return texts.filter((text) => !sent.includes(text))
}

interface RoutedProbe extends Probe {
  readonly route: string
}

/** Those that only read come first: what a stranger has written itself must not hide what it was shown. */
const probesInOrder = (): readonly RoutedProbe[] => {
  const all = Object.entries(lines).flatMap(([route, line]) =>
    'open' in line ? [] : line.probes.map((probe) => ({ route, ...probe })),
  )
  const reads = ({ route }: RoutedProbe) => route.startsWith('GET ')
  return [...all.filter(reads), ...all.filter((probe) => !reads(probe))]
}

test('every route has its line in the sweep, and every line its route', async (t: TestContext) => {
  const routes = routesOf(await openApp(t))
  t.assert.ok(routes.length > 10)
  const missing = routes.filter((route) => !(route in lines))
  const gone = Object.keys(lines).filter((route) => !routes.includes(route))
  t.assert.deepEqual(
    missing,
    [],
    `${missing.join(', ')}: nobody has said what a stranger is answered there. ` +
      'Add a line to test/gateway/isolation-routes.ts; its opening comment says how.',
  )
  t.assert.deepEqual(gone, [], `${gone.join(', ')}: there is no such route any more`)
  for (const [route, line] of Object.entries(lines))
    if (!('open' in line)) t.assert.ok(line.probes.length > 0, `${route} has no probe`)
})

/** Everything of theirs as they see it themselves, but for what asking changes. */
const stateOf = async ({ ask }: TestGateway, { theirs }: Plants): Promise<string> => {
  const grants = `/v1/grants?account=${theirs.appid}&touser=${theirs.touser}`
  const paths = [`/v1/messages/${theirs.messageId}`, '/v1/messages', '/v1/keys', '/v1/accounts', grants]
  const answers = await Promise.all(paths.map((path) => ask({ method: 'GET', path })))
  const tenant = await ask({ method: 'GET', path: `/v1/tenants/${theirs.tenant}`, as: 'operator' })
  return [...answers, tenant].map(({ text }) => text.replaceAll(/"last_used":[^,}]*/g, '')).join('\n')
}

/** Every account has sent something, and its limit is that of its settings. */
const withQuotas = ({ directory }: GatewayParts): Partial<GatewayParts> => ({
  quotas: {
    reports: (appid) => [
      {
        ...{ path: '/cgi-bin/message/template/send', source: 'settings', resetsAt: 0, used: 0, reserve: 0 },
        ...{ daily: directory.account(appid)?.limits?.daily ?? 0, allowed: 1, inFlight: 0, waiting: 0 },
      },
    ],
    inquire: async () => {},
  },
})

/** Where queue and records are. */
const stores: Readonly<Record<string, (t: TestContext, clock: TestClock) => Promise<Partial<GatewayParts>>>> =
  {
    'the embedded engine': async () => ({}),
    'redis and postgres': async (t, clock) => {
      const { url: postgres } = await server.emptyStore(t)
      const places = { redis: await emptyKeys(t), postgres, clock, retentionMs: 24 * 3_600_000 }
      const { engine, queue, ledger } = await openJoined(t, places)
      return { queue, ledger, recipients: engine.recipients }
    },
  }

for (const [name, openStore] of Object.entries(stores))
  test(`with ${name}, a stranger gets nothing of another tenant, and changes nothing of it`, async (t) => {
    const clock = createTestClock(Date.now())
    const store = await openStore(t, clock)
    await sweepRoutes(
      t,
      await openGateway(t, { clock, parts: (real) => ({ ...withQuotas(real), ...store }) }),
    )
  })

const sweepRoutes = async (t: TestContext, gateway: TestGateway): Promise<void> => {
  const plants = await plant(gateway)
  const before = await stateOf(gateway, plants)
  const all = [...plants.shown, ...plants.secret, ...plants.further]

  t.assert.deepEqual(
    plants.shown.filter((text) => !before.includes(text)),
    [],
    'Its owner sees it, so the sweep would see it too',
  )
  t.assert.deepEqual(
    plants.secret.filter((text) => before.includes(text)),
    [],
    'A secret is shown to nobody',
  )
  for (const { route, name, ask, status, answer: expected } of probesInOrder())
    await t.test(`${route}: ${name}`, async (t: TestContext) => {
      const request: Ask = { as: 'rival', ...ask(plants.theirs) }
      const answer = await gateway.ask(request)
      t.assert.equal(answer.status, status, answer.text)
      if (expected) t.assert.partialDeepStrictEqual(answer.json, expected)
      t.assert.deepEqual(foundIn(answer, notInRequest(request, all)), [], 'It holds what is theirs')
    })
  for (const [route, line] of Object.entries(lines))
    if ('open' in line)
      await t.test(
        `${route}: holds nothing of a tenant, because it is ${line.open}`,
        async (t: TestContext) => {
          const [method = '', path = ''] = route.split(' ')
          t.assert.deepEqual(foundIn(await gateway.ask({ method, path, scheme: 'none' }), all), [])
        },
      )
  t.assert.equal(await stateOf(gateway, plants), before)
}

test('a key with every scope but the one that a route takes is refused there', async (t: TestContext) => {
  const gateway = await openGateway(t)
  const { theirs } = await plant(gateway)
  const scopes = ['send', 'read', 'admin', 'operator'] as const
  for (const missing of scopes) {
    const others = scopes.filter((scope) => scope !== missing)
    const key = newKey({ tenant: 'acme', name: `no ${missing}`, scopes: others, now: gateway.clock.now() })
    await gateway.directory.putKey(key)
    const headers = { Authorization: `Bearer ${key.id}.${key.secrets[0]}` }
    for (const [route, line] of Object.entries(lines)) {
      if ('open' in line || line.scope !== missing) continue
      const ask = line.probes[0]!.ask(theirs)
      const answer = await gateway.ask({ ...ask, scheme: 'none', headers: { ...ask.headers, ...headers } })
      t.assert.deepEqual([answer.status, answer.json.code], [403, 'forbidden'], `${route} without ${missing}`)
    }
  }
})

test('the same client_msg_id in two tenants is two messages, and each finds its own', async (t: TestContext) => {
  const { ask } = await openGateway(t)
  const body = (account: string) => ({
    account,
    touser: 'oSame',
    template_id: 'shipped',
    data: { thing1: account },
    client_msg_id: 'order-1',
  })
  const first = await ask({ body: body('shop') })
  const second = await ask({ as: 'rival', body: body('their-shop') })
  t.assert.deepEqual([first.status, second.status], [202, 202])
  t.assert.notEqual(first.json.id, second.json.id)
  t.assert.deepEqual((await ask({ body: body('shop') })).json, { ...first.json, duplicate: true })
  for (const [as, id] of [
    ['acme', first.json.id],
    ['rival', second.json.id],
  ] as const) {
    const { json } = await ask({ as, method: 'GET', path: '/v1/messages?q=order-1' })
    t.assert.deepEqual(
      json.data.map((each: { id: string }) => each.id),
      [id],
    )
  }
})
