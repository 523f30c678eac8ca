import { suite, type TestContext, test } from 'node:test'
import { official, openSimulator, templateSend } from './open.ts'

suite('faults', () => {
  test('an errcode is answered and nothing is accepted', async (t: TestContext) => {
    const sim = await openSimulator(t)
    const token = await sim.tokenOf()
    await sim.faults({ path: templateSend, errcode: 43101 })
    const { json } = await sim.send(token)
    t.assert.equal(json.errcode, 43101)
    t.assert.match(String(json.errmsg), / rid: /)
    t.assert.deepEqual(await sim.effects(), [])
    t.assert.partialDeepStrictEqual(await sim.calls('touser=' + official.openids[0]), [
      { path: templateSend, errcode: 43101, fault: 'errcode', msgid: null, appid: official.appid },
    ])
  })

  test('-1 may hide that the message was accepted, by switch', async (t: TestContext) => {
    const sim = await openSimulator(t, { switches: { ambiguousBusyDelivers: true } })
    const token = await sim.tokenOf()
    await sim.faults({ errcode: -1 })
    for (let i = 0; i < 40; i++) t.assert.equal((await sim.send(token)).json.errcode, -1)
    const accepted = (await sim.effects()).length
    t.assert.ok(accepted > 5 && accepted < 35, `${accepted} of 40`)
  })

  for (const [rule, accepts] of [
    [{ hang: 'before' }, 0],
    [{ hang: 'after' }, 1],
    [{ reset: true }, 0],
    [{ reset: 'before' }, 0],
    [{ reset: 'after' }, 1],
  ] as const)
    test(`${JSON.stringify(rule)} gives no answer and accepts ${accepts}`, async (t: TestContext) => {
      const sim = await openSimulator(t, { hangMs: 20 })
      const token = await sim.tokenOf()
      await sim.faults(rule)
      await t.assert.rejects(sim.send(token), { code: 'reset' in rule ? 'ECONNRESET' : 'UND_ERR_SOCKET' })
      t.assert.equal((await sim.effects()).length, accepts)
      const [call] = await sim.calls(`appid=${official.appid}&offset=1`)
      t.assert.partialDeepStrictEqual(call, { errcode: null })
      t.assert.equal(call?.msgid !== null, accepts === 1)
    })

  const junks: readonly [junk: true | string, status: number, body: RegExp, accepts: number][] = [
    [true, 502, /<h1>502 Bad Gateway/, 0],
    ['html-200', 200, /<html>/, 0],
    ['redirect', 302, /<html>/, 0],
    ['huge', 200, /^<html>[\s\S]*\n{5000}$/, 0],
    ['no-errcode', 200, /^\{"msgid":\d{19}\}$/, 1],
    ['string-errcode', 200, /^\{"errcode":"0",/, 1],
    ['cut-json', 200, /^\{"errcode":0,[^}]*$/, 1],
  ]
  for (const [junk, status, body, accepts] of junks)
    test(`junk ${junk} has status ${status} and accepts ${accepts}`, async (t: TestContext) => {
      const sim = await openSimulator(t)
      const token = await sim.tokenOf()
      await sim.faults({ path: templateSend, junk })
      const answer = await sim.send(token)
      t.assert.equal(answer.status, status)
      t.assert.ok(body.test(answer.text))
      t.assert.equal((await sim.effects()).length, accepts)
    })

  test('a delay replaces the usual one, and the effect does not wait for it', async (t: TestContext) => {
    const sim = await openSimulator(t)
    const token = await sim.tokenOf()
    await sim.faults({ latency_ms: 300 })
    const started = performance.now()
    const sending = sim.send(token)
    const seen = await sim.admin('wait', { count: 1, timeout_ms: 5_000 })
    t.assert.equal(seen.status, 200)
    t.assert.equal((await sending).json.errcode, 0)
    t.assert.ok(performance.now() - started >= 295)
  })

  test('the first rule that matches is played, its count runs out, and hits are told', async (t: TestContext) => {
    const sim = await openSimulator(t)
    const token = await sim.tokenOf()
    const [one, two] = official.openids
    await sim.faults(
      { touser: one, path: templateSend, errcode: 43004, count: 1 },
      { touser: one, errcode: 43019, count: 1 },
      { template_id: 'other', errcode: 1 },
      { appid: 'wx1111111111111111', errcode: 2 },
      { path: '/cgi-bin/message', errcode: 3 },
    )
    const codes = []
    for (const touser of [two, one, one, one]) codes.push((await sim.send(token, { touser })).json.errcode)
    t.assert.deepEqual(codes, [0, 43004, 43019, 0])
    const { rules } = (await sim.admin('faults')).json as { rules: { id: number; hits: number }[] }
    t.assert.deepEqual(
      rules.map(({ id, hits }) => [id, hits]),
      [
        [1, 1],
        [2, 1],
        [3, 0],
        [4, 0],
        [5, 0],
      ],
    )
    await sim.faults()
    t.assert.deepEqual((await sim.admin('faults')).json, { rules: [] })
  })

  test('token calls can be hit too, by appid', async (t: TestContext) => {
    const sim = await openSimulator(t)
    await sim.faults({ appid: official.appid, path: '/cgi-bin/token', errcode: -1 })
    t.assert.equal((await sim.plainToken()).json.errcode, -1)
  })

  test('the same seed draws the same lots, another one does not', async (t: TestContext) => {
    const lots = async (seed: number) => {
      const sim = await openSimulator(t, { seed })
      const token = await sim.tokenOf()
      await sim.faults({ errcode: -1, probability: 0.5 })
      const codes = []
      for (let i = 0; i < 32; i++) codes.push((await sim.send(token)).json.errcode)
      return codes.join(' ')
    }
    const first = await lots(7)
    t.assert.equal(await lots(7), first)
    t.assert.notEqual(await lots(8), first)
  })
})
