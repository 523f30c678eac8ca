/** A migration that is killed, at any moment, is finished by the next one, and at no moment can both ends send. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { readMark } from '../../src/engines/embedded/mark.ts'
import { openRedis } from '../../src/engines/redis/redis.ts'
import { migrate } from '../../src/migration.ts'
import { createRandom } from '../../src/simulator/random.ts'
import { type Backlog, fillEngine, tenants } from '../support/backlog.ts'
import { createTestClock } from '../support/clock.ts'
import { openEngine } from '../support/embedded.ts'
import { temporaryFolder } from '../support/folder.ts'
import { aMessage } from '../support/messages.ts'
import { migrateAll, type Route, withEnds } from '../support/migration.ts'
import { withMoments } from '../support/migration-moments.ts'
import { startRedis } from '../support/redis.ts'

const seed = 4
const rounds = 24
/** More than a page, so that there is something between the pages. */
const crowd = 2100
const child = new URL('../support/migrating-child.ts', import.meta.url).pathname

/** A folder that a process with leases has left. */
const aFolder = async (t: TestContext): Promise<{ readonly folder: string; readonly backlog: Backlog }> => {
  const clock = createTestClock()
  const folder = temporaryFolder(t)
  const engine = await openEngine(t, { folder, clock })
  const backlog = await fillEngine(engine, clock)
  const others = Array.from({ length: crowd }, (_, n) =>
    aMessage({ touser: `o-${n}`, acceptedAt: clock.now() + n }),
  )
  await engine.queue.publish(others)
  await engine.close()
  return { folder, backlog }
}

const copyOf = (t: TestContext, folder: string): string => {
  const copy = temporaryFolder(t)
  cpSync(folder, copy, { recursive: true })
  return copy
}

const killedAt = async ({ folder, url, prefix, clock }: Route, moment: number): Promise<void> => {
  const args = [child, folder, url, prefix, String(clock.now()), String(moment)]
  const [code, signal] = await once(spawn(process.execPath, args, { stdio: 'inherit' }), 'exit')
  assert.ok(signal === 'SIGKILL' || code === 0, `The child ended with ${code}`)
}

/** Whether an engine of this target would start, and its workers send. */
const isLive = ({ url, prefix, clock }: Route): Promise<boolean> =>
  openRedis({ url, prefix, clock, leaseMs: 60_000, retentionMs: 3_600_000, onAlert: () => {} }).then(
    (engine) => {
      engine.cut()
      return true
    },
    (error: unknown) => {
      assert.match(String(error), /is being migrated/)
      return false
    },
  )

const countMoments = async (route: Route): Promise<number> => {
  let moments = 0
  await withEnds(route, (ends) =>
    migrate(
      withMoments(ends, (moment) => {
        moments = moment + 1
      }),
      { id: 'counted', now: route.clock.now(), progress: () => {} },
    ),
  )
  return moments
}

test('a migration that is killed at any moment is finished by the next one', {
  timeout: 600_000,
}, async (t) => {
  const { folder, backlog } = await aFolder(t)
  // It is our processes that are killed here, so Redis need not write to the disk.
  const { url } = await startRedis(t, ['--appendonly', 'no'])
  const { clock } = backlog
  const routeOf = (name: string): Route => ({
    ...{ folder: copyOf(t, folder), url, prefix: `killed-${process.pid}-${name}:`, clock },
  })
  const whole = routeOf('whole')
  const moments = await countMoments(whole)
  assert.ok(moments > 60, `There are ${moments} moments`)
  const expected = await witness(whole, backlog)

  const random = createRandom(seed)
  // The first and the last steps, where both ends change, and some of all the others.
  const chosen = Array.from({ length: rounds }, (_, round) => {
    if (round < 6) return round
    return round < 14 ? moments + 5 - round : Math.floor(random.next() * moments)
  })
  for (const [round, moment] of chosen.entries()) {
    const route = routeOf(String(round))
    await killedAt(route, moment)
    const mark = readMark(route.folder)
    if (mark?.state !== 'moved') {
      // Whoever takes the mark away now stays alone.
      const there = await withEnds(route, ({ target }) => target.look(mark?.id))
      assert.ok(
        mark === undefined ? there === 'empty' : there === 'empty' || there === 'moving',
        `${moment}: ${there}`,
      )
      if (there === 'moving') assert.equal(await isLive(route), false)
    }
    if (mark !== undefined)
      await assert.rejects(openEngine(t, { folder: route.folder }), { name: 'FolderMoved' })
    if (round % 5 === 0) await killedAt(route, Math.floor(random.next() * moments))
    await migrateAll(route)
    assert.equal(readMark(route.folder)?.state, 'moved')
    assert.deepEqual(await witness(route, backlog), expected, `killed at ${moment}`)
    assert.equal((await migrateAll(route)).result, 'already-done')
  }
})

/** What is there, as the engine sees it. */
const witness = async ({ url, prefix, clock }: Route, { messages }: Backlog) => {
  const engine = await openRedis({
    ...{ url, prefix, clock, leaseMs: 60_000, retentionMs: 3_600_000 },
    onAlert: () => {},
  })
  try {
    return {
      counts: await Promise.all(tenants.map((tenant) => engine.ledger.counts(tenant))),
      depth: await engine.queue.depth(),
      records: await Promise.all([...messages.values()].map((message) => engine.ledger.find(message))),
      grants: await engine.recipients.grants({ account: messages.get('sent')!.account, touser: 'o-books' }),
      mended: await engine.upkeep.reconcile(),
    }
  } finally {
    engine.cut()
  }
}
