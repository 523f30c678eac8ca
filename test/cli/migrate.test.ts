import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { newMasterKey } from '../../src/vault.ts'
import { runCli, startCli } from '../support/cli.ts'
import { startRedis } from '../support/redis.ts'
import { stoppedHome } from '../support/stopped-home.ts'

const anyPort = { HONGYAN_HTTP: '127.0.0.1:0', HONGYAN_LOG: 'warn' }

test('a backlog is counted, moved once, and not sent from where it was', async (t: TestContext) => {
  const { home } = await stoppedHome(t, 3)
  const { url, command } = await startRedis(t)
  await command('ACL', 'SETUSER', 'mover', 'on', '>swordfish', '~*', '&*', '+@all')
  const secret = url.replace('//', '//mover:swordfish@')
  const from = `embedded:${join(home, 'data')}`
  const env = { HONGYAN_HOME: home }
  const migrate = (...more: readonly string[]) =>
    runCli(['migrate', '--from', from, '--to', `${secret}?shards=2`, '--json', ...more], env)

  const counted = await migrate('--dry-run')
  t.assert.equal(counted.code, 0, counted.stderr)
  t.assert.partialDeepStrictEqual(JSON.parse(counted.stdout), {
    result: 'dry-run',
    kinds: [{ kind: 'directory' }, {}, {}, {}, {}, {}, {}, { read: 3 }, { kind: 'messages', read: 3 }],
  })
  const moved = await migrate()
  t.assert.equal(moved.code, 0, moved.stderr)
  const { to, result, kinds } = JSON.parse(moved.stdout)
  t.assert.deepEqual([result, to], ['migrated', `${url}?shards=2`])
  for (const { read, there, checksum, checksum_there } of kinds)
    t.assert.deepEqual([there, checksum_there], [read, checksum])
  t.assert.match(moved.stderr, /every node needs the master key in .*master\.key/)
  t.assert.ok(!(moved.stdout + moved.stderr).includes('swordfish'))

  const again = await migrate()
  t.assert.deepEqual([again.code, JSON.parse(again.stdout).result], [0, 'already-done'])
  const old = await runCli(['serve'], { ...env, ...anyPort })
  t.assert.equal(old.code, 1)
  t.assert.match(old.stderr, /has been migrated to redis:.*set HONGYAN_ENGINE/)
  // Without --from and --to it takes the folder of the home and the engine of the settings.
  const usual = await runCli(['migrate'], { ...env, HONGYAN_ENGINE: `${secret}?shards=2` })
  t.assert.deepEqual([usual.code, usual.stdout], [0, ''])
  t.assert.match(usual.stderr, /It has been done before/)
})

test('what it cannot do it says, and changes nothing', async (t: TestContext) => {
  const { home } = await stoppedHome(t, 1)
  const { url } = await startRedis(t)
  const env = { HONGYAN_HOME: home }
  const to = ['--to', url]
  const cases = [
    [['--from', url, ...to], env, 2, /--from can only be embedded/],
    [['--to', 'embedded:x'], env, 2, /--to can only be redis/],
    [['--to', 'kafka://x'], env, 2, /--to: must be embedded:<folder> or redis:/],
    [['--from', `embedded:${home}/nowhere`, ...to], env, 1, /There is no hongyan\.db in/],
    [to, { ...env, HONGYAN_MASTER_KEY: newMasterKey() }, 1, /does not open: the master key is not the one/],
  ] as const
  for (const [args, settings, code, sentence] of cases) {
    const { code: ended, stderr } = await runCli(['migrate', ...args], settings)
    t.assert.match(stderr.replaceAll(/\n +/g, ' '), sentence)
    t.assert.equal(ended, code)
  }
  // A home without its key: the service would not start either.
  rmSync(join(home, 'master.key'))
  const keyless = await runCli(['migrate', ...to], env)
  t.assert.equal(keyless.code, 2)
  t.assert.match(keyless.stderr, /no master\.key/)
})

test('a running service and a Redis with something in it are refused', async (t: TestContext) => {
  const { home } = await stoppedHome(t, 1)
  const { url } = await startRedis(t)
  const other = await stoppedHome(t, 1)
  const move = (from: string) => runCli(['migrate', '--to', url, '--json'], { HONGYAN_HOME: from })
  t.assert.equal((await move(other.home)).code, 0)
  const occupied = await move(home)
  t.assert.equal(occupied.code, 1)
  t.assert.match(occupied.stderr, /"code":"migration-occupied"/)
  t.assert.match(occupied.stderr, /FLUSHDB/)

  const service = startCli(['serve'], {
    ...anyPort,
    HONGYAN_HOME: home,
    HONGYAN_WECHAT: 'http://127.0.0.1:1023',
  })
  await service.says(/The first admin key is in/)
  const running = await move(home)
  t.assert.equal(running.code, 1)
  t.assert.match(running.stderr, /in use by another Hongyan/)
  service.child.kill('SIGTERM')
  t.assert.equal((await service.ended).code, 0)
})
