import { suite, type TestContext, test } from 'node:test'
import { faultsIn } from './checker.ts'
import { runKills } from './kill-run.ts'
import { reportOf } from './report.ts'

/** A taste of `npm run fault -- --engine redis`, which makes hundreds of them. */
const rounds = 12
const seed = 20_260_601

suite('kill -9 of gateways, workers and Redis', () => {
  test('a dozen rounds lose nothing and send nothing twice', {
    timeout: 600_000,
  }, async (t: TestContext) => {
    const started = performance.now()
    const result = await runKills(t, {
      ...{ engine: 'redis', rounds, seed, receiptsMayWait: true },
      until: Number.POSITIVE_INFINITY,
    })
    const seconds = (performance.now() - started) / 1000
    t.diagnostic(JSON.stringify(reportOf([result], { engine: 'redis', seed, seconds })))

    t.assert.deepEqual(faultsIn(result.findings), [], JSON.stringify(result.findings))
    t.assert.ok(result.kills > rounds, 'several are killed at once')
    const templatesNotSent = result.records.filter(
      ({ channel, state }) => channel === 'template' && state !== 'sent',
    )
    t.assert.deepEqual(templatesNotSent, [])
  })
})
