import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { suite, test } from 'node:test'
import { promisify } from 'node:util'
import { postgres, redis } from '../../scripts/servers.ts'
import { temporaryFolder } from '../support/folder.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..', '..')
const isRoot = process.getuid?.() === 0

const program = (folder: string, name: string, text = '') => {
  const file = join(folder, name)
  writeFileSync(file, `#!/bin/sh\n${text}\n`)
  chmodSync(file, 0o755)
}

/** Both servers are looked for in this folder alone, unless Debian's PostgreSQL is on this machine. */
const prepare = async (folder: string): Promise<string> => {
  const env = { PATH: folder, NODE_NO_WARNINGS: '1' }
  const { stderr } = await run(process.execPath, [join(root, 'scripts', 'servers.ts')], { env })
  return stderr
}

const redisAdvice = /There is no Redis to test with\. .*apt-get install redis-server\. .*HONGYAN_TEST_REDIS=/

suite('the servers of the tests', () => {
  test('are found on the PATH, a PostgreSQL only where all of it is', (t) => {
    const [first, second] = [temporaryFolder(t), temporaryFolder(t)]
    const env = { PATH: [first, second].join(delimiter) }
    assert.equal(redis.find(env), undefined)
    mkdirSync(join(first, 'postgres'))
    program(second, 'redis-server')
    assert.equal(redis.find(env), second)
    assert.equal(redis.find({}), undefined)
    program(second, 'postgres')
    assert.notEqual(postgres.find(env), second)
  })

  test('a machine that may not install them is told what to do, and goes on', async (t) => {
    assert.match(await prepare(temporaryFolder(t)), redisAdvice)
  })

  test('root installs them with apt', { skip: !isRoot && 'needs root' }, async (t) => {
    const folder = temporaryFolder(t)
    // Asked to install something, it does.
    const made = `[ "$1" = install ] && echo '#!/bin/sh' >${folder}/redis-server && /bin/chmod 755 ${folder}/redis-server`
    program(folder, 'apt-get', `echo "$DEBIAN_FRONTEND $@" >>${folder}/asked\n${made}\nexit 0`)
    const said = await prepare(folder)
    assert.match(said, /Installing what the tests need: .*redis-server/)
    assert.doesNotMatch(said, redisAdvice)
    const [update, install] = readFileSync(join(folder, 'asked'), 'utf8').split('\n')
    assert.match(update!, /^noninteractive update/)
    assert.match(install!, /^noninteractive install .*-y .*redis-server/)
    assert.doesNotMatch(await prepare(folder), redisAdvice)
  })

  test('an installation that fails is told, with what to do', {
    skip: !isRoot && 'needs root',
  }, async (t) => {
    const folder = temporaryFolder(t)
    program(folder, 'apt-get', 'exit 1')
    const said = await prepare(folder)
    assert.match(said, /could not be installed/)
    assert.match(said, redisAdvice)
  })

  test('a test that has no server fails with the same sentence, and is not skipped', async (t) => {
    const file = join(root, 'test', 'engines', 'redis-audit.test.ts')
    const env = { PATH: temporaryFolder(t), NODE_NO_WARNINGS: '1' }
    const failure = await run(process.execPath, ['--test', '--test-reporter=tap', file], { env }).then(
      () => assert.fail('It has passed without a Redis'),
      (error: { readonly stdout: string }) => error.stdout,
    )
    assert.match(failure, redisAdvice)
    assert.match(failure, /# skipped 0\n/)
  })
})
