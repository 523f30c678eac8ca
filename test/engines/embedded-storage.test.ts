import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { suite, type TestContext, test } from 'node:test'
import { FolderInUse, StorageFailed } from '../../src/engines/embedded/embedded.ts'
import { grantCondition } from '../../src/grants.ts'
import type { MessageId } from '../../src/message.ts'
import type { Queue } from '../../src/queue.ts'
import { quotaCondition } from '../../src/quota.ts'
import type { Settlement } from '../../src/settlement.ts'
import { atEnd } from '../support/at-end.ts'
import { startChild } from '../support/child.ts'
import { createTestClock, testStart } from '../support/clock.ts'
import { openEngine } from '../support/embedded.ts'
import { temporaryFolder } from '../support/folder.ts'
import { receiveNow, receiveOne } from '../support/harness.ts'
import { aKeyedMessage, aMessage } from '../support/messages.ts'
import { soon, until } from '../support/waiting.ts'

const canMount = process.platform === 'linux' && process.getuid?.() === 0

suite('the folder of the embedded engine', () => {
  test('is refused to a second engine of the same process', async (t) => {
    const folder = temporaryFolder(t)
    await openEngine(t, { folder })
    await assert.rejects(openEngine(t, { folder }), (error) => {
      assert.ok(error instanceof FolderInUse)
      assert.match(error.message, new RegExp(`process ${process.pid},`))
      return true
    })
  })

  test('is refused while another process has it, and the refusal names that one', async (t) => {
    const folder = temporaryFolder(t)
    const child = startChild(t, 'publishing-child.ts', [folder, 'idle'])
    await child.line(1)
    await assert.rejects(openEngine(t, { folder }), (error) => {
      assert.ok(error instanceof FolderInUse)
      assert.match(error.message, new RegExp(`process ${child.pid},`))
      return true
    })
    await child.kill()
    await openEngine(t, { folder })
  })

  test('is free again after a close', async (t) => {
    const folder = temporaryFolder(t)
    const { queue, close } = await openEngine(t, { folder })
    await queue.publish([aMessage()])
    await close()
    const { queue: after } = await openEngine(t, { folder })
    assert.equal((await after.depth()).lanes.normal.ready, 1)
  })

  test('stays with its engine until that has ended, however close is called', async (t) => {
    const folder = temporaryFolder(t)
    const { queue, close } = await openEngine(t, { folder })
    const messages = Array.from({ length: 1000 }, () => aMessage())
    const published = queue.publish(messages)
    await Promise.all([queue.close(), close()])
    await published
    const { queue: after } = await openEngine(t, { folder })
    assert.equal((await after.depth()).lanes.normal.ready, 1000)
  })

  test('of a newer version is refused with a sentence, and not kept locked', async (t) => {
    const folder = temporaryFolder(t)
    await (await openEngine(t, { folder })).close()
    const known = schemaVersion(folder)
    setSchemaVersion(folder, 99)
    await assert.rejects(
      openEngine(t, { folder }),
      /written by a newer Hongyan \(schema 99, this one knows \d+\)/,
    )
    setSchemaVersion(folder, known)
    await openEngine(t, { folder })
  })

  test('of the first version is brought to the present one, with what it holds', async (t) => {
    const folder = temporaryFolder(t)
    const { queue, close } = await openEngine(t, { folder })
    const message = aMessage()
    await queue.publish([message])
    await close()
    makeFirstVersion(folder)
    const { queue: after, ledger } = await openEngine(t, { folder })
    const delivery = await receiveOne({ queue: after })
    assert.equal(await after.settle(delivery, { kind: 'sent', msgid: '1' }), 'settled')
    assert.equal((await ledger.find(message))?.state, 'sent')
  })

  test('that holds something else is refused, not overwritten', async (t) => {
    const folder = temporaryFolder(t)
    writeFileSync(join(folder, 'hongyan.db'), 'These are the notes of somebody else. '.repeat(1000))
    await assert.rejects(openEngine(t, { folder }), /not a database/)
  })
})

