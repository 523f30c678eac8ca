import { type TestContext, test } from 'node:test'
import type { QuotaReport } from '../../src/gates.ts'
import { openGateway, shop, theirShop } from '../support/gateway.ts'

const noon = Date.parse('2026-03-04T12:00:00+08:00')
const path = '/cgi-bin/message/template/send'

const report: QuotaReport = {
  path,
  daily: 1000,
  used: 950,
  perMinute: 60,
  source: 'settings',
  resetsAt: noon,
  hold: { until: noon, reason: 'quota-reserved', condition: 'quota x y' },
  reserve: 50,
  exhaustedAt: noon - 1000,
  allowed: 4,
  inFlight: 1,
  waiting: 2,
}

const entry = {
  account: 'shop',
  appid: shop.appid,
  api: path,
  daily_limit: 1000,
  used: 950,
  remaining: 50,
  minute_limit: 60,
  source: 'settings',
  resets_at: '2026-03-04T04:00:00.000Z',
  held_until: '2026-03-04T04:00:00.000Z',
  held: {
    reason: 'quota-reserved',
    zh: '消息暂停，等待条件恢复后自动继续：今天剩下的调用次数留给紧急消息。',
    en: 'On hold; it goes on by itself once the condition is over: The calls that are left today are kept for urgent messages.',
  },
  urgent_reserve: 50,
  pace: { allowed: 4, in_flight: 1, waiting: 2 },
  forecast: { exhausted_at: '2026-03-04T03:59:59.000Z' },
}

const openWithQuotas = async (t: TestContext) => {
  const inquired: string[] = []
  const reports = (appid: string): readonly QuotaReport[] =>
    [shop.appid, theirShop.appid].includes(appid) ? [report, { ...report, path: '' }] : []
  const quotas = {
    reports,
    async inquire(appid: string, channel: string) {
      inquired.push(`${appid} ${channel}`)
    },
  }
  const { ask } = await openGateway(t, { parts: () => ({ quotas }) })
  const quota = (query: string, as: 'acme' | 'rival' | 'sender' = 'acme') =>
    ask({ method: 'GET', path: `/v1/quota${query}`, as })
  return { quota, inquired }
}

test('the quotas of a tenant’s own accounts are told, and nobody else’s', async (t: TestContext) => {
  const { quota, inquired } = await openWithQuotas(t)
  t.assert.deepEqual((await quota('')).json, { data: [entry] })
  const theirs = { ...entry, account: theirShop.name, appid: theirShop.appid }
  t.assert.deepEqual((await quota('', 'rival')).json, { data: [theirs] })
  t.assert.equal((await quota(`?account=${theirShop.appid}`)).status, 404)
  t.assert.deepEqual(inquired, [])
})

test('WeChat is asked about an account that is named', async (t: TestContext) => {
  const { quota, inquired } = await openWithQuotas(t)
  t.assert.deepEqual((await quota('?account=shop')).json, { data: [entry] })
  t.assert.deepEqual((await quota('?account=mini')).json, { data: [] })
  t.assert.deepEqual(inquired, [`${shop.appid} template`, 'wx0000000000000002 subscribe'])
})

test('quotas take the scope `read`, and only their own parameters', async (t: TestContext) => {
  const { quota } = await openWithQuotas(t)
  t.assert.equal((await quota('', 'sender')).status, 403)
  t.assert.equal((await quota('?acount=shop')).json.code, 'unknown-field')
})

test('a gateway without a worker knows of no quotas', async (t: TestContext) => {
  const { ask } = await openGateway(t)
  t.assert.deepEqual((await ask({ method: 'GET', path: '/v1/quota?account=shop' })).json, { data: [] })
})
