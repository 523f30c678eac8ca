import { suite, type TestContext, test } from 'node:test'
import { faultsIn } from './checker.ts'
import { runKills } from './kill-run.ts'
import { reportOf } from './report.ts'
import { missedWindows } from './windows.ts'

/** Together at least a hundred kills. A start is mostly waiting for one core, so several go side by side. */
const lanes = 3
const killsEach = 34
const limitMs = 600_000
const seed = 20_260_501

suite('kill -9', () => {
  test('a hundred kills lose nothing and send nothing twice', {
    timeout: limitMs,
  }, async (t: TestContext) => {
    const started = performance.now()
    const results = await Promise.all(
      Array.from({ length: lanes }, (_, lane) =>
        runKills(t, {
          engine: 'embedded',
          rounds: killsEach,
          seed: seed + lane,
          until: Number.POSITIVE_INFINITY,
          receiptsMayWait: true,
        }),
      ),
    )
    const report = reportOf(results, {
      engine: 'embedded',
      seed,
      seconds: (performance.now() - started) / 1000,
    })
    t.diagnostic(JSON.stringify(report))

    for (const { findings } of results) t.assert.deepEqual(faultsIn(findings), [], JSON.stringify(findings))
    t.assert.ok(report.kills >= 100)
    // Template messages are repeated until WeChat says so; only the others may be left to wait for a receipt.
    const records = results.flatMap(({ records }) => records)
    const templatesNotSent = records.filter(
      ({ channel, state }) => channel === 'template' && state !== 'sent',
    )
    t.assert.deepEqual(templatesNotSent, [])
    const ends = new Set(records.map(({ state }) => state))
    t.assert.ok(ends.isSubsetOf(new Set(['sent', 'parked', 'unknown'])), [...ends].join())
    t.assert.deepEqual(missedWindows(report.windows), [], 'a window was never hit')
  })
})
