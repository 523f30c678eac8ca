import { suite, type TestContext, test } from 'node:test'
import { runGrants } from './grants-run.ts'

suite('the books on grants, against the truth', () => {
  test('twenty kills leave them neither above it nor short of what is known', {
    timeout: 300_000,
  }, async (t: TestContext) => {
    const findings = await runGrants(t, { kills: 20, seed: 20_261_125 })
    t.diagnostic(JSON.stringify(findings))
    t.assert.deepEqual([findings.above, findings.leaked], [[], []])
    t.assert.ok(findings.sent > 20 && findings.refused > 0, 'grants were used, and ran out')
  })
})