suite('the embedded engine gives leases of an earlier process back at its start', () => {
  const reopen = async (t: TestContext, { leaseMs, movedMs }: { leaseMs: number; movedMs: number }) => {
    const folder = temporaryFolder(t)
    const first = await openEngine(t, { folder, leaseMs: 60_000 })
    await first.queue.publish([aMessage()])
    await receiveOne(first)
    await first.close()
    const clock = createTestClock(testStart + movedMs)
    return receiveNow(await openEngine(t, { folder, leaseMs, clock }))
  }

  test('at once, since their holder is gone', async (t) => {
    assert.partialDeepStrictEqual(await reopen(t, { leaseMs: 60_000, movedMs: 0 }), [
      { number: 2, doubtSince: testStart },
    ])
  })

  test('also when leases have become shorter meanwhile', async (t) => {
    assert.partialDeepStrictEqual(await reopen(t, { leaseMs: 10_000, movedMs: 0 }), [
      { number: 2, doubtSince: testStart },
    ])
  })

  test('also when the clock was put back meanwhile', async (t) => {
    // Its acceptance is in the future now, but that it was leased says that its time had come.
    const [again] = await reopen(t, { leaseMs: 60_000, movedMs: -30_000 })
    assert.equal(again?.number, 2)
  })
})

test('what waits for a quota is looked at again after a start, what waits for a grant is not', async (t) => {
  const folder = temporaryFolder(t)
  const clock = createTestClock()
  const first = await openEngine(t, { folder, clock })
  const [mine, other] = [aMessage(), aMessage()]
  const until = clock.now() + 3_600_000
  await first.queue.publish([mine, other])
  for (const delivery of await receiveNow(first)) {
    const condition =
      delivery.message.id === mine.id ? quotaCondition('wx1', '/send') : grantCondition(delivery.message)
    const parked = { kind: 'parked', reason: 'waits', inDoubt: false, until, condition } as const
    assert.equal(await first.queue.settle(delivery, parked), 'settled')
  }
  await first.close()
  const [again, ...others] = await receiveNow(await openEngine(t, { folder, clock }))
  assert.deepEqual([again?.message.id, others], [mine.id, []])
})

suite('the embedded engine and kill -9', () => {
  test('what was answered is there, twenty times over', { timeout: 60_000 }, async (t) => {
    const folder = temporaryFolder(t)
    for (let cycle = 0; cycle < 20; cycle++) {
      const child = startChild(t, 'publishing-child.ts', [folder])
      await child.line(1)
      const killAt = 2 + Math.floor(Math.random() * 150)
      await child.line(killAt)
      await child.kill()
      await everyPromiseHolds(t, folder, child.lines.slice(1))
    }
  })
})

/** Opens the folder and looks for each thing the child was told. */
const everyPromiseHolds = async (t: TestContext, folder: string, lines: readonly string[]) => {
  const { queue, ledger, close } = await openEngine(t, {
    folder,
    clock: { ...createTestClock(), now: Date.now },
  })
  for (const line of lines) {
    const [what, id, detail] = line.split(' ') as [string, MessageId, string]
    const record = await ledger.find({ tenant: 'acme', id })
    assert.ok(record, `${line}: there is no record`)
    if (what === 'leased') assert.ok(record.deliveries >= Number(detail), line)
    if (what === 'sent') assert.deepEqual([record.state, record.msgid], ['sent', detail], line)
  }
  const [, id, key] = lines.find((line) => line.startsWith('accepted'))?.split(' ') ?? []
  if (key)
    assert.partialDeepStrictEqual(await queue.publish([aKeyedMessage(key)]), [{ kind: 'duplicate', id }])
  await close()
}

