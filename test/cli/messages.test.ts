import { type TestContext, test } from 'node:test'
import { goodBody, goodMessage, type Running, startRunning } from '../support/running.ts'

const sendOne = async ({ cli }: Running, ...flags: readonly string[]): Promise<string> =>
  (await cli(['send', ...goodMessage, ...flags])).stdout.split('\t', 1)[0]!

test('get shows the timeline, with --json the message as it is', async (t: TestContext) => {
  const running = await startRunning(t)
  const id = await sendOne(running, '--at', '+1h')
  const shown = await running.cli(['get', id])
  t.assert.deepEqual([shown.code, shown.stderr], [0, ''])
  t.assert.match(shown.stdout, new RegExp(`^… scheduled\n  ${id}\n`))
  const { code, stdout } = await running.cli(['get', id, '--json'])
  t.assert.equal(code, 0)
  t.assert.equal(JSON.parse(stdout).id, id)
})

test('what is not there exits 3, and says so on standard error only', async (t: TestContext) => {
  const { cli } = await startRunning(t)
  const { code, stdout, stderr } = await cli(['get', 'msg_1', '--json'])
  t.assert.deepEqual([code, stdout], [3, ''])
  const { error } = JSON.parse(stderr.trimEnd().split('\n').at(-1)!)
  t.assert.partialDeepStrictEqual(error, { code: 'not-found', status: 404 })
  t.assert.match(error.request_id, /^req_/)
})

test('list finds by what it is asked for, newest first, with tabs between', async (t: TestContext) => {
  const running = await startRunning(t)
  const first = await sendOne(running, '--at', '+1h', '--tag', 'sale')
  const second = await sendOne(running, '--at', '+1h')
  const { code, stdout, stderr } = await running.cli(['list', '--state', 'scheduled'])
  t.assert.deepEqual([code, stderr], [0, ''])
  const rows = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'))
  t.assert.deepEqual(
    rows.map(([, id]) => id),
    [second, first],
  )
  t.assert.deepEqual(rows[0]!.slice(2), [
    'scheduled',
    '',
    'oDemoUser0000000000000000001',
    'DemoPaymentReceived_000000000000000000000_2',
  ])

  const idsOf = async (...flags: readonly string[]) =>
    JSON.parse((await running.cli(['list', '--json', ...flags])).stdout).map(({ id }: { id: string }) => id)
  t.assert.deepEqual(await idsOf('--tag', 'sale'), [first])
  t.assert.deepEqual(await idsOf('--q', second), [second])
  t.assert.deepEqual(await idsOf('--account', 'demo-official', '--template', 'payment-received'), [
    second,
    first,
  ])
  t.assert.deepEqual(await idsOf('--from', '-1h', '--to-time', '+1h'), [second, first])
  t.assert.deepEqual(await idsOf('--from', '+1h'), [])
  t.assert.deepEqual(await idsOf('--to', 'oDemoUser0000000000000000002'), [])
})

test('list goes on where it ended, and --all takes every page', async (t: TestContext) => {
  const { cli } = await startRunning(t)
  const line = JSON.stringify({
    ...goodBody,
    send_at: new Date(Date.now() + 3_600_000).toISOString(),
  })
  await cli(['send', '--file', '-'], `${line}\n`.repeat(450))
  const first = await cli(['list', '--limit', '250'])
  const cursor = /--cursor (\S+),/.exec(first.stderr)![1]!
  const second = await cli(['list', '--limit', '1000', '--cursor', cursor])
  const all = await cli(['list', '--all', '--json'])
  const ids = `${first.stdout}${second.stdout}`
    .trimEnd()
    .split('\n')
    .map((row) => row.split('\t')[1])
  t.assert.equal(new Set(ids).size, 450)
  t.assert.deepEqual(
    JSON.parse(all.stdout).map(({ id }: { id: string }) => id),
    ids,
  )
  t.assert.deepEqual([second.stderr, all.stderr], ['', ''])
})

test('nothing found is an empty array, or a sentence on standard error', async (t: TestContext) => {
  const { cli } = await startRunning(t)
  t.assert.equal((await cli(['list', '--json'])).stdout, '[]\n')
  t.assert.deepEqual(await cli(['list']), { code: 0, stdout: '', stderr: 'There are no such messages.\n' })
})

test('cancel stops a scheduled message once it is told to', async (t: TestContext) => {
  const running = await startRunning(t)
  const id = await sendOne(running, '--at', '+1h')
  const unasked = await running.cli(['cancel', id])
  t.assert.deepEqual([unasked.code, unasked.stdout], [2, ''])
  t.assert.match(unasked.stderr, /Add --yes/)

  t.assert.deepEqual(await running.cli(['cancel', id, '--yes']), {
    code: 0,
    stdout: `${id}\tcancelled\n`,
    stderr: '',
  })
  t.assert.match((await running.cli(['get', id])).stdout, /^✖ cancelled/)
  const again = await running.cli(['cancel', id, '--yes', '--json'])
  t.assert.deepEqual([again.code, JSON.parse(again.stdout)], [0, [{ id, state: 'cancelled' }]])
})

test('of several messages some may be cancelled: exit 5; none: the code of the first', async (t: TestContext) => {
  const running = await startRunning(t)
  const id = await sendOne(running, '--at', '+1h')
  const sent = JSON.parse((await running.cli(['send', ...goodMessage, '--wait', '--json'])).stdout).id
  const some = await running.cli(['cancel', sent, id, '--yes'])
  t.assert.deepEqual([some.code, some.stdout], [5, `${id}\tcancelled\n`])
  t.assert.match(some.stderr, /not-cancellable/)
  t.assert.equal((await running.cli(['cancel', sent, '--yes'])).code, 1)
  t.assert.equal((await running.cli(['cancel', 'msg_1', sent, '--yes'])).code, 3)
})
