import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { openExport } from '../src/engines/embedded/export.ts'
import { assertSecretsOpen, type Ends, MigrationRefused, migrate, rehearse } from '../src/migration.ts'
import type { Import, Kind } from '../src/transfer.ts'
import { createVault, newMasterKey } from '../src/vault.ts'
import { fillEngine, masterKey } from './support/backlog.ts'
import { createTestClock } from './support/clock.ts'
import { openEngine } from './support/embedded.ts'
import { temporaryFolder } from './support/folder.ts'
import { aMessage } from './support/messages.ts'
import { migrateAll, type Route, withEnds } from './support/migration.ts'
import { openRedisEngine, sharedUrl, startRedis } from './support/redis.ts'

let prefixes = 0

/** A filled folder, and an empty Redis. */
const aRoute = async (t: TestContext): Promise<Route> => {
  const clock = createTestClock()
  const folder = temporaryFolder(t)
  const engine = await openEngine(t, { folder, clock })
  await fillEngine(engine, clock)
  await engine.close()
  return { folder, clock, url: await sharedUrl(), prefix: `refused-${process.pid}-${prefixes++}:` }
}

const refused = (reason: MigrationRefused['reason']) => (error: unknown) =>
  error instanceof MigrationRefused && error.reason === reason

const start = ({ clock }: Route, id = 'migration-1') => ({ id, now: clock.now(), progress: () => {} })

/** Migrates until its first page is there, and fails then. */
const interrupt = (route: Route): Promise<void> =>
  assert.rejects(
    withEnds(route, ({ source, target }) => {
      const put = async () => {
        throw new Error('the power went')
      }
      return migrate({ source, target: { ...target, put } }, start(route))
    }),
    /the power went/,
  )

suite('a migration', () => {
  test('is not begun while an engine has the folder', async (t) => {
    const folder = temporaryFolder(t)
    await openEngine(t, { folder })
    assert.throws(() => openExport(folder), { name: 'FolderInUse' })
    assert.throws(() => openExport(temporaryFolder(t)), { name: 'FolderEmpty' })
  })

  test('changes nothing when it is rehearsed', async (t) => {
    const route = await aRoute(t)
    const counts = await withEnds(route, (ends) => rehearse(ends, route.clock.now()))
    assert.ok(Object.values(counts).every((count) => count > 0))
    await openEngine(t, route)
    assert.equal(
      await withEnds({ ...route, folder: (await aRoute(t)).folder }, ({ target }) => target.look('x')),
      'empty',
    )
  })

  test('needs the master key that sealed the secrets', async (t) => {
    const { folder } = await aRoute(t)
    const source = openExport(folder)
    try {
      await assertSecretsOpen(source, createVault(masterKey))
      await assertSecretsOpen(source, createVault(newMasterKey(), masterKey))
      await assert.rejects(assertSecretsOpen(source, createVault(newMasterKey())), /does not open/)
    } finally {
      source.close()
    }
  })

  test('goes into an empty Redis only, with its number of shards', async (t) => {
    const route = await aRoute(t)
    const engine = await openRedisEngine(t, route)
    await engine.directoryRecords.put('key', 'key_1', '{}')
    await assert.rejects(migrateAll(route), refused('occupied'))
    await engine.directoryRecords.remove('key', 'key_1')
    await engine.queue.publish([aMessage()])
    await assert.rejects(migrateAll(route), refused('occupied'))
    await assert.rejects(migrateAll({ ...route, shards: 8 }), /has 16 shards, and 8 were asked for/)
    // Nothing has been marked: the service goes on where it was.
    await openEngine(t, route)
  })

  test('that was interrupted keeps both engines from starting, and is finished at the same place only', async (t) => {
    const route = await aRoute(t)
    await interrupt(route)
    await assert.rejects(
      openEngine(t, route),
      /is being migrated to redis:.*hongyan migrate again.*remove .*moved\.json/,
    )
    await assert.rejects(openRedisEngine(t, route), /being migrated into it/)
    await assert.rejects(migrateAll({ ...route, shards: 8 }), /shards/)
    const elsewhere = { ...route, prefix: `${route.prefix}other:` }
    await assert.rejects(
      withEnds(elsewhere, ({ source, target }) =>
        migrate({ source, target: { ...target, address: 'redis://elsewhere' } }, start(route)),
      ),
      refused('elsewhere'),
    )
    assert.equal((await migrateAll(route)).result, 'migrated')
    await openRedisEngine(t, route)
    await assert.rejects(openEngine(t, route), /has been migrated to redis:.*set HONGYAN_ENGINE/)
  })

  test('that is given up leaves nothing that could be sent, nor taken up by another one', async (t) => {
    const route = await aRoute(t)
    await interrupt(route)
    rmSync(join(route.folder, 'moved.json'))
    const engine = await openEngine(t, route)
    await engine.close()
    await assert.rejects(openRedisEngine(t, route), /being migrated into it/)
    await assert.rejects(
      withEnds(route, (ends) => migrate(ends, start(route, 'migration-2'))),
      refused('occupied'),
    )
    await openEngine(t, route)
  })

  test('shuts out a node that was running on the target when it began', async (t) => {
    const route = await aRoute(t)
    const { queue } = await openRedisEngine(t, { ...route, onAlert: () => {} })
    await interrupt(route)
    await assert.rejects(queue.receive({ max: 1, waitMs: 0 }), /EPOCH/)
    await assert.rejects(queue.publish([aMessage()]), /EPOCH/)
    // It has looked for a new epoch meanwhile, and takes up none that belongs to a migration.
    await assert.rejects(queue.receive({ max: 1, waitMs: 0 }), /EPOCH/)
  })

  for (const kind of ['messages', 'grants', 'nonces', 'directory', 'idempotency_keys'] as const)
    test(`finds out when ${kind} are not there as they were, and does not go live`, async (t) => {
      const route = await aRoute(t)
      await assert.rejects(
        withEnds(route, (ends) => migrate(forgetting(ends, kind), start(route))),
        (error: Error) => refused('differs')(error) && error.message.includes(kind),
      )
      await assert.rejects(openRedisEngine(t, route), /being migrated into it/)
      assert.equal((await migrateAll(route)).result, 'migrated')
    })

  test('finds out when a message has lost its place in the queue', async (t) => {
    const server = await startRedis(t, ['--appendonly', 'no'])
    const route = { ...(await aRoute(t)), url: server.url, shards: 1 }
    await assert.rejects(
      withEnds(route, ({ source, target }) => {
        const put: Import['put'] = async (kind, rows) => {
          await target.put(kind, rows)
          if (kind === 'messages') await server.command('DEL', `${route.prefix}{s0}:due:1`)
        }
        return migrate({ source, target: { ...target, put } }, start(route))
      }),
      refused('differs'),
    )
  })

  test('that was finished is not begun again when the target has lost it', async (t) => {
    const route = await aRoute(t)
    await migrateAll(route)
    const lost = { ...route, prefix: `${route.prefix}lost:` }
    await assert.rejects(migrateAll(lost), refused('lost'))
  })
})

/** A target that loses the first row of a kind, and says nothing. */
const forgetting = ({ source, target }: Ends, lost: Kind): Ends => ({
  source,
  target: {
    ...target,
    put: (kind, rows) => target.put(kind, kind === lost ? rows.slice(1) : rows),
  },
})
