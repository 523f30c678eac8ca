import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { startCli } from '../support/cli.ts'
import { startFakeGateway } from '../support/fake-gateway.ts'
import { goodBody, startRunning } from '../support/running.ts'

const good = JSON.stringify(goodBody)
const withoutAccount = JSON.stringify({ ...goodBody, account: 'nobody' })

test('bad lines are named by their number, and good ones do not suffer', async (t: TestContext) => {
  const { cli, home } = await startRunning(t)
  const file = join(home, 'messages.ndjson')
  writeFileSync(file, `${good}\n\nnot json\r\n${good}\r\n${withoutAccount}`)
  const { code, stdout, stderr } = await cli(['send', '--file', file])
  t.assert.deepEqual([code, stderr], [5, '2 accepted, 2 rejected.\n'])
  const lines = stdout.trimEnd().split('\n')
  t.assert.equal(lines.length, 4)
  t.assert.match(lines[0]!, /^1\tmsg_[0-9a-f]{32}\tqueued$/)
  t.assert.match(lines[1]!, /^3\trejected\tjson-malformed\t/)
  t.assert.match(lines[2]!, /^4\tmsg_[0-9a-f]{32}\tqueued$/)
  t.assert.match(lines[3]!, /^5\trejected\taccount-unknown\t/)
})

test('with --json every line of output is a document', async (t: TestContext) => {
  const { cli } = await startRunning(t)
  const { code, stdout } = await cli(['send', '--file', '-', '--json'], `${good}\n{}\n`)
  t.assert.equal(code, 5)
  const results = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  t.assert.partialDeepStrictEqual(results, [
    { line: 1, state: 'queued', duplicate: false },
    { line: 2, code: 'missing-field', status: 400 },
  ])
})

test('a file of many requests is sent to its end', async (t: TestContext) => {
  const { cli } = await startRunning(t)
  const { code, stdout, stderr } = await cli(['send', '--file', '-'], `${good}\n`.repeat(2500))
  t.assert.deepEqual([code, stderr], [0, '2500 accepted, 0 rejected.\n'])
  const lines = stdout.trimEnd().split('\n')
  t.assert.deepEqual([lines.length, lines[2499]!.split('\t', 1)[0]], [2500, '2500'])
})

test('a file that is checked only sends nothing, and one without a good line fails', async (t: TestContext) => {
  const { cli } = await startRunning(t)
  t.assert.equal((await cli(['send', '--file', '-', '--dry'], `${good}\n`)).code, 0)
  t.assert.equal((await cli(['list', '--json'])).stdout, '[]\n')
  t.assert.equal((await cli(['send', '--file', '-'], '{}\n')).code, 1)
  t.assert.equal((await cli(['send', '--file', '-'], '')).code, 0)
})

test('a file that cannot be read is a usage error', async (t: TestContext) => {
  const { cli } = await startRunning(t)
  const { code, stderr } = await cli(['send', '--file', '/nowhere/messages.ndjson'])
  t.assert.equal(code, 2)
  t.assert.match(stderr, /^✖ \/nowhere\/messages.ndjson cannot be read\n {2}→ ENOENT/)
})

test('a repeated request keeps its key; another has another', async (t: TestContext) => {
  const { env, seen } = await startFakeGateway(t, ({ body }, n) =>
    n === 2 ? { status: 503, body: { code: 'overloaded', title: 'Busy' } } : accepted(body),
  )
  const { code } = await startCli(['send', '--file', '-'], env, `${good}\n`.repeat(1001)).ended
  t.assert.equal(code, 0)
  const keys = seen.map(({ headers }) => headers['idempotency-key'])
  t.assert.equal(keys.length, 3)
  t.assert.notEqual(keys[0], keys[1])
  t.assert.equal(keys[1], keys[2])
})

test('an interrupt lets the request under way end, says where it stopped, and exits 130', async (t: TestContext) => {
  const asked = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<void>()
  const { env } = await startFakeGateway(t, async ({ body }) => {
    asked.resolve()
    await answer.promise
    return accepted(body)
  })
  const cli = startCli(['send', '--file', '-'], env, `${good}\n`.repeat(3000))
  await asked.promise
  cli.child.kill('SIGINT')
  await cli.says(/Stopping: waiting for the answer/)
  answer.resolve()
  const { code, stderr } = await cli.ended
  t.assert.equal(code, 130)
  t.assert.match(stderr, /Stopped after line 1000: 1000 accepted, 0 rejected\./)
})

test('a gateway that goes away leaves the lines under way in doubt, and says so', async (t: TestContext) => {
  const { env } = await startFakeGateway(t, ({ body }, n) =>
    n === 1 ? accepted(body) : { status: 503, body: { code: 'in-doubt', title: 'In doubt' } },
  )
  const { code, stderr } = await startCli(['send', '--file', '-'], env, `${good}\n`.repeat(1200)).ended
  t.assert.equal(code, 1)
  t.assert.match(stderr, /Stopped after line 1000: .*; lines 1001 to 1200 were not answered\./)
})

const accepted = (body: string) => {
  const results = body
    .trimEnd()
    .split('\n')
    .map((_, n) => ({ id: `msg_${n}`, state: 'queued', duplicate: false }))
  return { status: 202, body: { accepted: results.length, rejected: 0, results } }
}
