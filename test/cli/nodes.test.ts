import { type TestContext, test } from 'node:test'
import { runCli } from '../support/cli.ts'
import { goodMessage, startRunning } from '../support/running.ts'
import { until } from '../support/waiting.ts'

test('one process is one node: it is shown, drains, says so, and works again', async (t: TestContext) => {
  const { cli, envWith, url } = await startRunning(t)
  const env = await envWith(['operator', 'send', 'read'])
  const asOperator = (...args: readonly string[]) => runCli(args, env)

  t.assert.equal((await cli(['nodes'])).code, 4)
  const [node] = JSON.parse((await asOperator('nodes', '--json')).stdout)
  t.assert.partialDeepStrictEqual(node, {
    roles: ['gateway', 'worker', 'scheduler'],
    state: 'live',
    shards: 1,
    upkeep: true,
  })
  t.assert.match((await asOperator('nodes')).stdout, /\tlive\tgateway,worker,scheduler\*\t1\t/)

  const drained = await asOperator('drain', node.name)
  t.assert.deepEqual([drained.code, drained.stdout], [0, `${node.name}\tdrained\n`])
  const ready = await fetch(`${url}/readyz`)
  t.assert.deepEqual([ready.status, await ready.json()], [503, { status: 'draining' }])

  const undone = await asOperator('drain', node.id, '--undo', '--json')
  t.assert.deepEqual([undone.code, JSON.parse(undone.stdout).state], [0, 'live'])
  t.assert.equal((await fetch(`${url}/readyz`)).status, 200)
  t.assert.equal((await asOperator('drain', 'nobody')).code, 3)
})

test('a drain that takes too long is told of, and goes on', async (t: TestContext) => {
  const { envWith, cli, faults } = await startRunning(t)
  const env = await envWith(['operator'])
  const node = async () => JSON.parse((await runCli(['nodes', '--json'], env)).stdout)[0]
  await faults({ path: '/cgi-bin/message/template/send', hang: 'before' })
  t.assert.equal((await cli(['send', ...goodMessage])).code, 0)
  await until(async () => (await node()).load.in_flight === 1, 15_000)
  const late = await runCli(['drain', (await node()).id, '--wait', '1s'], env)
  t.assert.deepEqual([late.code, late.stdout.split('\t')[1]], [5, 'draining\n'])
  t.assert.match(late.stderr, /not done within 1 s/)
  t.assert.equal((await runCli(['drain', 'any', '--wait', 'soon'], env)).code, 2)
})
