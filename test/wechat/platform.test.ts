import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type Account, type DirectoryRecords, openDirectory } from '../../src/directory.ts'
import type { Observation } from '../../src/observe.ts'
import type { Answer } from '../../src/wechat/call.ts'
import type { WechatRequest } from '../../src/wechat/client.ts'
import { createPlatforms, type Platforms } from '../../src/wechat/platform.ts'
import { createTokenCentre } from '../../src/wechat/token-centre.ts'
import { createTestClock } from '../support/clock.ts'
import { anAccount, appid, json, refusalJson } from './token-api.ts'

const minute = 60_000
const plat = 'wx00000000000000bb'
const paths = {
  component: '/cgi-bin/component/api_component_token',
  authorizer: '/cgi-bin/component/api_authorizer_token',
  startPush: '/cgi-bin/component/api_start_push_ticket',
  query: '/cgi-bin/component/api_query_auth',
}

/** What the platform's APIs answer, by path; each call is written down, with the stored refresh token at that time. */
type Api = (body: Record<string, string>, token: string | null) => Answer | Promise<Answer>

const componentJson = (token: string) => json({ component_access_token: token, expires_in: 7200 })
const authorizerJson = (token: string, refresh: string) =>
  json({ authorizer_access_token: token, expires_in: 7200, authorizer_refresh_token: refresh })

/** A platform with a ticket, an account that has authorised it, and APIs that do as the test says. */
const openPlatform = async (overrides: { readonly ticket?: string | undefined } = { ticket: 'ticket-1' }) => {
  const clock = createTestClock()
  const observations: Observation[] = []
  const calls: { path: string; body: Record<string, string>; token: string | null }[] = []
  const store = new Map<string, string>()
  const faults = { full: false }
  const records: DirectoryRecords = {
    list: async () => [],
    async put(kind, id, value) {
      if (faults.full) throw new Error('the disk is full')
      store.set(`${kind}/${id}`, value)
    },
    remove: async () => {},
  }
  const plain = { seal: (text: string) => text, open: (text: string) => text, isCurrent: () => true }
  const directory = await openDirectory(records, plain)
  const { ticket } = overrides
  const component: Account = {
    ...anAccount({ appid: plat, name: 'plat', kind: 'component', secret: 'plat-secret' }),
    ...(ticket !== undefined && { componentTicket: { ticket, at: clock.now() } }),
  }
  await directory.putAccount(component)
  await directory.putAccount(
    anAccount({ tokenApi: 'component', authorizedBy: { component: plat, refreshToken: 'R1' } }),
  )

  const apis: Record<string, Api> = {
    [paths.component]: () => componentJson('C1'),
    [paths.authorizer]: () => authorizerJson('A1', 'R1'),
    [paths.startPush]: () => json({ errcode: 0 }),
  }
  const client = {
    async call({ path, body = '' }: WechatRequest) {
      const url = new URL(path, 'http://api')
      const call = {
        path: url.pathname,
        body: JSON.parse(body),
        token: url.searchParams.get('component_access_token'),
      }
      calls.push(call)
      return apis[url.pathname]!(call.body, call.token)
    },
  }
  const observe = (observation: Observation) => void observations.push(observation)
  const platforms: Platforms = createPlatforms(
    { client, directory: { ...directory, refresh: async () => {} }, clock, observe },
    () => centre,
  )
  const centre = createTokenCentre({
    ask: (account, how) =>
      account.kind === 'component'
        ? platforms.askPlatform(account, how)
        : platforms.askAsAuthorised(account, how),
    accountOf: directory.account,
    clock,
    random: () => 0.5,
    observe,
  })
  return {
    ...{ clock, observations, calls, store, faults, directory, apis, platforms, centre },
    callsTo: (path: string) => calls.filter((call) => call.path === path).length,
    storedRefresh: () => JSON.parse(store.get(`account/${appid}`)!).authorizedBy.refreshToken as string,
    alerts: () => observations.flatMap((each) => (each.kind === 'alert' ? [each.code] : [])),
  }
}

