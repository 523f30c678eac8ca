import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { atEnd } from '../support/at-end.ts'
import { runCli, startCli } from '../support/cli.ts'
import { temporaryFolder } from '../support/folder.ts'
import { dataOf, type OpenOptions, openSimulator, subscribeSend, templateSend } from './open.ts'

const exampleFile = fileURLToPath(new URL('../../examples/simulator/shop.json', import.meta.url))
const example = JSON.parse(readFileSync(exampleFile, 'utf8'))
const [shop, mini] = example.accounts

/** Without its fault of chance and its stream of time, so that every answer is the same. */
const still = { ...example, clock: { ...example.clock, speed: 0 }, faults: [] }

const open = async (t: TestContext, scenario: object = still, options: OpenOptions = {}) => {
  const sim = await openSimulator(t, { scenario, ...options })
  const message = (account: typeof shop, touser: string) => {
    const [{ template_id, example: values }] = account.templates
    return { touser, template_id, data: dataOf(values) }
  }
  const toFollower = async (n: number) =>
    (await sim.as(shop, templateSend, message(shop, shop.openids[n]))).json.errcode
  const toUser = async (n: number) =>
    (await sim.as(mini, subscribeSend, message(mini, mini.openids[n]))).json.errcode
  const now = async () => Date.parse(String((await sim.admin('clock')).json.now))
  return { ...sim, toFollower, toUser, now }
}

suite('a scenario', () => {
  test('is where a play begins', async (t: TestContext) => {
    const sim = await open(t)
    t.assert.equal(await sim.now(), Date.parse('2026-05-01T23:50:00+08:00'))
    t.assert.deepEqual(
      [await sim.toFollower(0), await sim.toFollower(1), await sim.toFollower(2)],
      [0, 43004, 0],
    )
    t.assert.partialDeepStrictEqual(await sim.effects(), [{}, { receipt: 'failed:user block' }])
    t.assert.deepEqual([await sim.toUser(0), await sim.toUser(0), await sim.toUser(0)], [0, 0, 43101])
    const { json } = await sim.as(shop, '/cgi-bin/openapi/quota/get', { cgi_path: templateSend })
    t.assert.partialDeepStrictEqual(json, { quota: { daily_limit: 1000 }, rate_limit: { call_count: 100 } })
  })

  test('is where a reset goes back to, with the tokens that worked', async (t: TestContext) => {
    const sim = await open(t)
    await sim.toUser(0)
    await sim.toUser(0)
    await sim.advance(3_600_000)
    const token = await sim.tokenOf(shop)
    await sim.admin('reset', {})
    t.assert.equal(await sim.now(), Date.parse(example.clock.now))
    t.assert.equal(await sim.tokenOf(shop), token)
    t.assert.deepEqual([await sim.toUser(0), await sim.toUser(0), await sim.toUser(0)], [0, 0, 43101])
  })

  test('is not begun anew by a restart that has a journal', async (t: TestContext) => {
    const home = await mkdtemp(join(tmpdir(), 'simulator-'))
    t.after(() => rm(home, { recursive: true }))
    const first = await open(t, still, { home })
    await first.toUser(0)
    await first.advance(60_000)
    await first.close()
    const second = await open(t, still, { home })
    t.assert.equal(await second.now(), Date.parse(example.clock.now) + 60_000)
    t.assert.deepEqual([await second.toUser(0), await second.toUser(0)], [0, 43101])
  })

  test('that is exported begins where the play stood', async (t: TestContext) => {
    const first = await open(t)
    await first.toUser(0)
    await first.admin('switches', { recipientPace: 9 })
    await first.faults({ errcode: 45011, count: 3 })
    const { json } = await first.admin('scenario')
    const second = await open(t, json)
    t.assert.deepEqual((await second.admin('scenario')).json, json)
    t.assert.partialDeepStrictEqual(json, {
      seed: 7,
      clock: { speed: 0 },
      switches: { recipientPace: 9 },
      faults: [{ errcode: 45011, count: 3 }],
      grants: [{ kind: 'lasting' }, { kind: 'once', count: 1 }].toSorted((a, b) =>
        a.kind > b.kind ? -1 : 1,
      ),
    })
  })

  test('of strangers is accepted as well', async (t: TestContext) => {
    const sim = await open(t, { anyAccount: true, switches: { grants: 'counted' } })
    await sim.admin('grants', { appid: 'wxAny', touser: 'oAny', template_id: 'T', kind: 'once' })
    t.assert.equal((await sim.admin('grants?appid=wxAny')).json.mode, 'counted')
  })

  const bad: readonly [change: object, error: string][] = [
    [{ account: [] }, 'account is not known here; known are accounts'],
    [{ accounts: {} }, 'accounts: a list is needed'],
    [{ accounts: [{ appid: 'a', secret: 's', kind: 'x' }] }, 'accounts[0]: kind must be one of official'],
    [
      { accounts: [shop, { ...mini, templates: [{ template_id: 'T', title: 't' }] }] },
      'accounts[1].templates[0]: content is missing',
    ],
    [{ accounts: [{ ...shop, flags: { frozn: true } }] }, 'accounts[0].flags: frozn is not known here'],
    [
      { accounts: [{ ...shop, templates: [{ ...shop.templates[0], example: { a: 1 } }] }] },
      'accounts[0].templates[0].example: a must be a text',
    ],
    [{ switches: { grants: 'x' } }, 'switches: grants must be one of'],
    [{ clock: { now: 'noon' } }, 'clock: now must be a date and time'],
    [{ latency: { medianMs: 5, p99Ms: 1 } }, 'latency: 0 < medianMs ≤ p99Ms must hold'],
    [{ faults: [{ errcode: 1 }, {}] }, 'faults[1]: a rule does exactly one of'],
    [{ grants: [{ ...example.grants[0], kind: 'form' }] }, 'grants[0]: form_id is missing'],
    [
      { recipients: [{ appid: 'wxOther', touser: 'x' }] },
      'recipients[0].appid: wxOther is not one of the accounts',
    ],
    [
      { interactions: [{ appid: mini.appid, touser: 'x', what: 'menu' }] },
      'interactions[0]: what: menu opens no window of this account',
    ],
    [{ quotas: [{ appid: shop.appid, daily: 1 }] }, 'quotas[0]: path is missing'],
  ]
  for (const [change, error] of bad)
    test(`with ${JSON.stringify(change).slice(0, 50)} is refused, naming the place`, async (t: TestContext) => {
      await t.assert.rejects(open(t, { ...example, ...change }), (cause: Error) => {
        t.assert.ok(cause.message.startsWith(error), cause.message)
        return true
      })
    })
})

