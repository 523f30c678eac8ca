import { suite, type TestContext, test } from 'node:test'
import { type OpenOptions, official, openSimulator } from './open.ts'

const minute = 60_000

/** A simulator whose clock stands still, so that ages are exact. */
const open = async (t: TestContext, options: OpenOptions = {}) => {
  const sim = await openSimulator(t, options)
  await sim.admin('clock', { speed: 0 })
  const claim = { grant_type: 'client_credential', appid: official.appid, secret: official.secret }
  const stable = (change: object = {}) => sim.api('/cgi-bin/stable_token', { ...claim, ...change })
  const force = () => stable({ force_refresh: true })
  const errcodeWith = async (token: unknown) => (await sim.send(String(token))).json.errcode
  return { ...sim, stable, force, errcodeWith }
}

suite('the stable token', () => {
  test('is the same with its remaining life until its last five minutes', async (t: TestContext) => {
    const sim = await open(t)
    const first = await sim.stable()
    t.assert.deepEqual(Object.keys(first.json), ['access_token', 'expires_in'])
    t.assert.equal(first.json.expires_in, 7200)
    await sim.advance(100 * minute)
    t.assert.deepEqual((await sim.stable()).json, { access_token: first.json.access_token, expires_in: 1200 })
    await sim.advance(15 * minute)
    const second = await sim.stable()
    t.assert.notEqual(second.json.access_token, first.json.access_token)
    t.assert.equal(await sim.errcodeWith(first.json.access_token), 0)
    await sim.advance(5 * minute)
    t.assert.equal(await sim.errcodeWith(first.json.access_token), 42001)
    t.assert.equal(await sim.errcodeWith(second.json.access_token), 0)
  })

  test('dies at once when a new one is forced', async (t: TestContext) => {
    const sim = await open(t)
    const first = await sim.stable()
    const forced = await sim.force()
    t.assert.equal(await sim.errcodeWith(first.json.access_token), 40001)
    t.assert.equal(await sim.errcodeWith(forced.json.access_token), 0)
  })

  test('a force within thirty seconds refreshes nothing', async (t: TestContext) => {
    const sim = await open(t)
    const first = await sim.force()
    await sim.advance(29_000)
    t.assert.equal((await sim.force()).json.access_token, first.json.access_token)
    await sim.advance(1_000)
    t.assert.notEqual((await sim.force()).json.access_token, first.json.access_token)
  })

  test('the twenty-first force of a day is 45009, the next day is free', async (t: TestContext) => {
    const sim = await open(t)
    // Away from midnight in Beijing, wherever the real clock stands.
    await sim.advance(86_400_000 - ((Date.now() + 8 * 60 * minute) % 86_400_000) + 60 * minute)
    for (let i = 0; i < 20; i++) {
      t.assert.equal((await sim.force()).json.errcode, undefined)
      await sim.advance(30_000)
    }
    t.assert.equal((await sim.force()).json.errcode, 45009)
    t.assert.equal((await sim.stable()).json.errcode, undefined)
    await sim.advance(86_400_000)
    t.assert.equal((await sim.force()).json.errcode, undefined)
  })

  test('an old token may live on after a force, by switch', async (t: TestContext) => {
    const sim = await open(t, { switches: { forcedRefreshOverlap: true } })
    const first = await sim.stable()
    await sim.force()
    t.assert.equal(await sim.errcodeWith(first.json.access_token), 0)
  })
})

