import { suite, type TestContext, test } from 'node:test'
import { junks } from '../../src/simulator/faults.ts'
import { createRandom } from '../../src/simulator/random.ts'
import { until } from '../support/waiting.ts'
import { check, faultsIn } from './checker.ts'
import { createHistory } from './history.ts'
import { aSubscribeWish, aTemplateWish, sendUntilAnswered, type Wish } from './load.ts'
import { miniprogram, official, type Simulator } from './simulator-process.ts'
import { openStage } from './stage.ts'
import { readRecords, untilQuiet } from './truth.ts'

/** What can happen to a call so that nobody knows whether WeChat took the message. */
const doubts: Readonly<Record<string, object>> = {
  'hang-before': { hang: 'before' },
  'hang-after': { hang: 'after' },
  'reset-before': { reset: 'before' },
  'reset-after': { reset: 'after' },
  busy: { errcode: -1 },
  ...Object.fromEntries(junks.map((junk) => [junk, { junk }])),
}

/** Odd, but what they say is clear: WeChat took the message. */
const clear: readonly string[] = ['no-errcode', 'string-errcode']

/** Each doubt happens once, to a user of its own. */
const misfortunes = async (simulator: Simulator, { appid }: typeof official, aWish: typeof aTemplateWish) => {
  const wishes: Wish[] = []
  const rules: object[] = []
  for (const [name, doubt] of Object.entries(doubts)) {
    const touser = `o${name}`
    await simulator.admin('recipients', { appid, touser })
    rules.push({ appid, touser, ...doubt, count: 1 })
    wishes.push({ ...aWish(name), touser })
  }
  await simulator.faults(...rules)
  return wishes
}

const open = async (t: TestContext) => {
  const stage = await openStage(t, { settings: { HONGYAN_CALL_TIMEOUT_MS: '2000' } })
  const history = createHistory()
  const send = (wishes: readonly Wish[]) =>
    sendUntilAnswered({ caller: stage.caller, history }, { actor: 'client', wishes, random: createRandom(1) })
  return { ...stage, history, send }
}

suite('a call in doubt', () => {
  test('is repeated for a template message until WeChat says so, and the user sees one', async (t: TestContext) => {
    const { simulator, caller, history, send, first } = await open(t)
    await send(await misfortunes(simulator, official, aTemplateWish))
    await untilQuiet(caller, { limitMs: 60_000, receiptsMayWait: false })

    const [records, effects, calls] = [
      await readRecords(caller, false),
      await simulator.effects(),
      await simulator.calls(),
    ]
    t.assert.deepEqual(faultsIn(check({ history: history.lines, records, effects })), [])
    for (const name of Object.keys(doubts)) {
      t.assert.equal(records.find(({ key }) => key === name)?.state, 'sent', name)
      t.assert.equal(effects.filter(({ key }) => key === name).length, 1, name)
      const keys = calls.filter(({ key }) => key === name).map(({ clientMsgId }) => clientMsgId)
      t.assert.equal(keys.length, clear.includes(name) ? 1 : 2, `${name}: once in doubt, once again`)
      t.assert.equal(new Set(keys).size, 1, `${name}: every call has the same client_msg_id`)
    }
    t.assert.equal((await first.stop()).code, 0)
  })

  test('is never repeated for a subscribe message, not even by the next process', async (t: TestContext) => {
    const { simulator, service, caller, history, send, first } = await open(t)
    await send(await misfortunes(simulator, miniprogram, aSubscribeWish))
    await untilQuiet(caller, { limitMs: 60_000, receiptsMayWait: true })
    await first.kill()
    const second = service.spawn()
    await second.ready
    // When a later message has come through, the new worker has seen all there was to do before it.
    await send([aSubscribeWish('later')])
    const sentLater = async () => (await simulator.effects()).some(({ key }) => key === 'later')
    await until(sentLater, 30_000)
    await untilQuiet(caller, { limitMs: 30_000, receiptsMayWait: true })

    const [records, effects, calls] = [
      await readRecords(caller, true),
      await simulator.effects(),
      await simulator.calls(),
    ]
    const findings = check({ history: history.lines, records, effects, receiptsMayWait: true })
    t.assert.deepEqual(faultsIn(findings), [], JSON.stringify(findings))
    for (const name of Object.keys(doubts)) {
      const { state, reason } = records.find(({ key }) => key === name)!
      const honest = clear.includes(name)
        ? state === 'sent'
        : state === 'unknown' || reason === 'awaiting-receipt'
      t.assert.ok(honest, `${name}: ${state} ${reason}`)
      t.assert.equal(calls.filter(({ key }) => key === name).length, 1, `${name}: one call, ever`)
    }
    t.assert.equal((await second.stop()).code, 0)
  })
})
