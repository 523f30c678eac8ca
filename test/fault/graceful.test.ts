import { suite, type TestContext, test } from 'node:test'
import { until } from '../support/waiting.ts'
import { check, faultsIn } from './checker.ts'
import { createHistory } from './history.ts'
import { startLoad } from './load.ts'
import { openStage } from './stage.ts'
import { readRecords, untilQuiet } from './truth.ts'

const seed = 7
const rounds = 3
const perRound = 150

suite('SIGTERM', () => {
  test('ends in order under load: nothing is lost and no call is repeated', async (t: TestContext) => {
    const { simulator, service, caller, first } = await openStage(t, { seed, latencyMs: 80 })
    const history = createHistory()
    const load = startLoad({ caller, history, seed, clients: 8, thinkMs: 10, prefix: 'g' })
    const answers = () => history.lines.filter(({ status }) => status === 'ok').length

    let life = first
    for (let round = 1; round <= rounds; round++) {
      await until(() => answers() >= round * perRound, 60_000)
      const { code, signal, ms } = await life.stop()
      t.assert.deepEqual({ code, signal }, { code: 0, signal: null })
      t.assert.ok(ms < 30_000, `took ${ms} ms`)
      life = service.spawn()
      await life.ready
    }
    await load.finish()
    await untilQuiet(caller, { limitMs: 60_000, receiptsMayWait: false })

    const records = await readRecords(caller, false)
    const findings = check({ history: history.lines, records, effects: await simulator.effects() })
    t.assert.deepEqual(faultsIn(findings), [], JSON.stringify(findings))
    const notSent = records.filter(({ state }) => state !== 'sent')
    t.assert.deepEqual(notSent, [], 'every message is sent: nothing was left in doubt')
    const calls = Map.groupBy(
      (await simulator.calls()).filter(({ key }) => key !== ''),
      ({ key }) => key,
    )
    const repeated = [...calls].filter(([, all]) => all.length > 1).map(([key]) => key)
    t.assert.deepEqual(repeated, [], 'a call was repeated')
    t.assert.equal(calls.size, records.length)
    t.assert.equal((await life.stop()).code, 0)
  })
})
