/**
 * An engine that begins as the embedded one and is Redis after every restart: whatever the contracts promise over a
 * restart, they promise over a migration.
 */
import type { TestContext } from 'node:test'
import { ledgerContract } from '../contract/ledger-contract.ts'
import { queueContract } from '../contract/queue-contract.ts'
import { recipientsContract } from '../contract/recipients-contract.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { openEngine } from '../support/embedded.ts'
import { temporaryFolder } from '../support/folder.ts'
import type { Harness } from '../support/harness.ts'
import { migrateAll } from '../support/migration.ts'
import { openRedisEngine, sharedUrl } from '../support/redis.ts'

const leaseMs = 60_000
const retentionMs = 3_600_000
let harnesses = 0

const open = async (t: TestContext): Promise<Harness> => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const clock = createTestClock()
  const folder = temporaryFolder(t)
  const engine = await openEngine(t, { folder, clock, leaseMs, retentionMs })
  return {
    ...{ queue: engine.queue, ledger: engine.ledger, recipients: engine.recipients, clock, retentionMs },
    async restart() {
      await engine.close()
      const place = { url: await sharedUrl(), prefix: `moved-${process.pid}-${harnesses++}:`, clock }
      await migrateAll({ folder, ...place })
      return onRedis(t, place)
    },
    async loseLeases() {
      clock.advance(leaseMs)
    },
    async sweep() {
      t.mock.timers.tick(10_000)
      await engine.queue.depth()
    },
  }
}

const onRedis = async (
  t: TestContext,
  place: { readonly url: string; readonly prefix: string; readonly clock: TestClock },
): Promise<Harness> => {
  const { queue, ledger, recipients, upkeep, cut } = await openRedisEngine(t, {
    ...place,
    leaseMs,
    retentionMs,
  })
  return {
    ...{ queue, ledger, recipients, clock: place.clock, retentionMs, sweep: upkeep.sweep },
    async restart() {
      cut()
      return onRedis(t, place)
    },
    async loseLeases() {
      place.clock.advance(leaseMs)
    },
  }
}

queueContract('embedded, then redis,', { open })
ledgerContract('embedded, then redis,', {
  open,
  skip: { 'a cursor holds after a restart': 'a cursor belongs to the engine that gave it' },
})
recipientsContract('embedded, then redis,', { open })
