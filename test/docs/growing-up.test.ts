import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { createApi } from '../../src/cli/api.ts'
import { atEnd } from '../support/at-end.ts'
import { shellBlocks } from '../support/dev.ts'
import { freePort, startRedis } from '../support/redis.ts'
import { type Accepted, aBody, stoppedHome } from '../support/stopped-home.ts'
import { until } from '../support/waiting.ts'

const root = join(import.meta.dirname, '..', '..')
const read = (file: string): string => readFileSync(join(root, 'docs', file), 'utf8')
const run = promisify(execFile)
const patienceMs = 60_000

/** Runs a block that goes on until the test is over. */
const runOn = (t: TestContext, block: string, env: Readonly<Record<string, string>>): { said(): string } => {
  const child = spawn('bash', ['-euo', 'pipefail', '-c', block.replace(/^(?!export)/m, 'exec ')], {
    ...{ cwd: root, env: { ...process.env, ...env, LANG: 'C' }, stdio: ['ignore', 'ignore', 'pipe'] },
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text) => (said += text))
  atEnd(t, () => child.kill('SIGKILL'))
  return { said: () => said }
}

suite('the page on growing up', () => {
  test('leads a backlog to Redis as written, and each message arrives once', async (t) => {
    const { home, key, waiting, simulator, arrived } = await stoppedHome(t, 5)
    const redis = await startRedis(t)
    const [look, move, serve] = shellBlocks(read('growing-up.md')).map((block) =>
      block
        .replaceAll('./.hongyan', home)
        .replaceAll('redis://127.0.0.1:6379', redis.url)
        .replaceAll('npm run -s hongyan --', `"${process.execPath}" bin/hongyan.js`),
    )
    const bash = async (block: string) =>
      (
        await run('bash', ['-euo', 'pipefail', '-c', block], {
          cwd: root,
          env: { ...process.env, LANG: 'C' },
        })
      ).stdout
    assert.match(await bash(look!), /^messages\t5$/m)
    assert.match(await bash(move!), /^messages\t5\t5\t[0-9a-f]{32}$/m)

    const http = `127.0.0.1:${await freePort()}`
    const node = runOn(t, serve!, { HONGYAN_HTTP: http, HONGYAN_WECHAT: simulator.url, HONGYAN_LOG: 'warn' })
    const orders = waiting.map((_, n) => `order-${n}`)
    await until(async () => (await arrived()).length >= orders.length, patienceMs).catch((error) => {
      throw new Error(`${error}: ${node.said()}`)
    })
    const again = (await createApi({ url: `http://${http}`, ...key }).post(
      '/v1/messages',
      aBody(3),
    )) as Accepted
    assert.partialDeepStrictEqual(again, { id: waiting[3]!.id, duplicate: true })
    assert.deepEqual((await arrived()).toSorted(), orders)
  })

  test('both languages have the same sections, names and commands', () => {
    const [english, chinese] = [read('growing-up.md'), read('growing-up.zh-CN.md')]
    for (const part of [/^#+ /gm, /^\|/gm, /`[a-zA-Z_.0-9]+`/g])
      assert.equal(chinese.match(part)?.length, english.match(part)?.length, String(part))
    assert.deepEqual(shellBlocks(chinese), shellBlocks(english))
  })
})
