import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { QuotaAnswer } from '../../src/quota.ts'
import type { Answer } from '../../src/wechat/call.ts'
import { createQuotaReader, parseQuotaAnswer } from '../../src/wechat/quota.ts'

const answer = (body: unknown, status = 200): Answer => ({
  kind: 'answered',
  status,
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
})
const quota = { daily_limit: 100_000, used: 1234, remain: 98_766 }
const rate = (call_count: unknown, refresh_second: unknown) =>
  answer({ errcode: 0, errmsg: 'ok', quota, rate_limit: { call_count, refresh_second } })

suite('an answer of quota/get', () => {
  const known = { kind: 'known', daily: 100_000, used: 1234 } as const
  const unknown = (error: string) => ({ kind: 'unknown', error }) as const
  const cases: readonly [about: string, answer: Answer, meaning: QuotaAnswer][] = [
    ['without a rate', answer({ errcode: 0, errmsg: 'ok', quota }), known],
    ['without an errcode', answer({ quota }), known],
    ['with a rate', rate(4_200_000, 60), { ...known, perMinute: 4_200_000 }],
    ['with a rate of another span', rate(10, 1), { ...known, perMinute: 600 }],
    ['with a rate that cannot be', rate(0, 60), known],
    ['with a rate that is none', rate('many', null), known],
    ['for a path without a quota', answer({ errcode: 76021, errmsg: 'x' }), unknown('errcode-76021')],
    [
      'with numbers that are none',
      answer({ errcode: 0, quota: { daily_limit: '9' } }),
      unknown('junk-reply'),
    ],
    ['with a negative number', answer({ quota: { daily_limit: -1, used: 0 } }), unknown('junk-reply')],
    ['that is no JSON', answer('<html>'), unknown('junk-reply')],
    ['from other gear', answer('', 502), unknown('http-502')],
    ['that never came', { kind: 'in-doubt', error: 'timeout' }, unknown('timeout')],
  ]
  for (const [about, given, meaning] of cases)
    test(about, () => assert.deepEqual(parseQuotaAnswer(given), meaning))
})

suite('quota/get', () => {
  test('is asked with the account’s token, escaped, and the path of the API', async () => {
    const calls: unknown[] = []
    const ask = createQuotaReader({
      client: {
        call: async (request) => {
          calls.push(request)
          return answer({ quota })
        },
      },
      tokens: { get: async () => ({ kind: 'token', token: 'a+b' }) },
    })
    assert.partialDeepStrictEqual(await ask('wx1', '/cgi-bin/message/template/send'), { kind: 'known' })
    assert.deepEqual(calls, [
      {
        method: 'POST',
        path: '/cgi-bin/openapi/quota/get?access_token=a%2Bb',
        body: '{"cgi_path":"/cgi-bin/message/template/send"}',
      },
    ])
  })

  test('is not asked without a token', async () => {
    const ask = createQuotaReader({
      client: { call: () => assert.fail('there is nothing to ask with') },
      tokens: { get: async () => ({ kind: 'unavailable', error: 'errcode-40125', until: 0 }) },
    })
    assert.deepEqual(await ask('wx1', '/x'), { kind: 'unknown', error: 'errcode-40125' })
  })
})