suite('the embedded engine when its disk fails', () => {
  test('a full disk refuses what is new, keeps what is old, and works again once there is room', {
    skip: canMount ? false : 'mounting a small file system needs Linux and root',
  }, async (t) => {
    const folder = temporaryFolder(t)
    mount(folder)
    atEnd(t, () => unmount(folder))
    const ballast = join(folder, 'ballast')
    writeFileSync(ballast, Buffer.alloc(1_200_000))
    const failures: StorageFailed[] = []
    const { queue, ledger } = await openEngine(t, { folder, onFailure: (error) => failures.push(error) })

    const accepted: MessageId[] = []
    const failure = await fill(async () => {
      const message = aMessage({ body: 'x'.repeat(5000) })
      await queue.publish([message])
      accepted.push(message.id)
    })
    assert.ok(failure instanceof StorageFailed, String(failure))
    assert.equal(failure.full, true, failure.message)
    assert.ok(accepted.length > 10)

    rmSync(ballast)
    const late = aMessage()
    await queue.publish([late])
    for (const id of [...accepted, late.id]) assert.ok(await ledger.find({ tenant: 'acme', id }), id)
    assert.deepEqual(failures, [])
  })

  test('a damaged file fails for good and says so, once', async (t) => {
    const folder = temporaryFolder(t)
    await (await openEngine(t, { folder })).close()
    damage(folder, 'idempotency')
    const failures: StorageFailed[] = []
    const { queue } = await openEngine(t, { folder, onFailure: (error) => failures.push(error) })
    await queue.publish([aMessage()])
    await assert.rejects(queue.publish([aKeyedMessage('order-1')]), StorageFailed)
    await assert.rejects(queue.publish([aMessage()]), StorageFailed)
    assert.equal(failures.length, 1)
  })

  test('what was on its way behind a failure is refused too, and nothing else happens', async (t) => {
    const folder = temporaryFolder(t)
    await (await openEngine(t, { folder })).close()
    damage(folder, 'idempotency')
    const failures: StorageFailed[] = []
    const { queue, directoryRecords } = await openEngine(t, {
      folder,
      onFailure: (error) => failures.push(error),
    })
    // A long batch that fails at its end, so that the next one is with the storage thread before it does.
    const failing = queue.publish([aKeyedMessage('order-1')])
    const before = Array.from({ length: 400 }, (_, n) =>
      directoryRecords.put('some', `${n}`, 'x'.repeat(20_000)),
    )
    await new Promise((resolve) => setImmediate(resolve))
    const behind = directoryRecords.put('some', 'behind', '')
    const results = await Promise.allSettled([...before, failing, behind])
    assert.ok(results.every(({ status }) => status === 'rejected'))
    // What the thread still answers must harm nobody: an uncaught exception would fail this test.
    await until(() => failures.length > 0 && queueIsRefused(queue), 3000)
    assert.equal(failures.length, 1)
  })

  test('close ends all the same', async (t) => {
    const folder = temporaryFolder(t)
    await (await openEngine(t, { folder })).close()
    damage(folder, 'idempotency')
    const { queue, close } = await openEngine(t, { folder, onFailure: () => {} })
    await assert.rejects(queue.publish([aKeyedMessage('order-1')]), StorageFailed)
    await soon(close(), 'the close')
  })
})

suite('what the embedded engine remembers beside messages', () => {
  test('a nonce is new once, also after a restart, until its time is over', async (t) => {
    const folder = temporaryFolder(t)
    const clock = createTestClock()
    const claim = { keyId: 'key-1', nonce: 'n-1', until: clock.now() + 60_000 }
    const first = await openEngine(t, { folder, clock })
    assert.equal(await first.coordination.claimNonce(claim), true)
    assert.equal(await first.coordination.claimNonce(claim), false)
    assert.equal(await first.coordination.claimNonce({ ...claim, keyId: 'key-2' }), true)
    await first.close()
    const second = await openEngine(t, { folder, clock })
    assert.equal(await second.coordination.claimNonce(claim), false)
    clock.advance(60_000)
    assert.equal(await second.coordination.claimNonce({ ...claim, until: clock.now() + 60_000 }), true)
  })

  test('of many claims of one nonce at the same moment one succeeds', async (t) => {
    const { coordination } = await openEngine(t, { folder: temporaryFolder(t) })
    const claim = { keyId: 'key-1', nonce: 'n-1', until: testStart + 60_000 }
    const results = await Promise.all(Array.from({ length: 20 }, () => coordination.claimNonce(claim)))
    assert.equal(results.filter(Boolean).length, 1)
  })

  test('directory entries are put, replaced, listed by kind and removed', async (t) => {
    const folder = temporaryFolder(t)
    const first = await openEngine(t, { folder })
    await first.directoryRecords.put('key', 'a', '1')
    await first.directoryRecords.put('key', 'a', '2')
    await first.directoryRecords.put('key', 'b', '3')
    await first.directoryRecords.put('account', 'a', '4')
    await first.directoryRecords.remove('key', 'b')
    await first.close()
    const { directoryRecords } = await openEngine(t, { folder })
    assert.deepEqual(await directoryRecords.list('key'), ['2'])
    assert.deepEqual(await directoryRecords.list('account'), ['4'])
  })

  test('a long history keeps its order and its end', async (t) => {
    const clock = createTestClock()
    const engine = await openEngine(t, { folder: temporaryFolder(t), clock })
    const message = aMessage()
    await engine.queue.publish([message])
    for (let round = 0; round < 60; round++) {
      const parked: Settlement = {
        kind: 'parked',
        until: clock.now(),
        reason: `round ${round}`,
        inDoubt: false,
      }
      await engine.queue.settle(await receiveOne(engine), parked)
    }
    await engine.queue.settle(await receiveOne(engine), { kind: 'dead', reason: 'the end' })
    const { steps, deliveries } = (await engine.ledger.find(message))!
    assert.deepEqual(
      steps.map(({ reason }) => reason),
      [...Array.from({ length: 60 }, (_, n) => `round ${n}`), 'the end'],
    )
    assert.equal(deliveries, 61)
  })

  test('a recipient is found among many, whatever happened while they were written', async (t) => {
    const folder = temporaryFolder(t)
    const { queue, coordination, close } = await openEngine(t, { folder })
    const messages = Array.from({ length: 9000 }, (_, n) => aMessage({ touser: `o-${n % 1000}` }))
    // Stretches are summed up when they are full. The first batches fail, and are done again, on the way.
    for (let at = 0; at < messages.length; at += 500) {
      const together = messages.slice(at, at + 500)
      const answers: Promise<unknown>[] = [
        together.slice(0, 480),
        ...together.slice(480).map((message) => [message]),
      ].map(queue.publish)
      // What is not a time cannot be stored, so the transaction that they share is rolled back.
      if (at < 4500)
        answers.push(coordination.claimNonce({ keyId: 'key-1', nonce: `${at}`, until: Number.NaN }))
      await Promise.all(answers)
    }
    await close()
    const { ledger } = await openEngine(t, { folder })
    for (const touser of ['o-0', 'o-95', 'o-999']) {
      const expected = messages
        .filter((message) => message.touser === touser)
        .map(({ id }) => id)
        .reverse()
      const seen: string[] = []
      for (let cursor: string | undefined, pages = 0; pages === 0 || cursor !== undefined; pages++) {
        const page = await ledger.search({
          tenant: 'acme',
          touser,
          limit: 2,
          ...(cursor !== undefined && { cursor }),
        })
        seen.push(...page.records.map(({ id }) => id))
        cursor = page.nextCursor
      }
      assert.deepEqual(seen, expected, touser)
    }
  })

  test('a search that begins while the idle reading thread is let go is answered', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const { ledger, queue } = await openEngine(t, { folder: temporaryFolder(t) })
    await queue.publish([aMessage()])
    const search = async () => (await ledger.search({ tenant: 'acme', limit: 1 })).records.length
    assert.equal(await search(), 1)
    for (let round = 0; round < 5; round++) {
      t.mock.timers.tick(30_000)
      assert.equal(await search(), 1)
    }
  })
})

