import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { startSimulator } from '../../src/main.ts'
import { atEnd } from '../support/at-end.ts'
import { shellBlocks } from '../support/dev.ts'
import { temporaryFolder } from '../support/folder.ts'
import { freePort, startRedis } from '../support/redis.ts'

const root = join(import.meta.dirname, '..', '..')
const files = ['docs/several-nodes.md', 'docs/several-nodes.zh-CN.md'] as const
const read = (file: string): string => readFileSync(join(root, file), 'utf8')
const run = promisify(execFile)

/** A Redis with the lines of the page. */
const startRedisAsWritten = (t: TestContext, text: string) => {
  const [, conf] = /```conf\n([\s\S]*?)```/.exec(text)!
  const settings = conf!
    .trim()
    .split('\n')
    .flatMap((line) => {
      const [name, value] = line.split(/ (.*)/)
      return [`--${name}`, value!.replaceAll('"', '')]
    })
  return startRedis(t, settings)
}

/** Where the commands of the page are run: a folder that looks like the checkout. */
const checkout = (t: TestContext): string => {
  const folder = temporaryFolder(t)
  for (const name of ['bin', 'src', 'scripts', 'node_modules', 'package.json', 'package-lock.json'])
    symlinkSync(join(root, name), join(folder, name))
  mkdirSync(join(folder, 'nodes'))
  writeFileSync(join(folder, 'secret.txt'), '0123456789abcdef0123456789abcdef\n')
  return folder
}

suite('the page about several nodes', () => {
  test('every command works as written', { timeout: 240_000 }, async (t) => {
    const text = read(files[0])
    const anyPort = { host: '127.0.0.1', port: 0 }
    const simulator = await startSimulator({
      api: anyPort,
      admin: anyPort,
      anyAccount: true,
      latency: { fixedMs: 0 },
    })
    atEnd(t, simulator.close)
    const redis = await startRedisAsWritten(t, text)
    const ports = [await freePort(), await freePort()]
    const script = shellBlocks(text)
      .join('\n')
      .replaceAll('redis://127.0.0.1:6379', redis.url)
      .replaceAll('127.0.0.1:8081', `127.0.0.1:${ports[0]}`)
      .replaceAll('127.0.0.1:8082', `127.0.0.1:${ports[1]}`)
      .replaceAll('npm run -s hongyan --', 'node bin/hongyan.js')
    const { stdout } = await run(
      'bash',
      ['-euo', 'pipefail', '-c', `trap 'kill $(jobs -p); wait' EXIT\n${script}`],
      {
        cwd: checkout(t),
        env: {
          PATH: `${join(root, 'node_modules', '.bin')}:${process.env.PATH}`,
          LANG: 'C',
          HONGYAN_LOG: 'error',
          HONGYAN_WECHAT: simulator.url,
          HONGYAN_SIMULATOR: '127.0.0.1:0',
          HONGYAN_DRAIN_MS: '1000',
        },
      },
    )
    assert.equal(stdout.match(/"status":"ok"/g)?.length, 3)
    assert.match(stdout, /✔ The settings of Redis lose nothing/)
    assert.match(stdout, /✔ The master key is the one/)
    assert.match(stdout, /sent/)
  })

  test('both languages have the same sections and the same commands', () => {
    const [english, chinese] = [read(files[0]), read(files[1])]
    const levels = (text: string) => [...text.matchAll(/^#+ /gm)].map(([mark]) => mark)
    assert.deepEqual(levels(chinese), levels(english))
    assert.deepEqual(shellBlocks(chinese), shellBlocks(english))
    const codes = (text: string) => [...text.matchAll(/^\|.*$/gm)].map(([row]) => row.match(/`[^`]+`/g))
    assert.deepEqual(codes(chinese), codes(english))
  })

  test('names alerts that there are', () => {
    const sources = ['src/engines/redis/redis.ts', 'src/worker.ts'].map(read).join()
    const alerts = [...read(files[0]).matchAll(/log, `([^|]+)` \|/g)].flatMap(([, names]) =>
      names!.split('`, `'),
    )
    assert.ok(alerts.length >= 5)
    for (const alert of alerts) assert.ok(sources.includes(`'${alert.replace(/^redis-/, '')}'`), alert)
  })
})
