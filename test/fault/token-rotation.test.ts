import { suite, type TestContext, test } from 'node:test'
import { createRandom } from '../../src/simulator/random.ts'
import { until } from '../support/waiting.ts'
import { check, faultsIn } from './checker.ts'
import { createHistory } from './history.ts'
import { aTemplateWish, sendUntilAnswered } from './load.ts'
import { official, type Simulator, templatePath, tokenPath } from './simulator-process.ts'
import { openStage } from './stage.ts'
import { readRecords, untilQuiet } from './truth.ts'

/** More than may be under way at once, so that some calls come before the fault, some in it, some after. */
const perWave = 300
const waves = 2
const quietLimitMs = 60_000

const calledAtLeast = async (simulator: Simulator, count: number): Promise<boolean> =>
  (await simulator.calls()).filter(({ path }) => path === templatePath).length >= count

/** Sends waves of messages with a token in use, and has something happen to it while the last is under way. */
const runWaves = async (t: TestContext, happen: (simulator: Simulator) => Promise<unknown>) => {
  const { simulator, caller, first } = await openStage(t, { latencyMs: 80 })
  const history = createHistory()
  const random = createRandom(1)
  const wave = (n: number) =>
    Array.from({ length: perWave }, (_, index) => aTemplateWish(`t-${n}-${index}`, index))
  for (let n = 1; n <= waves; n++) {
    await sendUntilAnswered({ caller, history }, { actor: 'client', wishes: wave(n), random })
    await until(() => calledAtLeast(simulator, (n - 1) * perWave + 50), quietLimitMs)
  }
  await happen(simulator)
  await untilQuiet(caller, { limitMs: quietLimitMs, receiptsMayWait: false })

  const records = await readRecords(caller, false)
  const calls = await simulator.calls()
  const findings = check({ history: history.lines, records, effects: await simulator.effects() })
  t.assert.deepEqual(faultsIn(findings), [], JSON.stringify(findings))
  const notSent = records.filter(({ state }) => state !== 'sent')
  t.assert.deepEqual(notSent, [])
  t.assert.equal(records.length, waves * perWave)
  const tokenCalls = calls.filter(({ path, appid }) => path === tokenPath && appid === official.appid)
  t.assert.ok(tokenCalls.length <= 2, `asked for a token ${tokenCalls.length} times`)
  t.assert.equal((await first.stop()).code, 0)
  return { rejected: calls.filter(({ errcode }) => errcode === 40001).length, tokenCalls: tokenCalls.length }
}

suite('a token that WeChat rejects', () => {
  test('50 calls answered 40001 cost no message, and at most one more token', async (t: TestContext) => {
    const { rejected } = await runWaves(t, (simulator) =>
      simulator.faults({ path: templatePath, errcode: 40001, count: 50 }),
    )
    t.assert.equal(rejected, 50)
  })

  test('another system changes the token: every message is sent with the new one', async (t: TestContext) => {
    const { rejected, tokenCalls } = await runWaves(t, (simulator) =>
      simulator.admin('tokens/rotate', { appid: official.appid, world: 'stable' }),
    )
    // As many as were under way: how many that is, the machine decides.
    t.assert.ok(rejected >= 10, `only ${rejected} calls met the dead token`)
    t.assert.equal(tokenCalls, 2)
  })
})
