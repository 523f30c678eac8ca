import { type TestContext, test } from 'node:test'
import type { Observation } from '../../src/observe.ts'
import { type Ask, openGateway, shop, type TestGateway, theirShop } from '../support/gateway.ts'

const asOperator = (ask: Ask): Ask => ({ as: 'operator', ...ask })
const get = (path: string): Ask => asOperator({ method: 'GET', path })
const post = (path: string, body?: unknown): Ask => asOperator({ path, body })
const patch = (id: string, body: unknown): Ask =>
  asOperator({ method: 'PATCH', path: `/v1/tenants/${id}`, body })
const bearer = (token: string, ask: Ask): Ask => ({
  ...ask,
  scheme: 'none',
  headers: { Authorization: `Bearer ${token}` },
})

test('a tenant is made, gets its first key, and goes on by itself', async (t: TestContext) => {
  const { ask } = await openGateway(t)
  const made = await ask(post('/v1/tenants', { id: 'third', name: '第三家', limits: { keys: 5 } }))
  t.assert.deepEqual([made.status, made.headers.location], [201, '/v1/tenants/third'])
  t.assert.partialDeepStrictEqual(made.json, {
    id: 'third',
    name: '第三家',
    disabled: false,
    limits: { messages_per_second: null, burst: null, accounts: null, keys: 5 },
    accounts: 0,
    keys: 0,
  })
  const key = await ask(post('/v1/tenants/third/keys', { name: 'admin', scopes: ['admin', 'read'] }))
  t.assert.equal(key.status, 201)
  const own = await ask(
    bearer(key.json.bearer, { path: '/v1/keys', body: { name: 'service', scopes: ['send'] } }),
  )
  t.assert.equal(own.status, 201)
  t.assert.equal((await ask(get('/v1/tenants/third'))).json.keys, 2)
  const ids = (await ask(get('/v1/tenants'))).json.data.map(({ id }: { id: string }) => id)
  t.assert.deepEqual(ids.toSorted(), ['acme', 'closed', 'default', 'rival', 'small', 'third'])
})

test('a tenant without a record is one all the same, and can be changed', async (t: TestContext) => {
  const { ask } = await openGateway(t)
  t.assert.partialDeepStrictEqual((await ask(get('/v1/tenants/acme'))).json, { id: 'acme', name: 'acme' })
  const { json } = await ask(patch('acme', { name: 'The shop', limits: { accounts: 9, keys: 9 } }))
  t.assert.partialDeepStrictEqual(json, { name: 'The shop', limits: { accounts: 9, keys: 9 } })
  const changed = await ask(patch('acme', { limits: { keys: null } }))
  t.assert.partialDeepStrictEqual(changed.json, { name: 'The shop', limits: { accounts: 9, keys: null } })
})

test('the keys of a disabled tenant are refused, its messages stay, and it can be enabled again', async (t: TestContext) => {
  const { ask, queue } = await openGateway(t)
  const sent = (await ask()).json
  t.assert.equal((await ask(patch('acme', { disabled: true }))).json.disabled, true)
  for (const scheme of ['v1', 'params', 'bearer'] as const) {
    const { status, json } = await ask({ method: 'GET', path: '/v1/messages', scheme })
    t.assert.deepEqual([status, json.code], [401, 'auth-invalid'])
  }
  t.assert.equal((await ask({ as: 'rival', body: undefined, method: 'GET' })).status, 200)
  const [delivery] = await queue.receive({ max: 1, waitMs: 0 })
  t.assert.equal(delivery?.message.id, sent.id)
  await ask(patch('acme', { disabled: false }))
  t.assert.equal((await ask()).status, 202)
})

test('a tenant has no more keys and accounts than it may, however many ask at once', async (t: TestContext) => {
  const { ask, directory } = await openGateway(t)
  const account = { name: 'x', appid: `wx${'f'.repeat(16)}`, secret: 's', kind: 'official' }
  const has = directory.keys('acme').length
  await ask(patch('acme', { limits: { keys: has + 2, accounts: directory.accounts('acme').length } }))
  const answers = await Promise.all(
    Array.from({ length: 6 }, () => ask({ path: '/v1/keys', body: { name: 'n', scopes: ['read'] } })),
  )
  t.assert.deepEqual(answers.map(({ status }) => status).toSorted(), [201, 201, 409, 409, 409, 409])
  t.assert.equal(directory.keys('acme').length, has + 2)
  t.assert.equal(answers.find(({ status }) => status === 409)?.json.code, 'limit-reached')
  t.assert.equal((await ask(post('/v1/tenants/acme/keys', { name: 'n', scopes: ['read'] }))).status, 409)

  const refused = await ask({ path: '/v1/accounts', body: account })
  t.assert.deepEqual([refused.status, refused.json.code], [409, 'limit-reached'])
  const { appid, name, secret, kind } = shop
  t.assert.equal((await ask({ path: '/v1/accounts', body: { appid, name, secret, kind } })).status, 200)
  t.assert.equal((await ask({ as: 'rival', path: '/v1/accounts', body: account })).status, 201)
})

