import { type TestContext, test } from 'node:test'
import { startRunning } from '../support/running.ts'

const target = ['--account', 'demo-miniprogram', '--to', 'oDemoMini0000000000000000001']
const template = ['--template', 'queue-turn']

test('grants are entered by hand, shown and withdrawn', async (t: TestContext) => {
  const { cli } = await startRunning(t)
  t.assert.deepEqual(await cli(['grants', 'add', ...target, ...template, '--count', '2']), {
    ...{ code: 0, stdout: 'entered\n', stderr: '' },
  })
  const shown = await cli(['grants', 'show', ...target])
  t.assert.equal(shown.stdout, 'DemoQueueTurn_000000000000000000000000000_4\tsubscribe\t-\t2\t0\t0\t-\n')
  await cli(['grants', 'add', ...target, ...template, '--lasting'])
  t.assert.match((await cli(['grants', 'show', ...target])).stdout, /\tany\t/)
  await cli(['grants', 'withdraw', ...target, ...template])
  const [grant] = JSON.parse((await cli(['grants', 'show', ...target, ...template, '--json'])).stdout)
  t.assert.equal(grant.left, 0)
  t.assert.equal((await cli(['grants', 'add', ...target, ...template, '--count', '0'])).code, 2)
})

test('check says yes, no or unknown, and its exit code says no too', async (t: TestContext) => {
  const { cli } = await startRunning(t)
  const check = () => cli(['check', ...target, ...template])
  const unknown = await check()
  t.assert.deepEqual([unknown.code, unknown.stdout.split('\n')[0]], [0, 'unknown'])
  await cli(['grants', 'add', ...target, ...template])
  t.assert.match((await check()).stdout, /^yes\n {2}The books hold 1 more\.\n/)
  await cli(['grants', 'withdraw', ...target, ...template])
  const no = await check()
  t.assert.deepEqual([no.code, no.stdout.split('\n')[0]], [1, 'no'])
  t.assert.equal(JSON.parse((await cli(['check', ...target, ...template, '--json'])).stdout).answer, 'no')
})
