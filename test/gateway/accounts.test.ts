import { suite, type TestContext, test } from 'node:test'
import type { AccountFinding } from '../../src/account-check.ts'
import { type Ask, openGateway, type TestGateway, theirShop } from '../support/gateway.ts'

const appid = 'wx00000000000000aa'
const official = { name: 'new', appid, kind: 'official', secret: 'canary-app-secret' }
const platform = {
  name: 'plat',
  appid: 'wx00000000000000bb',
  kind: 'component',
  secret: 'canary-plat-secret',
}
const aesKey = 'a'.repeat(39) + 'KEY1'
const callback = { token: 'canaryCallback', aes_keys: [aesKey], mode: 'safe' }

const post = (gateway: TestGateway, body: object, ask: Ask = {}) =>
  gateway.ask({ path: '/v1/accounts', body, ...ask })
const patch = (gateway: TestGateway, name: string, body: object, ask: Ask = {}) =>
  gateway.ask({ method: 'PATCH', path: `/v1/accounts/${name}`, body, ...ask })

suite('an account', () => {
  test('shows of its secrets the end alone, wherever they are', async (t: TestContext) => {
    const gateway = await openGateway(t)
    await post(gateway, platform)
    const { status, json, text } = await post(gateway, {
      ...official,
      token_api: 'component',
      component: 'plat',
      refresh_token: 'canary-refresh-token',
      callback,
      grants_from: 'events',
      limits: { daily: 1000, urgent_share: 0.1 },
    })
    t.assert.equal(status, 201)
    t.assert.deepEqual(json, {
      name: 'new',
      appid,
      kind: 'official',
      token_api: 'component',
      secret_ends_with: 'cret',
      token_endpoint: null,
      component: platform.appid,
      refresh_token_ends_with: 'oken',
      ticket_at: null,
      url: null,
      callback: { mode: 'safe', token_ends_with: 'back', aes_keys_end_with: ['KEY1'] },
      grants_from: 'events',
      limits: { daily: 1000, per_minute: null, urgent_share: 0.1 },
      templates: [],
    })
    const list = await gateway.ask({ method: 'GET', path: '/v1/accounts' })
    t.assert.ok(![text, list.text].some((each) => each.includes('canary') || each.includes(aesKey)))
  })

  test('with a token endpoint keeps the query of its address to itself', async (t: TestContext) => {
    const gateway = await openGateway(t)
    const { secret: _, ...rest } = official
    const { json, text } = await post(gateway, {
      ...rest,
      token_api: 'foreign',
      token_endpoint: { url: 'http://tokens.internal/x?key=canary', authorization: 'Bearer canary-abcd' },
    })
    t.assert.partialDeepStrictEqual(json, {
      secret_ends_with: '',
      token_endpoint: { url: 'http://tokens.internal/x', authorization_ends_with: 'abcd' },
    })
    t.assert.ok(!text.includes('canary'))
  })

  test('described anew keeps what it has earned and what was not mentioned', async (t: TestContext) => {
    const gateway = await openGateway(t)
    await post(gateway, platform)
    await gateway.directory.changeAccount(platform.appid, (present) => ({
      ...present,
      componentTicket: { ticket: 'T', at: 1 },
    }))
    const authorised = { ...official, token_api: 'component', component: 'plat' }
    const templates = [{ template_id: 'tpl-1', alias: 'order' }]
    await post(gateway, { ...authorised, refresh_token: 'R-1-refresh', callback, templates })
    t.assert.equal((await post(gateway, authorised)).status, 200)
    await post(gateway, platform)
    t.assert.partialDeepStrictEqual(gateway.directory.account(appid), {
      authorizedBy: { component: platform.appid, refreshToken: 'R-1-refresh' },
      callback: { token: callback.token },
      templates: [{ templateId: 'tpl-1', alias: 'order' }],
    })
    t.assert.equal(gateway.directory.account(platform.appid)?.componentTicket?.ticket, 'T')
    await post(gateway, { ...authorised, templates: [] })
    t.assert.deepEqual(gateway.directory.account(appid)?.templates, [])
  })

  test('changes in one setting without its secret being sent again', async (t: TestContext) => {
    const gateway = await openGateway(t)
    await post(gateway, { ...official, callback, limits: { daily: 5 } })
    const before = gateway.directory.account(appid)!
    t.assert.equal((await patch(gateway, 'new', { token_api: 'plain' })).status, 200)
    t.assert.deepEqual(gateway.directory.account(appid), { ...before, tokenApi: 'plain' })
    await patch(gateway, 'new', { callback: { mode: 'plain' }, limits: { per_minute: 7 }, name: 'newer' })
    t.assert.deepEqual(gateway.directory.account(appid), {
      ...before,
      name: 'newer',
      tokenApi: 'plain',
      callback: { ...before.callback, mode: 'plain' },
      limits: { daily: 5, perMinute: 7 },
    })
    const { status, json } = await patch(gateway, 'newer', { name: 'shop' })
    t.assert.deepEqual([status, json.code], [409, 'already-exists'])
  })

  test('does not send the authorization of one token server to another', async (t: TestContext) => {
    const gateway = await openGateway(t)
    const token_endpoint = { url: 'http://a.internal/token', authorization: 'Bearer canary-abcd' }
    await post(gateway, { ...official, token_api: 'foreign', token_endpoint })
    const moved = { token_endpoint: { url: 'http://b.internal/token' } }
    const refused = await patch(gateway, 'new', moved)
    t.assert.deepEqual(
      [refused.status, refused.json.errors[0].pointer],
      [400, '/token_endpoint/authorization'],
    )
    t.assert.equal(
      (await patch(gateway, 'new', { token_endpoint: { url: 'http://a.internal/other' } })).status,
      200,
    )
    t.assert.equal(
      gateway.directory.account(appid)?.tokenEndpoint?.authorization,
      token_endpoint.authorization,
    )
  })
})