suite('the token of an account that has authorised a platform', () => {
  test('is asked for with the token that the ticket gives, once for all who want it', async () => {
    const { centre, calls } = await openPlatform()
    const results = await Promise.all(Array.from({ length: 50 }, () => centre.get(appid)))
    assert.ok(results.every((result) => result.kind === 'token' && result.token === 'A1'))
    assert.deepEqual(calls, [
      {
        path: paths.component,
        body: {
          component_appid: plat,
          component_appsecret: 'plat-secret',
          component_verify_ticket: 'ticket-1',
        },
        token: null,
      },
      {
        path: paths.authorizer,
        body: { component_appid: plat, authorizer_appid: appid, authorizer_refresh_token: 'R1' },
        token: 'C1',
      },
    ])
  })

  test('is used only after the refresh token that came with it is stored', async () => {
    const { centre, apis, faults, storedRefresh, alerts, clock, calls } = await openPlatform()
    apis[paths.authorizer] = () => authorizerJson('A2', 'R2')
    faults.full = true
    assert.partialDeepStrictEqual(await centre.get(appid), { error: 'refresh-token-unstored' })
    assert.equal(centre.current(appid), undefined)
    assert.equal(storedRefresh(), 'R1')
    assert.ok(alerts().includes('refresh-token-unstored'))

    faults.full = false
    clock.advance(minute)
    assert.deepEqual(await centre.get(appid), { kind: 'token', token: 'A2' })
    assert.equal(calls.at(-1)!.body.authorizer_refresh_token, 'R2')
    assert.equal(storedRefresh(), 'R2')
  })

  test('does not bring back a refresh token over one that came with a new authorisation', async () => {
    const { centre, apis, directory, storedRefresh } = await openPlatform()
    apis[paths.authorizer] = async () => {
      await directory.changeAccount(appid, (present) => ({
        ...present,
        authorizedBy: { component: plat, refreshToken: 'R-new' },
      }))
      return authorizerJson('A2', 'R2')
    }
    await centre.get(appid)
    assert.equal(storedRefresh(), 'R-new')
  })

  test('is asked for once more with another platform token when the first is rejected', async () => {
    const { centre, apis, calls, clock } = await openPlatform()
    await centre.get(plat)
    clock.advance(minute)
    apis[paths.component] = () => componentJson('C2')
    apis[paths.authorizer] = (_body, token) =>
      token === 'C2' ? authorizerJson('A1', 'R1') : refusalJson(42006, 'component_access_token expired')
    assert.deepEqual(await centre.get(appid), { kind: 'token', token: 'A1' })
    assert.deepEqual(
      calls.map(({ token }) => token),
      [null, 'C1', null, 'C2'],
    )
  })

  for (const [code, waitMs] of [
    [61023, 30 * minute],
    [61007, 30 * minute],
    [61003, 30 * minute],
    [61004, 5 * minute],
  ] as const)
    test(`is not asked for again soon after ${code}, and somebody is told`, async () => {
      const { centre, apis, callsTo, clock, alerts } = await openPlatform()
      apis[paths.authorizer] = () => refusalJson(code)
      const until = clock.now() + waitMs
      const refused = { kind: 'unavailable', error: `errcode-${code}`, errcode: code, until }
      assert.deepEqual(await centre.get(appid), refused)
      clock.advance(waitMs - 1)
      assert.deepEqual(await centre.get(appid), refused)
      assert.equal(callsTo(paths.authorizer), 1)
      assert.deepEqual(alerts(), [`token-errcode-${code}`])
    })

  test('comes with the next authorisation after its refresh token was refused', async () => {
    const { centre, apis, platforms, storedRefresh } = await openPlatform()
    apis[paths.authorizer] = ({ authorizer_refresh_token: refresh }) =>
      refresh === 'R9' ? authorizerJson('A9', 'R9') : refusalJson(61023)
    await centre.get(appid)
    apis[paths.query] = (body) =>
      body.authorization_code === 'code-1'
        ? json({
            authorization_info: { authorizer_appid: appid, authorizer_refresh_token: 'R9', func_info: [] },
          })
        : refusalJson(61010)
    assert.partialDeepStrictEqual(await platforms.authorize(plat, 'code-0'), {
      kind: 'failed',
      errcode: 61010,
    })
    assert.deepEqual(await platforms.authorize(plat, 'code-1'), { kind: 'authorized', appid })
    assert.equal(storedRefresh(), 'R9')
    assert.deepEqual(await centre.get(appid), { kind: 'token', token: 'A9' })
  })

  test('is not asked for before its account has authorised', async () => {
    const { centre, directory, calls, alerts } = await openPlatform()
    await directory.changeAccount(appid, (present) => ({
      ...present,
      authorizedBy: { component: plat, refreshToken: '' },
    }))
    assert.partialDeepStrictEqual(await centre.get(appid), { error: 'authorization-missing' })
    assert.equal(calls.length, 0)
    assert.deepEqual(alerts(), ['authorization-missing'])
  })

  test('that takes long keeps nobody waiting for longer than one call may take', async () => {
    const { centre, apis, clock } = await openPlatform()
    const slow = Promise.withResolvers<Answer>()
    apis[paths.authorizer] = () => slow.promise
    const waiting = centre.get(appid)
    await new Promise((resolve) => setImmediate(resolve))
    clock.advance(10_000)
    assert.partialDeepStrictEqual(await waiting, { kind: 'unavailable', error: 'token-unavailable' })
    slow.resolve(authorizerJson('A1', 'R1'))
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(centre.current(appid), 'A1')
  })
})

