import { suite, type TestContext, test } from 'node:test'
import { positions, type Switches, usualSwitches } from '../../src/simulator/switches.ts'
import { official, openSimulator } from './open.ts'

suite('switches', () => {
  test('stand as they usually do, and every position can be taken at run time', async (t: TestContext) => {
    const sim = await openSimulator(t)
    t.assert.deepEqual((await sim.admin('switches')).json, { switches: usualSwitches })
    for (const [name, position] of Object.entries(positions)) {
      const values = position === 'texts' ? [['词']] : 'upTo' in position ? [0, position.upTo] : position
      for (const value of values) {
        const { json } = await sim.admin('switches', { [name]: value })
        t.assert.deepEqual((json.switches as Switches)[name as keyof Switches], value, name)
      }
    }
  })

  test('every usual position is one that exists', (t: TestContext) => {
    for (const [name, position] of Object.entries(positions)) {
      const usual = usualSwitches[name as keyof Switches]
      if (Array.isArray(position)) t.assert.ok(position.includes(usual as never), name)
    }
    t.assert.deepEqual(Object.keys(positions).sort(), Object.keys(usualSwitches).sort())
  })

  const bad: readonly [body: object, error: RegExp][] = [
    [{ grant: 'counted' }, /grant is not known here/],
    [{ grants: 'some' }, /grants must be one of boundless, counted/],
    [{ quotaResetHour: 24 }, /quotaResetHour must be a whole number of at least 0 and at most 23/],
    [{ sensitiveWords: [''] }, /sensitiveWords must not hold an empty text/],
  ]
  for (const [body, error] of bad)
    test(`${JSON.stringify(body)} is 400 and changes nothing`, async (t: TestContext) => {
      const sim = await openSimulator(t)
      const answer = await sim.admin('switches', { recipientPace: 3, ...body })
      t.assert.equal(answer.status, 400)
      t.assert.match(String(answer.json.error), error)
      t.assert.deepEqual((await sim.admin('switches')).json, { switches: usualSwitches })
    })

  test('act at once, and a reset puts them where the simulator began', async (t: TestContext) => {
    const sim = await openSimulator(t, { switches: { malformedTokenErrcode: 40001 } })
    const errcode = async () => (await sim.send('nonsense')).json.errcode
    t.assert.equal(await errcode(), 40001)
    await sim.admin('switches', { malformedTokenErrcode: 40014 })
    t.assert.equal(await errcode(), 40014)
    await sim.admin('reset', {})
    t.assert.equal(await errcode(), 40001)
  })

  test('the hour of the reset of quotas is one that can be moved', async (t: TestContext) => {
    const sim = await openSimulator(t)
    await sim.admin('clock', { speed: 0 })
    const now = Date.parse(String((await sim.admin('clock')).json.now))
    // To eleven at night in Beijing.
    const day = 86_400_000
    await sim.advance((((15 * 3_600_000 - now) % day) + day) % day)
    const path = '/cgi-bin/message/template/send'
    await sim.admin('quotas', { appid: official.appid, path, daily: 1 })
    const send = async () => (await sim.send(await sim.tokenOf())).json.errcode
    t.assert.deepEqual([await send(), await send()], [0, 45009])
    await sim.admin('switches', { quotaResetHour: 1 })
    await sim.advance(3_600_000)
    t.assert.equal(await send(), 45009, 'midnight')
    await sim.advance(3_600_000)
    t.assert.equal(await send(), 0, 'one in the morning')
  })
})