suite('a webhook', () => {
  const webhook = { name: 'sms', kind: 'webhook', url: 'https://sms.example/send?key=canary' }

  test('gets an id and a secret of ours, shown once, and is known by its name', async (t: TestContext) => {
    const gateway = await openGateway(t)
    const { status, json, text } = await post(gateway, webhook)
    t.assert.equal(status, 201)
    t.assert.match(json.appid, /^wh_[0-9a-f]{16}$/)
    t.assert.match(json.secret, /^whsec_[A-Za-z0-9+/]{43}=$/)
    t.assert.equal(json.url, 'https://sms.example/send')
    t.assert.ok(!text.includes('canary'))
    const again = await post(gateway, { ...webhook, url: 'https://sms.example/other' })
    t.assert.deepEqual([again.status, again.json.appid, again.json.secret], [200, json.appid, undefined])
    t.assert.equal(gateway.directory.account(json.appid)?.secret, json.secret)
    const unknown = await post(gateway, { ...webhook, appid: 'wh_0123456789abcdef' })
    t.assert.equal(unknown.status, 404)
  })
})

suite('what does not go together is refused, with every place', () => {
  const key = `whsec_${Buffer.alloc(32).toString('base64')}`
  const cases: readonly [what: string, body: object, pointers: readonly string[]][] = [
    ['no appid and no secret', { name: 'x', kind: 'official' }, ['/appid', '/secret']],
    ['an official account with an address', { ...official, url: 'https://hooks.example' }, ['/url']],
    [
      'a token endpoint that is not used',
      { ...official, token_endpoint: { url: 'http://a' } },
      ['/token_endpoint'],
    ],
    ['a foreign token without endpoint', { ...official, token_api: 'foreign' }, ['/token_endpoint']],
    [
      'an endpoint that is no http',
      { ...official, token_api: 'foreign', token_endpoint: { url: 'file:///etc/passwd' } },
      ['/token_endpoint/url'],
    ],
    [
      'an endpoint with a password in it',
      { ...official, token_api: 'foreign', token_endpoint: { url: 'http://u:p@a' } },
      ['/token_endpoint/url'],
    ],
    [
      'an authorization that could add a header',
      { ...official, token_api: 'foreign', token_endpoint: { url: 'http://a', authorization: 'a\nb: c' } },
      ['/token_endpoint/authorization'],
    ],
    [
      'a platform that nobody knows',
      { ...official, token_api: 'component', component: 'plat' },
      ['/component'],
    ],
    ['a platform that is none', { ...official, token_api: 'component', component: 'shop' }, ['/component']],
    ['a refresh token without platform', { ...official, refresh_token: 'R' }, ['/refresh_token']],
    ['a platform with limits', { ...platform, limits: { daily: 1 } }, ['/limits']],
    ['a platform with templates', { ...platform, templates: [{ template_id: 'x' }] }, ['/templates']],
    ['a webhook without address', { name: 'x', kind: 'webhook' }, ['/url']],
    [
      'a webhook that speaks to WeChat',
      { name: 'x', kind: 'webhook', url: 'https://hooks.example', token_api: 'plain', callback },
      ['/token_api', '/callback'],
    ],
    [
      'a webhook with a weak secret',
      { name: 'x', kind: 'webhook', url: 'https://hooks.example', secret: 'whsec_YQ==' },
      ['/secret'],
    ],
    [
      "a webhook with WeChat's appid",
      { ...official, kind: 'webhook', url: 'https://hooks.example', secret: key },
      ['/appid'],
    ],
    [
      'safe mode without a key',
      { ...official, callback: { token: 'abc', mode: 'safe' } },
      ['/callback/aes_keys'],
    ],
    [
      'a key that is too short',
      { ...official, callback: { ...callback, aes_keys: ['abc'] } },
      ['/callback/aes_keys/0'],
    ],
    ['a share beyond one', { ...official, limits: { urgent_share: 1.5 } }, ['/limits/urgent_share']],
  ]
  test('and nothing is stored', async (t: TestContext) => {
    const gateway = await openGateway(t)
    for (const [what, body, pointers] of cases) {
      const { status, json } = await post(gateway, body)
      t.assert.equal(status, 400, what)
      t.assert.deepEqual(
        json.errors.map((each: { pointer: string }) => each.pointer),
        pointers,
        what,
      )
    }
    t.assert.equal(gateway.directory.accounts('acme').length, 2)
  })

  test('a change as well', async (t: TestContext) => {
    const gateway = await openGateway(t)
    const before = gateway.directory.accountOf('acme', 'shop')
    const changes: readonly [object, string][] = [
      [{ token_api: 'foreign' }, '/token_endpoint'],
      [{ token_api: 'component' }, '/component'],
      [{ url: 'https://hooks.example' }, '/url'],
      [{ callback: { mode: 'plain' } }, '/callback'],
      [{ kind: 'miniprogram' }, '/kind'],
      [{}, ''],
    ]
    for (const [change, pointer] of changes) {
      const { status, json } = await patch(gateway, 'shop', change)
      t.assert.equal(status, 400, JSON.stringify(change))
      t.assert.equal(json.errors[0].pointer, pointer, JSON.stringify(change))
    }
    t.assert.deepEqual(gateway.directory.accountOf('acme', 'shop'), before)
  })
})

