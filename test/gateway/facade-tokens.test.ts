import { type TestContext, test } from 'node:test'
import { createFacadeTokens } from '../../src/gateway/facade-token.ts'
import { createVault, newMasterKey } from '../../src/vault.ts'
import { createTestClock } from '../support/clock.ts'
import { facadeSend, templateBody, templatePath, tokenOf, tokenQuery } from '../support/facade.ts'
import { temporaryFolder } from '../support/folder.ts'
import { type Ask, mini, openGateway, shop, type TestGateway } from '../support/gateway.ts'
import { together } from '../support/together.ts'

const stableAsk = (force_refresh?: boolean): Ask => ({
  path: '/cgi-bin/stable_token',
  scheme: 'none',
  body: { grant_type: 'client_credential', appid: shop.appid, secret: shop.secret, force_refresh },
})

const send = (token: string): Ask => ({
  path: `${templatePath}?access_token=${token}`,
  body: templateBody(),
  scheme: 'none',
})

const errcodeWith = async ({ ask }: TestGateway, token: string): Promise<number> =>
  (await ask(send(token))).json.errcode

together('a token', (check) => {
  check('looks like one of WeChat’s and lives for two hours', async (t, gateway) => {
    const { json, headers } = await gateway.ask(tokenQuery(shop))
    t.assert.deepEqual(Object.keys(json), ['access_token', 'expires_in'])
    t.assert.match(json.access_token, /^\d+_[\w-]{134,510}$/)
    t.assert.equal(json.expires_in, 7200)
    t.assert.equal(headers['content-type'], 'application/json; encoding=utf-8')
  })

  check('is asked for in any order, with parameters that nobody knows', async (t, gateway) => {
    const path = `/cgi-bin/token?secret=${shop.secret}&x=1&appid=${shop.appid}&grant_type=client_credential`
    const { json } = await gateway.ask({ method: 'GET', path, scheme: 'none' })
    t.assert.equal(await errcodeWith(gateway, json.access_token), 0)
  })

  check('is good wherever it stands in the query', async (t, gateway) => {
    const token = await tokenOf(gateway)
    const { json } = await gateway.ask({
      ...send(token),
      path: `${templatePath}?debug=1&access_token=${token}&x`,
    })
    t.assert.equal(json.errcode, 0)
  })

  check('is not good with a character changed, added or missing', async (t, gateway) => {
    const token = await tokenOf(gateway)
    for (let at = 2; at < token.length; at++) {
      const changed = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`
      t.assert.equal(await errcodeWith(gateway, changed), 40001, `at ${at}`)
    }
    for (const changed of [
      `${token}A`,
      token.slice(0, -1),
      `2${token.slice(1)}`,
      token.toLowerCase(),
      '1_',
      'x',
    ])
      t.assert.equal(await errcodeWith(gateway, changed), 40001, changed)
  })

  check('of one account is of no use to another', async (t, gateway) => {
    const token = await tokenOf(gateway, mini)
    t.assert.equal(await errcodeWith(gateway, token), 48001)
  })
})

test('a token expires after two hours', async (t: TestContext) => {
  const gateway = await openGateway(t)
  const token = await tokenOf(gateway)
  gateway.clock.advance(7_198_000)
  t.assert.equal(await errcodeWith(gateway, token), 0)
  gateway.clock.advance(2000)
  t.assert.equal(await errcodeWith(gateway, token), 42001)
})

test('a new secret takes the tokens of the old one with it', async (t: TestContext) => {
  const gateway = await openGateway(t)
  const [token, stable] = [await tokenOf(gateway), (await gateway.ask(stableAsk())).json.access_token]
  await gateway.directory.putAccount({ ...shop, secret: 'a-new-one' })
  for (const each of [token, stable]) t.assert.equal(await errcodeWith(gateway, each), 40001)
  t.assert.equal((await gateway.ask(tokenQuery(shop))).json.errcode, 40125)
  t.assert.equal((await facadeSend(gateway, { account: { ...shop, secret: 'a-new-one' } })).json.errcode, 0)
})

test('the stable token is the same until its last five minutes, and then both are good', async (t: TestContext) => {
  const clock = createTestClock(Math.ceil(Date.now() / 1000) * 1000)
  const gateway = await openGateway(t, { clock })
  const asked = async () => (await gateway.ask(stableAsk())).json
  let former = await asked()
  let changes = 0
  const stepSeconds = 150
  for (let step = 0; step < 144; step++) {
    clock.advance(stepSeconds * 1000)
    const now = await asked()
    t.assert.ok(now.expires_in > 300 && now.expires_in <= 7200, `${now.expires_in} seconds`)
    t.assert.equal(await errcodeWith(gateway, former.access_token), 0)
    if (now.access_token === former.access_token)
      t.assert.equal(now.expires_in, former.expires_in - stepSeconds)
    else {
      changes++
      t.assert.ok(former.expires_in - stepSeconds <= 300)
    }
    former = now
  }
  // Six hours hold three whole lives, and a fourth change where they begin late in one.
  t.assert.ok(changes === 3 || changes === 4, `${changes} changes`)
})

test('a forced token is a new one with a whole life, and the former goes on', async (t: TestContext) => {
  const gateway = await openGateway(t)
  gateway.clock.advance(5000)
  const stable = (await gateway.ask(stableAsk(false))).json
  const forced = (await gateway.ask(stableAsk(true))).json
  t.assert.notEqual(forced.access_token, stable.access_token)
  t.assert.equal(forced.expires_in, 7200)
  for (const { access_token } of [stable, forced]) t.assert.equal(await errcodeWith(gateway, access_token), 0)
})

test('gateways agree, and a token of one is good at the other and after a restart', async (t: TestContext) => {
  const [folder, clock] = [temporaryFolder(t), createTestClock(Date.now())]
  const one = await openGateway(t, { folder, clock })
  const stable = (await one.ask(stableAsk())).json
  await one.close()
  const other = await openGateway(t, { folder, clock })
  t.assert.deepEqual((await other.ask(stableAsk())).json, stable)
  t.assert.equal(await errcodeWith(other, stable.access_token), 0)
})

test('another master key knows none of these tokens, unless it replaces theirs', (t: TestContext) => {
  const tokensOf = (masterKey: string, former?: string) =>
    createFacadeTokens(createVault(masterKey, former).keysFor('facade-token'), (appid) =>
      appid === shop.appid ? shop : undefined,
    )
  const key = newMasterKey()
  const { text } = tokensOf(key).fresh(shop, 0)
  t.assert.equal(tokensOf(key).check(text, 0), shop)
  t.assert.equal(tokensOf(newMasterKey()).check(text, 0), 40001)
  t.assert.equal(tokensOf(newMasterKey(), key).check(text, 0), shop)
})

test('accounts renew their stable tokens at moments of their own', (t: TestContext) => {
  const accounts = Array.from({ length: 50 }, (_, n) => ({
    ...shop,
    appid: `wx${String(n).padStart(16, '0')}`,
  }))
  const tokens = createFacadeTokens([new Uint8Array(32)], (appid) =>
    accounts.find((each) => each.appid === appid),
  )
  const lives = new Set(accounts.map((account) => tokens.stable(account, 1.77e12).lifeSeconds))
  t.assert.ok(lives.size > 40, `${lives.size} different lives`)
})

const wrong: Ask = { ...tokenQuery({ ...shop, secret: 'wrong' }) }

test('guessing secrets holds off the address, and never the account', async (t: TestContext) => {
  const gateway = await openGateway(t)
  const token = await tokenOf(gateway)
  const from = '127.0.0.2'
  for (let n = 0; n < 1000; n++) t.assert.equal((await gateway.ask({ ...wrong, from })).json.errcode, 40125)
  t.assert.equal((await gateway.ask({ ...tokenQuery(shop), from })).json.errcode, 45011)
  t.assert.equal((await gateway.ask({ ...stableAsk(), from })).json.errcode, 45011)
  t.assert.equal((await gateway.ask({ method: 'GET', path: '/v1/keys', from })).status, 429)
  // Who has a token already goes on sending, and who comes from elsewhere gets one.
  t.assert.equal((await gateway.ask({ ...send(token), from })).json.errcode, 0)
  t.assert.equal((await gateway.ask(tokenQuery(shop))).json.expires_in, 7200)
  gateway.clock.advance(60_000)
  t.assert.equal((await gateway.ask({ ...tokenQuery(shop), from })).json.expires_in, 7200)
})
