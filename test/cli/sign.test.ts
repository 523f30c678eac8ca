import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { runCli } from '../support/cli.ts'
import { goodBody, startRunning } from '../support/running.ts'

const vector = ['POST', '/v1/messages?dry=1', '--timestamp', '1767225600', '--nonce', '0123456789abcdef']
const env = { HONGYAN_KEY_ID: 'key_demo', HONGYAN_KEY_SECRET: 's3cr3t-of-at-least-32-characters-0' }
const body = '{"touser":"oABC"}'
const authorization =
  'HONGYAN-HMAC-SHA256 key_id="key_demo",timestamp="1767225600",nonce="0123456789abcdef",signature="nvTn2vsKFKS9dJPAn4aQapp5/vA97UiUscvIzSi7dzQ="'

test('sign answers the documented vector', async (t: TestContext) => {
  const header = await runCli(['sign', ...vector, '--body', body], env)
  t.assert.deepEqual(header, { code: 0, stdout: `Authorization: ${authorization}\n`, stderr: '' })
  const json = await runCli(['sign', ...vector, '--body', body, '--json'], env)
  t.assert.partialDeepStrictEqual(JSON.parse(json.stdout), {
    authorization,
    method: 'POST',
    timestamp: '1767225600',
  })
})

test('sign reads a body from a file, and quotes a curl command', async (t: TestContext) => {
  const { home } = await startRunning(t)
  const file = join(home, "it's.json")
  writeFileSync(file, body)
  const { stdout } = await runCli(['sign', ...vector, '--body', `@${file}`, '--curl'], env)
  t.assert.ok(stdout.includes(authorization))
  t.assert.ok(stdout.includes(`--data-binary '@${home}/it'\\''s.json'`))
})

test('the curl command that sign prints works', async (t: TestContext) => {
  const { cli } = await startRunning(t)
  const post = await cli(['sign', 'post', '/v1/messages', '--body', JSON.stringify(goodBody), '--curl'])
  const { id } = JSON.parse(await shell(post.stdout))
  t.assert.match(id, /^msg_/)
  const get = await cli(['sign', 'GET', '/v1/messages?limit=1', '--curl'])
  t.assert.equal(JSON.parse(await shell(get.stdout)).data[0].id, id)
})

test('sign refuses what is not a path', async (t: TestContext) => {
  t.assert.equal((await runCli(['sign', 'GET', 'v1/messages'], env)).code, 2)
  t.assert.equal((await runCli(['sign', 'GET', '/v1/messages?q=茶'], env)).code, 2)
  t.assert.equal((await runCli(['sign', 'POST', '/', '--body', '@/nowhere'], env)).code, 2)
})

const shell = async (command: string): Promise<string> =>
  (await promisify(execFile)('sh', ['-c', command])).stdout
