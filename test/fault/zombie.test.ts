import { suite, type TestContext, test } from 'node:test'
import { createRandom } from '../../src/simulator/random.ts'
import { until } from '../support/waiting.ts'
import { check, faultsIn } from './checker.ts'
import { createHistory } from './history.ts'
import { aTemplateWish, sendUntilAnswered, type Wish } from './load.ts'
import { openCluster } from './stage.ts'
import { readRecords, untilQuiet } from './truth.ts'

/** Many more than one worker has in calls at once, so that it also holds some that it has not begun. */
const messages = 60
const concurrency = 4
const leaseMs = 9000
const quietLimitMs = 60_000

suite('a worker that was frozen for twice its lease', () => {
  test('wakes up to calls that nobody waits for, and changes and sends nothing', async (t: TestContext) => {
    const { simulator, caller, workers } = await openCluster(t, {
      gateways: 1,
      latencyMs: 150,
      settings: {
        HONGYAN_CALL_TIMEOUT_MS: '1000',
        HONGYAN_LEASE_MS: String(leaseMs),
        HONGYAN_CONCURRENCY: String(concurrency),
      },
    })
    const [sleeper, other] = workers
    await other!.life().stop()
    const history = createHistory()
    const send = (wishes: readonly Wish[]) =>
      sendUntilAnswered({ caller, history }, { actor: 'client', wishes, random: createRandom(1) })
    await send(Array.from({ length: messages }, (_, index) => aTemplateWish(`z-${index}`, index)))
    await until(async () => (await simulator.effects()).length >= concurrency, 30_000)
    sleeper!.life().signal('SIGSTOP')
    const frozenAt = performance.now()

    await other!.spawn().ready
    await untilQuiet(caller, { limitMs: quietLimitMs, receiptsMayWait: false })
    await until(() => performance.now() - frozenAt > 2 * leaseMs, 3 * leaseMs)
    await other!.life().stop()
    const callsFor = async () => (await simulator.calls()).filter(({ key }) => key.startsWith('z-')).length
    const [before, callsBefore] = [await readRecords(caller, false), await callsFor()]

    sleeper!.life().signal('SIGCONT')
    // It has come to the end of what it had in hand when it sends something new.
    await send([aTemplateWish('later')])
    await untilQuiet(caller, { limitMs: quietLimitMs, receiptsMayWait: false })
    t.assert.equal((await sleeper!.life().stop()).code, 0)
    await other!.spawn().ready

    const late = sleeper!.log().split('A settlement came after its lease had gone').length - 1
    t.assert.ok(late > concurrency, `${late} came late: the worker had held some that it had not begun`)
    const records = await readRecords(caller, false)
    t.assert.deepEqual(
      byId(records.filter(({ key }) => key !== 'later')),
      byId(before),
      'no state and no timeline has changed',
    )
    t.assert.equal(await callsFor(), callsBefore, 'no call was begun on a lease that had run out')
    const findings = check({ history: history.lines, records, effects: await simulator.effects() })
    t.assert.deepEqual(faultsIn(findings), [], JSON.stringify(findings))
    t.assert.deepEqual(new Set(records.map(({ state }) => state)), new Set(['sent']))
  })
})

const byId = <Row extends { readonly id: string }>(rows: readonly Row[]): readonly Row[] =>
  rows.toSorted((a, b) => (a.id < b.id ? -1 : 1))
