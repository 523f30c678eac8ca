import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { suite, type TestContext, test } from 'node:test'
import type { Message } from '../../src/message.ts'
import { atEnd } from '../support/at-end.ts'
import { temporaryFolder } from '../support/folder.ts'
import { aKeyedMessage } from '../support/messages.ts'
import { answers, publishes } from '../support/publishing-load.ts'
import { openRedisEngine, startRedis } from '../support/redis.ts'
import { until } from '../support/waiting.ts'

const limitMs = 20_000

/** A disk of a few megabytes. Nothing where only root may make one, and this is not root. */
const smallDisk = (t: TestContext): { readonly folder: string; grow(): void } | undefined => {
  const folder = temporaryFolder(t)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', folder], { stdio: 'pipe' })
  } catch (error) {
    t.skip(`A small disk cannot be made here: ${String((error as Error).message)}`)
    return undefined
  }
  atEnd(t, () => execFileSync('umount', ['--lazy', folder]))
  return { folder, grow: () => void execFileSync('mount', ['-o', 'remount,size=64m', folder]) }
}

suite('redis on a full disk', () => {
  test('takes nothing in any more, and has all it had answered for when there is room again', async (t) => {
    const disk = smallDisk(t)
    if (!disk) return
    const server = await startRedis(t, ['--dir', disk.folder])
    const engine = await openRedisEngine(t, { url: server.url, callMs: 1000, onAlert: () => {} })
    const accepted: Message[] = []
    let doubted: Message[] = []
    for (let n = 0; doubted.length === 0; n++) {
      assert.ok(n < 1000, 'the disk is never full')
      const batch = Array.from({ length: 5 }, (_, k) =>
        aKeyedMessage(`${n}-${k}`, { touser: `o-${k}`, body: JSON.stringify({ fill: 'x'.repeat(20_000) }) }),
      )
      if (await publishes(engine, batch)) accepted.push(...batch)
      else doubted = batch
    }
    // A Redis that cannot write its log ends.
    await until(() => server.isDown(), limitMs)
    disk.grow()
    await server.start()
    await until(() => answers(engine), limitMs)
    for (const message of accepted) assert.equal((await engine.ledger.find(message))?.state, 'queued')
    await until(() => publishes(engine, doubted), limitMs)
    const { lanes } = await engine.queue.depth()
    assert.equal(lanes.normal.ready, accepted.length + doubted.length)
  })
})