suite('an authorisation', () => {
  test('of an account that is not ours, or that has its token from elsewhere, changes nothing', async () => {
    const { apis, platforms, directory } = await openPlatform()
    await directory.putAccount(anAccount())
    for (const known of ['wx00000000000000cc', appid]) {
      apis[paths.query] = () =>
        json({ authorization_info: { authorizer_appid: known, authorizer_refresh_token: 'R9' } })
      assert.deepEqual(await platforms.authorize(plat, 'code'), { kind: 'unknown-account', appid: known })
    }
    assert.equal(directory.account(appid)?.authorizedBy, undefined)
  })

  for (const answer of [
    json({}),
    json({ authorization_info: 7 }),
    json({ authorization_info: { authorizer_appid: appid, authorizer_refresh_token: '\ud800' } }),
    json([]),
    json('x', 502),
  ])
    test(`that is answered ${answer.kind === 'answered' ? answer.body : ''} fails`, async () => {
      const { apis, platforms } = await openPlatform()
      apis[paths.query] = () => answer
      assert.partialDeepStrictEqual(await platforms.authorize(plat, 'code'), { kind: 'failed' })
    })
})

suite('a ticket', () => {
  test('that never came: WeChat is asked to push it, at most once an hour, and its coming ends the wait', async () => {
    const { centre, platforms, callsTo, clock, alerts } = await openPlatform({ ticket: undefined })
    for (let i = 0; i < 59; i++) {
      assert.partialDeepStrictEqual(await centre.get(appid), {
        kind: 'unavailable',
        error: 'component-unavailable',
      })
      clock.advance(minute)
    }
    assert.equal(callsTo(paths.startPush), 1)
    assert.equal(callsTo(paths.component), 0)
    assert.deepEqual(alerts(), ['component-ticket'])
    clock.advance(minute)
    await centre.get(appid)
    assert.equal(callsTo(paths.startPush), 2)
    assert.equal(await platforms.putTicket(plat, 'ticket-1', clock.now()), 'taken')
    assert.deepEqual(await centre.get(appid), { kind: 'token', token: 'A1' })
  })

  for (const code of [61005, 61006, 40091])
    test(`that is refused with ${code} while a newer one came: that is tried at once`, async () => {
      const { centre, apis, platforms, callsTo, clock } = await openPlatform()
      apis[paths.component] = async ({ component_verify_ticket: ticket }) => {
        if (ticket === 'ticket-2') return componentJson('C2')
        await platforms.putTicket(plat, 'ticket-2', clock.now())
        return refusalJson(code)
      }
      assert.deepEqual(await centre.get(plat), { kind: 'token', token: 'C2' })
      assert.equal(callsTo(paths.component), 2)
      assert.equal(callsTo(paths.startPush), 0)
    })

  test('that is refused and is the latest: no loop, a push is asked for, and somebody is told', async () => {
    const { centre, apis, callsTo, alerts } = await openPlatform()
    apis[paths.component] = () => refusalJson(61006)
    for (let i = 0; i < 20; i++)
      assert.partialDeepStrictEqual(await centre.get(appid), {
        error: 'component-unavailable',
        errcode: 61006,
      })
    assert.equal(callsTo(paths.component), 1)
    assert.equal(callsTo(paths.startPush), 1)
    assert.deepEqual(alerts(), ['component-ticket', 'token-errcode-61006'])
  })

  test('is taken for a platform only, and never over a later one', async () => {
    const { platforms, directory, clock } = await openPlatform()
    const at = clock.now()
    assert.equal(await platforms.putTicket(plat, 'ticket-0', at - 1), 'older')
    assert.equal(await platforms.putTicket(plat, 'ticket-2', at + 1), 'taken')
    assert.equal(await platforms.putTicket(appid, 'ticket-2', at), 'unknown')
    assert.equal(await platforms.putTicket('wxffffffffffffffff', 'ticket-2', at), 'unknown')
    assert.equal(await platforms.putTicket(plat, '\n', at + 2), 'invalid')
    assert.deepEqual(directory.account(plat)?.componentTicket, { ticket: 'ticket-2', at: at + 1 })
  })
})
