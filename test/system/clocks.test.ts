/** Machines whose clocks are wrong, or are set while they run: leases, tokens and signatures follow the store. */
import { suite, type TestContext, test } from 'node:test'
import type { Observation } from '../../src/observe.ts'
import { createTestMachine } from '../support/machine.ts'
import { account, type Node, openNodes } from '../support/nodes.ts'
import { goodBody } from '../support/running.ts'
import { until } from '../support/waiting.ts'

const minute = 60_000
const hour = 60 * minute
const body = { ...goodBody, account: account.appid }
const sendPath = '/cgi-bin/message/template/send'

const leasesOf = (seen: readonly Observation[]): number =>
  seen.reduce((sum, each) => sum + (each.kind === 'leased' ? each.deliveries.length : 0), 0)
const tokensOf = (seen: readonly Observation[]): number =>
  seen.filter((each) => each.kind === 'token' && each.event === 'refreshed').length

/** Sends a message whose call takes `latencyMs`, and answers its state and how often WeChat was called. */
const slowSend = async (
  { sim }: Awaited<ReturnType<typeof openNodes>>,
  { api }: Node,
  { latencyMs, meanwhile = () => {} }: { readonly latencyMs: number; readonly meanwhile?: () => void },
) => {
  const before = (await sim<{ total: number }>('/_sim/effects')).total
  await sim('/_sim/faults', { rules: [{ path: sendPath, latency_ms: latencyMs, count: 1 }] })
  const accepted = (await api.post('/v1/messages', body)) as { readonly id: string }
  meanwhile()
  const state = async () => ((await api.get(`/v1/messages/${accepted.id}`)) as { state: string }).state
  await until(async () => (await state()) === 'sent', 30_000)
  const { calls } = await sim<{ calls: { path: string }[] }>('/_sim/calls')
  const { total } = await sim<{ total: number }>('/_sim/effects')
  return { calls: calls.filter(({ path }) => path === sendPath).length, effects: total - before }
}

suite('nodes whose clocks differ by ten minutes', () => {
  test('take no message from each other, and take signatures of the right time', async (t: TestContext) => {
    const nodes = await openNodes(t)
    const late = await nodes.open({}, createTestMachine(-5 * minute))
    const early = await nodes.open({}, createTestMachine(5 * minute))
    // Whoever leases it, the other looks every second for what is due.
    for (const [round, node] of [late, early].entries()) {
      const { calls, effects } = await slowSend(nodes, node, { latencyMs: 3000 })
      t.assert.deepEqual({ calls, effects }, { calls: round + 1, effects: 1 })
    }
    t.assert.equal(leasesOf(late.seen) + leasesOf(early.seen), 2)
  })
})

suite('a wall clock that is set in mid-run', () => {
  for (const engine of ['redis', 'embedded'])
    test(`on ${engine}: no lease is lost, no token is asked for again, signatures are taken`, async (t: TestContext) => {
      const nodes = await openNodes(t)
      const machine = createTestMachine()
      const settings = engine === 'redis' ? {} : { HONGYAN_ENGINE: '' }
      const node = await nodes.open(settings, machine)
      let calls = 0
      for (const ahead of [hour, -hour, 0]) {
        // Longer than it takes to look at a clock or for what is due.
        const meanwhile = () => machine.setWall(ahead)
        const sent = await slowSend(nodes, node, { latencyMs: 2500, meanwhile })
        t.assert.deepEqual(sent, { calls: ++calls, effects: 1 })
      }
      t.assert.equal(leasesOf(node.seen), 3)
      t.assert.equal(tokensOf(node.seen), 1)
      t.assert.deepEqual(
        node.seen.filter((each) => each.kind === 'alert' && each.code === 'clock-jumped'),
        [],
      )
    })
})