const schemaVersion = (folder: string): number => {
  const db = new DatabaseSync(join(folder, 'hongyan.db'))
  const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number }
  db.close()
  return version
}

/** Takes away what later versions have added. */
const makeFirstVersion = (folder: string): void => {
  const db = new DatabaseSync(join(folder, 'hongyan.db'))
  db.exec(`
    DROP INDEX queue_condition; DROP INDEX queue_doubt; DROP INDEX outcomes_msgid; DROP INDEX nonces_until;
    ALTER TABLE queue DROP COLUMN condition;
    ALTER TABLE queue DROP COLUMN grant_key;
    ALTER TABLE queue DROP COLUMN grant_handle;
    DROP TABLE receipts; DROP TABLE stray_receipts; DROP TABLE grants; DROP TABLE owed_grants; DROP TABLE contacts; DROP TABLE note_keys;
    PRAGMA user_version = 1;`)
  db.close()
}

const setSchemaVersion = (folder: string, version: number) => {
  const db = new DatabaseSync(join(folder, 'hongyan.db'))
  db.exec(`PRAGMA user_version = ${version}`)
  db.close()
}

/** Overwrites the root page of a table. The engine must be closed. */
const damage = (folder: string, table: string) => {
  const file = join(folder, 'hongyan.db')
  const db = new DatabaseSync(file)
  const { rootpage } = db.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').get(table) as {
    rootpage: number
  }
  const { page_size: pageSize } = db.prepare('PRAGMA page_size').get() as { page_size: number }
  db.close()
  const handle = openSync(file, 'r+')
  writeSync(handle, Buffer.alloc(pageSize, 0xff), 0, pageSize, (rootpage - 1) * pageSize)
  closeSync(handle)
}

/** Does it again until it fails, and answers how. */
const fill = async (once: () => Promise<void>): Promise<unknown> => {
  for (let tries = 0; tries < 10_000; tries++) {
    const failure = await once().then(
      () => undefined,
      (error: unknown) => error,
    )
    if (failure !== undefined) return failure
  }
  return undefined
}

const queueIsRefused = (queue: Queue): Promise<boolean> =>
  queue.depth().then(
    () => false,
    () => true,
  )

const mount = (folder: string) =>
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', folder], { stdio: 'ignore' })
const unmount = (folder: string) => execFileSync('umount', ['--lazy', folder], { stdio: 'ignore' })