suite('a check', () => {
  const finding: AccountFinding = {
    check: 'token',
    level: 'fault',
    errcode: 40164,
    about: { zh: '一。', en: 'One.' },
    next: { zh: '二。', en: 'Two.' },
  }
  const openChecked = (t: TestContext, findings: readonly AccountFinding[]) => {
    const asked: string[] = []
    const checkAccount = async (appid: string) => {
      asked.push(appid)
      return findings
    }
    return openGateway(t, { parts: () => ({ checkAccount }) }).then((gateway) => ({ gateway, asked }))
  }
  const path = '/v1/accounts/shop/check'

  test('tells what was found, and whether anything is at fault', async (t: TestContext) => {
    const { gateway, asked } = await openChecked(t, [finding])
    const { status, json } = await gateway.ask({ path })
    t.assert.equal(status, 200)
    t.assert.deepEqual(json, { account: 'shop', appid: 'wx0000000000000001', ok: false, findings: [finding] })
    t.assert.deepEqual(asked, ['wx0000000000000001'])
  })

  test('is for administrators, and for accounts of their own', async (t: TestContext) => {
    const { gateway, asked } = await openChecked(t, [])
    t.assert.equal((await gateway.ask({ path, as: 'sender' })).status, 403)
    t.assert.equal((await gateway.ask({ path: `/v1/accounts/${theirShop.appid}/check` })).status, 404)
    t.assert.equal((await patch(gateway, theirShop.appid, { name: 'x' })).status, 404)
    t.assert.equal((await patch(gateway, 'shop', { name: 'x' }, { as: 'reader' })).status, 403)
    t.assert.deepEqual(asked, [])
  })
})
