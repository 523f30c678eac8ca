import { type TestContext, test } from 'node:test'
import { runCli } from '../support/cli.ts'
import { goodMessage, startRunning } from '../support/running.ts'

const path = '/cgi-bin/message/template/send'

test('what an account may still send is asked of WeChat, counted and shown', async (t: TestContext) => {
  const { cli } = await startRunning(t)
  const nothing = await cli(['quota'])
  t.assert.equal(nothing.stdout, '')
  t.assert.match(nothing.stderr, /Nothing has been sent yet/)

  const [asked] = JSON.parse((await cli(['quota', '--account', 'demo-official', '--json'])).stdout)
  t.assert.partialDeepStrictEqual(asked, {
    account: 'demo-official',
    api: path,
    daily_limit: 100_000,
    used: 0,
    remaining: 100_000,
    minute_limit: null,
    source: 'wechat',
    held_until: null,
    held: null,
    urgent_reserve: 5000,
    pace: { allowed: 128, in_flight: 0, waiting: 0 },
    forecast: { exhausted_at: null },
  })
  t.assert.match(asked.resets_at, /T16:00:00.000Z$/)

  t.assert.equal((await cli(['send', ...goodMessage, '--wait'])).code, 0)
  t.assert.match((await cli(['quota'])).stdout, /^demo-official\t\S+\t1\t100000\t99999\t0\/128\tok\n$/)
})

test('only the accounts of one’s own tenant are told of', async (t: TestContext) => {
  const { cli, envWith } = await startRunning(t)
  t.assert.equal((await cli(['quota', '--account', 'their-shop'])).code, 3)
  t.assert.equal((await runCli(['quota'], await envWith(['send']))).code, 4)
  t.assert.equal((await runCli(['quota'], await envWith(['read']))).code, 0)
})