suite('hongyan simulate --scenario', () => {
  const ports = { HONGYAN_SIMULATOR: '127.0.0.1:0', HONGYAN_SIMULATOR_ADMIN: '127.0.0.1:0' }

  test('begins as the example says', { timeout: 60_000 }, async (t: TestContext) => {
    const cli = startCli(['simulate', '--scenario', exampleFile, '--memory'], ports)
    atEnd(t, async () => {
      cli.child.kill('SIGKILL')
      await cli.ended
    })
    await cli.says(/simulator_admin/)
    const { simulator_admin: admin } = JSON.parse(cli.stdout)
    const scenario = await (await fetch(`${admin}/_sim/scenario`)).json()
    t.assert.partialDeepStrictEqual(scenario, { seed: 7, accounts: [{ appid: shop.appid }] })
    cli.child.kill('SIGTERM')
    t.assert.equal((await cli.ended).code, 0)
  })

  test('says what is wrong with a file, and where', { timeout: 60_000 }, async (t: TestContext) => {
    const folder = temporaryFolder(t)
    const file = join(folder, 'bad.json')
    for (const [text, error] of [
      ['{"accounts":[{"appid":"a"}]}', 'accounts[0]: secret is missing'],
      ['{"accounts":', 'Unexpected end of JSON input'],
    ] as const) {
      writeFileSync(file, text)
      const run = await runCli(['simulate', '--scenario', file, '--memory'], ports)
      t.assert.equal(run.code, 1)
      t.assert.equal(run.stderr, `${file}: ${error}\n`)
    }
    const missing = await runCli(['simulate', '--scenario', join(folder, 'none.json')], ports)
    t.assert.match(missing.stderr, /ENOENT.*none\.json/)
  })
})