/** What is put on record while `work` is done. */
const auditsOf = async ({ observer }: TestGateway, work: () => Promise<unknown>) => {
  const audits: Observation[] = []
  const stop = observer.subscribe((observation) => {
    if (observation.kind === 'audit') audits.push(observation)
  })
  await work()
  stop()
  return audits
}

test('every change of keys, accounts and tenants is put on record, without a secret', async (t: TestContext) => {
  const gateway = await openGateway(t)
  const { ask } = gateway
  const secrets: string[] = ['secret-of-an-account']
  const audits = await auditsOf(gateway, async () => {
    const { json: key } = await ask({ path: '/v1/keys', body: { name: 'n', scopes: ['read'] } })
    const { json: next } = await ask({ path: `/v1/keys/${key.id}/rotate`, body: undefined })
    secrets.push(key.secret, next.secret)
    await ask({ method: 'DELETE', path: `/v1/keys/${key.id}` })
    const account = { name: 'x', appid: `wx${'f'.repeat(16)}`, secret: secrets[0], kind: 'official' }
    for (let n = 0; n < 2; n++) await ask({ path: '/v1/accounts', body: account })
    await ask(post('/v1/tenants', { id: 'third' }))
    await ask(patch('third', { disabled: true }))
    await ask(post('/v1/tenants/third/keys', { name: 'n', scopes: ['admin'] }))
    // What is only read, and what is refused, has changed nothing.
    await ask({ method: 'GET', path: '/v1/keys' })
    await ask({ path: '/v1/keys', body: { name: 'n', scopes: ['operator'] } })
    await ask({ method: 'DELETE', path: `/v1/keys/${key.id}` })
  })
  t.assert.deepEqual(
    audits.map(
      (each) => each.kind === 'audit' && `${each.tenant} ${each.action} ${each.target.split('/key_')[0]}`,
    ),
    [
      'acme key.create key',
      'acme key.rotate key',
      'acme key.remove key',
      `acme account.create account/wx${'f'.repeat(16)}`,
      `acme account.update account/wx${'f'.repeat(16)}`,
      'default tenant.create tenant/third',
      'default tenant.update tenant/third',
      'default key.create tenant/third/key',
    ],
  )
  for (const each of audits) if (each.kind === 'audit') t.assert.match(each.requestId, /^req_/)
  for (const secret of secrets) t.assert.ok(!JSON.stringify(audits).includes(secret))
})

test('an admin can neither give the scope operator nor come by it', async (t: TestContext) => {
  const { ask, directory } = await openGateway(t)
  const operator = { ...directory.key('key_acme')!, id: 'key_boss', scopes: ['admin', 'operator'] as const }
  await directory.putKey(operator)
  const refusals: readonly Ask[] = [
    { path: '/v1/keys', body: { name: 'n', scopes: ['operator'] } },
    { path: '/v1/keys/key_boss/rotate', body: undefined },
    { method: 'DELETE', path: '/v1/keys/key_boss' },
    post('/v1/tenants/acme/keys', { name: 'n', scopes: ['admin', 'operator'] }),
  ]
  for (const request of refusals) t.assert.equal((await ask(request)).json.code, 'forbidden', request.path)
  const boss = `key_boss.${operator.secrets[0]}`
  const given = await ask(bearer(boss, { path: '/v1/keys', body: { name: 'n', scopes: ['operator'] } }))
  t.assert.equal(given.status, 201)
})

test('the counts of one tenant never move for another', async (t: TestContext) => {
  const { ask } = await openGateway(t)
  const rival = async () => (await ask(get('/v1/tenants/rival'))).text
  const before = await rival()
  await ask({ path: '/v1/keys', body: { name: 'n', scopes: ['read'] } })
  const { appid, ...account } = { name: 'x', appid: `wx${'f'.repeat(16)}`, secret: 's', kind: 'official' }
  await ask({ path: '/v1/accounts', body: { ...account, appid } })
  await ask(patch('acme', { limits: { keys: 1, accounts: 1, messages_per_second: 1 }, disabled: true }))
  t.assert.equal(await rival(), before)
  t.assert.equal((await ask({ as: 'rival', body: { ...rivalBody } })).status, 202)
})

const rivalBody = {
  account: theirShop.name,
  touser: 'oTheirs',
  template_id: 'shipped',
  data: { thing1: 'x' },
}