suite('the plain token', () => {
  test('each call makes a new one; the old one works five more minutes, then is 40001', async (t: TestContext) => {
    const sim = await open(t)
    const first = await sim.plainToken()
    const second = await sim.plainToken()
    t.assert.notEqual(first.json.access_token, second.json.access_token)
    t.assert.equal(second.json.expires_in, 7200)
    await sim.advance(5 * minute - 1)
    t.assert.equal(await sim.errcodeWith(first.json.access_token), 0)
    await sim.advance(1)
    t.assert.equal(await sim.errcodeWith(first.json.access_token), 40001)
    t.assert.equal(await sim.errcodeWith(second.json.access_token), 0)
    await sim.advance(120 * minute)
    t.assert.equal(await sim.errcodeWith(second.json.access_token), 42001)
    t.assert.equal(await sim.errcodeWith(first.json.access_token), 40001)
  })

  test('never touches the stable world', async (t: TestContext) => {
    const sim = await open(t)
    const stable = await sim.stable()
    const plain = await sim.plainToken()
    await sim.force()
    t.assert.equal(await sim.errcodeWith(plain.json.access_token), 0)
    t.assert.equal(await sim.errcodeWith(stable.json.access_token), 40001)
  })

  test('past its daily limit it is 45009', async (t: TestContext) => {
    const sim = await open(t)
    await sim.admin('quotas', { appid: official.appid, path: '/cgi-bin/token', daily: 1 })
    await sim.plainToken()
    t.assert.equal((await sim.plainToken()).json.errcode, 45009)
  })
})

suite('another system refreshes', () => {
  for (const [world, errcode] of [
    ['stable', 40001],
    ['plain', 0],
  ] as const)
    test(`in the ${world} world our token is then ${errcode}`, async (t: TestContext) => {
      const sim = await open(t)
      const { json } = await (world === 'stable' ? sim.stable() : sim.plainToken())
      const rotated = await sim.admin('tokens/rotate', { appid: official.appid, world })
      t.assert.equal(await sim.errcodeWith(json.access_token), errcode)
      t.assert.equal(await sim.errcodeWith(rotated.json.access_token), 0)
    })
})

suite('who gets no token', () => {
  const cases: readonly [name: string, change: object, errcode: number][] = [
    ['a wrong grant_type', { grant_type: 'password' }, 40002],
    ['no appid', { appid: '' }, 41002],
    ['no secret', { secret: undefined }, 41004],
    ['an unknown appid', { appid: 'wx1111111111111111' }, 40013],
    ['a wrong secret', { secret: 'wrong' }, 40125],
  ]
  for (const [name, change, errcode] of cases)
    test(`${name} is ${errcode} in both worlds`, async (t: TestContext) => {
      const sim = await open(t)
      t.assert.equal((await sim.stable(change)).json.errcode, errcode)
      const claim = { grant_type: 'client_credential', ...official, ...change }
      const query = ['grant_type', 'appid', 'secret']
        .map((key) => `${key}=${claim[key as 'appid'] ?? ''}`)
        .join('&')
      t.assert.equal((await sim.api(`/cgi-bin/token?${query}`, undefined, 'GET')).json.errcode, errcode)
    })

  const flagged: readonly [flags: object, errcode: number][] = [
    [{ secretFrozen: true }, 40243],
    [{ frozen: true }, 50007],
    [{ ipWhitelist: ['203.0.113.0/24'] }, 40164],
  ]
  for (const [flags, errcode] of flagged)
    test(`${JSON.stringify(flags)} is ${errcode}`, async (t: TestContext) => {
      const sim = await open(t)
      await sim.admin('accounts', { appid: official.appid, flags })
      t.assert.equal((await sim.stable()).json.errcode, errcode)
    })

  test('the refusal names the address to be listed, and listing it helps', async (t: TestContext) => {
    const sim = await open(t, { accounts: [{ ...official, flags: { ipWhitelist: ['10.0.0.1'] } }] })
    t.assert.match(
      String((await sim.stable()).json.errmsg),
      /^invalid ip 127\.0\.0\.1 .*not in whitelist rid: /,
    )
    await sim.admin('accounts', { appid: official.appid, flags: { ipWhitelist: ['127.0.0.*'] } })
    t.assert.equal((await sim.stable()).json.expires_in, 7200)
  })
})

suite('tokens that are none', () => {
  for (const malformedTokenErrcode of [40001, 40014] as const)
    test(`a malformed one is ${malformedTokenErrcode}, by switch`, async (t: TestContext) => {
      const sim = await open(t, { switches: { malformedTokenErrcode } })
      t.assert.equal(await sim.errcodeWith('nonsense'), malformedTokenErrcode)
    })
  test('a well-formed stranger is 40001', async (t: TestContext) => {
    const sim = await open(t)
    t.assert.equal(await sim.errcodeWith(`97_${'x'.repeat(136)}`), 40001)
  })
})
