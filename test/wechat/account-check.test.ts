import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Account } from '../../src/directory.ts'
import { createAccountCheck } from '../../src/wechat/account-check.ts'
import type { Answer } from '../../src/wechat/call.ts'
import { appid, json, openTokens, refusalJson, tokenJson } from './token-api.ts'

const quotaPath = '/cgi-bin/openapi/quota/get'
const callbackPath = '/cgi-bin/callback/check'
const quota = (remain: number) =>
  json({ errcode: 0, quota: { daily_limit: 100, used: 100 - remain, remain } })
const callback = { token: 'abc', aesKeys: [], mode: 'plain' } as const

/** A check whose APIs answer by path; the token has its own answer. */
const open = (
  answers: Readonly<Record<string, (token: string) => Answer>>,
  overrides: Partial<Account> = {},
) => {
  const tokens = openTokens(overrides)
  const asked: string[] = []
  const client = {
    async call({ path }: { readonly path: string }) {
      const url = new URL(path, 'http://api')
      asked.push(url.pathname)
      return answers[url.pathname]!(url.searchParams.get('access_token')!)
    },
  }
  const check = createAccountCheck({ client, tokens: tokens.centre, accountOf: tokens.accountOf })
  return { ...tokens, asked, check: () => check(appid) }
}

suite('a check of an account', () => {
  test('that can send finds nothing at fault', async () => {
    const { check, asked } = open(
      {
        [quotaPath]: () => quota(90),
        [callbackPath]: () => json({ dns: [{ ip: '1' }], ping: [{ package_loss: '0%' }] }),
      },
      { callback },
    )
    assert.deepEqual(
      (await check()).map(({ check, level }) => [check, level]),
      [
        ['token', 'ok'],
        ['quota', 'ok'],
        ['callback', 'ok'],
      ],
    )
    assert.deepEqual(asked, [quotaPath, callbackPath])
  })

  test('whose address is not registered names the address', async () => {
    const { check, answer } = open({})
    answer(refusalJson(40164, 'invalid ip 203.0.113.9 ipv6 ::ffff:203.0.113.9, not in whitelist'))
    const [finding] = await check()
    assert.partialDeepStrictEqual(finding, { check: 'token', level: 'fault', errcode: 40164 })
    assert.match(finding!.next!.zh, /203\.0\.113\.9/)
    assert.match(finding!.next!.en, /203\.0\.113\.9/)
  })

  test('asks again although a refusal stands, but not in a tight loop', async () => {
    const { check, answer, calls, clock } = open({ [quotaPath]: () => quota(90) })
    answer(refusalJson(40164))
    await check()
    await check()
    assert.equal(calls.length, 1)
    clock.advance(2000)
    answer(tokenJson('T1'))
    assert.partialDeepStrictEqual(await check(), [{ check: 'token', level: 'ok' }])
  })

  test('whose token WeChat rejects heals it', async () => {
    const { check, get, answer, clock } = open({
      [quotaPath]: (token) => (token === 'T2' ? quota(5) : refusalJson(40001)),
    })
    await get()
    clock.advance(60_000)
    answer(tokenJson('T2'))
    assert.partialDeepStrictEqual(await check(), [{ level: 'ok' }, { check: 'quota', level: 'warning' }])
  })

  test('whose token is rejected again and again says so', async () => {
    const { check } = open({ [quotaPath]: () => refusalJson(40001) })
    assert.partialDeepStrictEqual(await check(), [{ check: 'token', level: 'fault', errcode: 40001 }])
  })

  const quotas: readonly [string, Answer, object][] = [
    ['none left', quota(0), { check: 'quota', level: 'fault' }],
    [
      'a path that cannot be asked about',
      refusalJson(76022),
      { check: 'quota', level: 'skipped', errcode: 76022 },
    ],
    ['a frozen account', refusalJson(50007), { check: 'quota', level: 'fault', errcode: 50007 }],
    ['an answer without quota', json({ errcode: 0 }), { check: 'quota', level: 'skipped' }],
    ['no answer', { kind: 'in-doubt', error: 'timeout' }, { check: 'quota', level: 'skipped' }],
    ['a page', json('<html>', 502), { check: 'quota', level: 'skipped' }],
  ]
  for (const [what, reply, expected] of quotas)
    test(`tells of the quota: ${what}`, async () => {
      const { check } = open({ [quotaPath]: () => reply })
      assert.partialDeepStrictEqual((await check())[1], expected)
    })

  const callbacks: readonly [unknown, string][] = [
    [{ dns: [], ping: [] }, 'warning'],
    [{ dns: [{}], ping: [{ package_loss: '100%' }] }, 'warning'],
    [{ dns: [{}], ping: 7 }, 'warning'],
    [{ errcode: 40201 }, 'skipped'],
  ]
  for (const [reply, level] of callbacks)
    test(`tells of the callback: ${JSON.stringify(reply)}`, async () => {
      const { check } = open(
        { [quotaPath]: () => quota(90), [callbackPath]: () => json(reply) },
        { callback },
      )
      assert.partialDeepStrictEqual((await check())[2], { check: 'callback', level })
    })

  test('names a rival', async () => {
    const { check, heal, get, accepted, answer, clock } = open({ [quotaPath]: () => quota(90) })
    await get()
    for (let i = 1; i <= 3; i++) {
      clock.advance(30_000)
      answer(tokenJson(`T${i + 1}`))
      await heal(`T${i}`)
      accepted(`T${i + 1}`)
    }
    assert.partialDeepStrictEqual((await check()).at(-1), { check: 'rival', level: 'warning' })
  })

  test('that is a webhook, a platform or gone asks WeChat for nothing more', async () => {
    const webhook = open({}, { kind: 'webhook' })
    assert.partialDeepStrictEqual(await webhook.check(), [{ level: 'skipped' }])
    const platform = open({}, { kind: 'component' })
    assert.partialDeepStrictEqual(await platform.check(), [{ check: 'token', level: 'ok' }])
    const gone = open({})
    gone.change(undefined)
    assert.partialDeepStrictEqual(await gone.check(), [{ check: 'account', level: 'fault' }])
    assert.deepEqual([...webhook.asked, ...platform.asked, ...gone.asked], [])
  })
})
