import { type TestContext, test } from 'node:test'
import type { Tenant, TenantLimits } from '../../src/tenants.ts'
import { type Answer, type Ask, aBody, openGateway, type TestGateway, theirShop } from '../support/gateway.ts'

const limit = ({ directory }: TestGateway, limits: TenantLimits, tenant = 'acme'): Promise<Tenant> =>
  directory.putTenant({ ...directory.tenant(tenant)!, limits })

const many = (count: number): Ask => ({ body: Array.from({ length: count }, () => aBody()) })
const toldBy = ({ status, headers }: Answer) => ({
  status,
  policy: headers['ratelimit-policy'],
  rate: headers.ratelimit,
  retryAfter: headers['retry-after'],
})

test('who has no limit is told of none', async (t: TestContext) => {
  const { ask } = await openGateway(t)
  const { status, policy, rate } = toldBy(await ask())
  t.assert.deepEqual([status, policy, rate], [202, undefined, undefined])
})

test('a tenant takes up its burst, is refused, and is served again when it is told', async (t: TestContext) => {
  const gateway = await openGateway(t)
  const { ask, clock } = gateway
  await limit(gateway, { messagesPerSecond: 2, burst: 4 })
  const policy = '"messages";q=4;w=2'
  for (const [left, whole] of [
    [3, 1],
    [2, 1],
    [1, 2],
    [0, 2],
  ])
    t.assert.deepEqual(toldBy(await ask()), {
      status: 202,
      policy,
      rate: `"messages";r=${left};t=${whole}`,
      retryAfter: undefined,
    })
  const refused = await ask()
  t.assert.deepEqual(toldBy(refused), { status: 429, policy, rate: '"messages";r=0;t=2', retryAfter: '1' })
  t.assert.partialDeepStrictEqual(refused.json, { code: 'rate-limited', 'violated-policies': ['messages'] })
  clock.advance(499)
  t.assert.equal((await ask()).status, 429)
  clock.advance(1)
  t.assert.equal((await ask()).status, 202)
  clock.advance(3_600_000)
  t.assert.equal(toldBy(await ask()).rate, '"messages";r=3;t=1')
})

test('an array counts as its messages, and what is refused is not queued', async (t: TestContext) => {
  const gateway = await openGateway(t)
  const { ask, queue, clock } = gateway
  await limit(gateway, { messagesPerSecond: 1, burst: 10 })
  t.assert.deepEqual((await ask(many(7))).json.accepted, 7)
  const refused = await ask(many(4))
  t.assert.deepEqual(toldBy(refused), {
    status: 429,
    policy: '"messages";q=10;w=10',
    rate: '"messages";r=2;t=8',
    retryAfter: '2',
  })
  t.assert.equal((await queue.receive({ max: 100, waitMs: 0 })).length, 7)
  clock.advance(2000)
  t.assert.equal((await ask(many(4))).status, 202)
})

test('an array larger than the burst needs a full bucket, and is paid for afterwards', async (t: TestContext) => {
  const gateway = await openGateway(t)
  const { ask, clock } = gateway
  await limit(gateway, { messagesPerSecond: 5 })
  t.assert.equal((await ask(many(25))).status, 202)
  const refused = await ask()
  t.assert.deepEqual([refused.status, refused.headers['retry-after']], [429, '5'])
  clock.advance(4000)
  t.assert.equal((await ask()).status, 429)
  clock.advance(1000)
  t.assert.equal((await ask()).status, 202)
  t.assert.equal((await ask(many(25))).status, 429)
})

test('who is over the rate is refused before the body is looked at', async (t: TestContext) => {
  const gateway = await openGateway(t)
  const { ask } = gateway
  await limit(gateway, { messagesPerSecond: 1 })
  t.assert.equal((await ask({ body: '{' })).json.code, 'json-malformed')
  t.assert.equal((await ask({ body: '{' })).json.code, 'rate-limited')
  t.assert.equal((await ask({ body: '{', secret: 'wrong' })).json.code, 'auth-invalid')
})

test('one tenant over its rate changes nothing in the answers to another', async (t: TestContext) => {
  const gateway = await openGateway(t)
  const { ask } = gateway
  const theirs: Ask = { as: 'rival', body: aBody({ account: theirShop.name }) }
  await limit(gateway, { messagesPerSecond: 1 })
  await limit(gateway, { messagesPerSecond: 7 }, 'rival')
  const floods = await Promise.all(Array.from({ length: 20 }, () => ask()))
  t.assert.equal(floods.filter(({ status }) => status === 429).length, 19)
  t.assert.deepEqual(toldBy(await ask(theirs)), {
    status: 202,
    policy: '"messages";q=7;w=1',
    rate: '"messages";r=6;t=1',
    retryAfter: undefined,
  })
  t.assert.equal(toldBy(await ask()).status, 429)
  await limit(gateway, {}, 'rival')
  const free = toldBy(await ask(theirs))
  t.assert.deepEqual([free.status, free.policy, free.rate], [202, undefined, undefined])
  // Reading and stopping messages is no handing over.
  t.assert.equal((await ask({ method: 'GET' })).status, 200)
})

test('a limit that is changed counts from the next request on', async (t: TestContext) => {
  const gateway = await openGateway(t)
  const { ask } = gateway
  await limit(gateway, { messagesPerSecond: 1 })
  await ask()
  t.assert.equal((await ask()).status, 429)
  await limit(gateway, {})
  t.assert.equal((await ask()).status, 202)
  await limit(gateway, { messagesPerSecond: 1000, burst: 2 })
  t.assert.equal((await ask()).status, 429)
})
