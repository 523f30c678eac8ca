import { type TestContext, test } from 'node:test'
import { runCli } from '../support/cli.ts'

test('errcode tells class, action, scope, cause and next step in both languages', async (t: TestContext) => {
  const { code, stdout, stderr } = await runCli(['errcode', '43101'], {})
  t.assert.deepEqual([code, stderr], [0, ''])
  t.assert.match(
    stdout,
    /^43101 {2}user refuse to accept the msg\nclass {3}recipient\naction {2}drop: .*\nscope {3}recipient-template: /,
  )
  t.assert.match(stdout, /\ncause .*\nnext .*\n原因 .*\n对策 .*\n$/)
  const chinese = await runCli(['errcode', '43101'], { LANG: 'zh_CN.UTF-8' })
  t.assert.match(chinese.stdout, /\n原因 .*\n对策 .*\ncause .*\nnext .*\n$/)
})

test('a code below zero is a code, not a flag', async (t: TestContext) => {
  const { code, stdout } = await runCli(['errcode', '-1', '--json'], {})
  t.assert.equal(code, 0)
  t.assert.partialDeepStrictEqual(JSON.parse(stdout), { code: -1, action: 'backoff', known: true })
})

test('a code that is not in the table exits 3, and still says how it is met', async (t: TestContext) => {
  const { code, stdout, stderr } = await runCli(['errcode', '99999', '--json'], {})
  t.assert.equal(code, 3)
  t.assert.partialDeepStrictEqual(JSON.parse(stdout), { code: 99999, known: false })
  t.assert.match(stderr, /99999 is not in the table/)
})
