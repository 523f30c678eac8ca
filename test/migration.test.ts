import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { suite, type TestContext, test } from 'node:test'
import type { Coordination } from '../src/coordination.ts'
import { type DirectoryRecords, openDirectory } from '../src/directory.ts'
import type { Message } from '../src/message.ts'
import { kinds } from '../src/transfer.ts'
import { createVault } from '../src/vault.ts'
import { account, aReceipt, type Backlog, fillEngine, masterKey, other, tenants } from './support/backlog.ts'
import { createTestClock, type TestClock } from './support/clock.ts'
import { openEngine } from './support/embedded.ts'
import { temporaryFolder } from './support/folder.ts'
import type { Harness } from './support/harness.ts'
import { aMessage, anIdAt } from './support/messages.ts'
import { migrateAll } from './support/migration.ts'
import { openRedisEngine, sharedUrl } from './support/redis.ts'

type Side = Pick<Harness, 'queue' | 'ledger' | 'recipients'> & {
  readonly coordination: Coordination
  readonly directoryRecords: DirectoryRecords
}

interface Sides {
  readonly clock: TestClock
  readonly messages: ReadonlyMap<string, Message>
  /** The same backlog, left where it was. */
  readonly stayed: Side
  readonly moved: Side
}

let prefixes = 0
const newPrefix = () => `migration-${process.pid}-${prefixes++}:`

/** One backlog twice: in a folder that an engine has been started on again, and in Redis. */
const openBoth = async (t: TestContext): Promise<Sides> => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const clock = createTestClock()
  const [folder, copy] = [temporaryFolder(t), temporaryFolder(t)]
  const engine = await openEngine(t, { folder, clock })
  const { messages }: Backlog = await fillEngine(engine, clock)
  // As a killed process leaves it: leases are open.
  await engine.queue.depth()
  cpSync(folder, copy, { recursive: true })
  await engine.close()
  const stayed = await openEngine(t, { folder: copy, clock })
  const place = { url: await sharedUrl(), prefix: newPrefix(), clock }
  const summary = await migrateAll({ folder, ...place })
  for (const { kind, read, there, checksum, checksumThere } of summary.kinds) {
    assert.deepEqual([there, checksumThere], [read, checksum], kind)
    assert.ok(read > 0, `There is nothing of ${kind} to carry`)
  }
  assert.deepEqual(
    summary.kinds.map(({ kind }) => kind),
    kinds,
  )
  return { clock, messages, stayed, moved: await openRedisEngine(t, place) }
}

/** The same question to both sides has the same answer. */
const same = async <Answer>(
  { stayed, moved }: Sides,
  ask: (side: Side) => Promise<Answer>,
): Promise<Answer> => {
  const [here, there] = [await ask(stayed), await ask(moved)]
  assert.deepEqual(there, here)
  return here
}

const byId = <Item>(items: readonly Item[], idOf: (item: Item) => string): readonly Item[] =>
  items.toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1))

/** Everything that is ready, as a worker sees it; handles are the engine's own. */
const receiveAll = async ({ queue }: Side) => {
  const deliveries = await queue.receive({ max: 100, waitMs: 0 })
  const bare = deliveries.map(({ handle, grant, ...rest }) => ({
    ...rest,
    ...(grant && { grant: grant.kind === 'none' ? grant : { kind: grant.kind, name: grant.name } }),
  }))
  return byId(bare, ({ message }) => message.id)
}

const recordsOf = async ({ ledger }: Side) =>
  (await Promise.all(tenants.map((tenant) => ledger.search({ tenant, limit: 100 })))).flatMap(
    ({ records }) => records,
  )

const booksOf = async ({ recipients }: Side) => {
  const people = ['o-books', 'o-withdrawn', 'o-gone', 'o-seen', 'o-owing', 'o-no-grant']
  return Promise.all(
    people.map(async (touser) => [
      await recipients.grants({ account, touser }),
      await recipients.contact({ account, touser }),
    ]),
  )
}

suite('a backlog that has moved', () => {
  test('has every record, in the same order, by every question', async (t) => {
    const sides = await openBoth(t)
    // The start of an engine has let go what waits for a quota; when that was is its own affair.
    const settled = (records: Awaited<ReturnType<typeof recordsOf>>) =>
      records.map((record) => (record.reason === 'quota' ? { ...record, readyAt: 0 } : record))
    const records = await same(sides, async (side) => settled(await recordsOf(side)))
    assert.equal(records.length, sides.messages.size)
    for (const { tenant, id } of records)
      await same(sides, async ({ ledger }) => settled([(await ledger.find({ tenant, id }))!]))
    for (const tenant of tenants) await same(sides, ({ ledger }) => ledger.counts(tenant))
    const questions = [
      ...[
        { touser: 'o-books' },
        { state: 'parked' },
        { state: 'leased' },
        { state: 'delivered' },
        { tag: '春节' },
      ],
      ...[{ q: 'order-1' }, { q: 'f-1' }, { q: 'o-sent' }, { account: other }, { channel: 'subscribe' }],
    ] as const
    for (const question of questions) {
      const { records: found } = await same(sides, ({ ledger }) =>
        ledger.search({ tenant: 'acme', limit: 100, ...question }),
      )
      assert.ok(found.length > 0, JSON.stringify(question))
    }
  })

  test('has the books, the directory, the nonces and the notes that were taken', async (t) => {
    const sides = await openBoth(t)
    await same(sides, booksOf)
    for (const kind of ['tenant', 'key', 'account'])
      assert.ok((await same(sides, ({ directoryRecords }) => directoryRecords.list(kind))).length > 0)
    const directory = await openDirectory(sides.moved.directoryRecords, createVault(masterKey))
    assert.equal(directory.account(account)?.secret, 'appsecret')
    const until = sides.clock.now() + 60_000
    for (const [nonce, isNew] of [
      ['n1', false],
      ['n2', true],
    ] as const)
      assert.equal(
        await same(sides, ({ coordination }) => coordination.claimNonce({ keyId: 'key_acme', nonce, until })),
        isNew,
      )
    for (const key of ['k1', 'k2', 'k3'])
      await same(sides, ({ recipients }) =>
        recipients.note({
          ...{ account, keys: [key] },
          grants: [
            {
              account,
              touser: 'o-books',
              templateId: 'tpl-shipped',
              kind: 'subscribe',
              change: 'add',
              count: 1,
            },
          ],
        }),
      )
    // One permission has been used before word of it came.
    await same(sides, ({ recipients }) =>
      recipients.note({
        ...{ account, keys: [] },
        grants: [
          {
            account,
            touser: 'o-owing',
            templateId: 'tpl-shipped',
            kind: 'subscribe',
            change: 'add',
            count: 2,
          },
        ],
      }),
    )
    await same(sides, booksOf)
    const [owing] = await sides.moved.recipients.grants({ account, touser: 'o-owing' })
    assert.equal(owing?.left, 1)
  })

  test('keeps the books on what is sent without a permission', async (t) => {
    const sides = await openBoth(t)
    const message = aMessage({ account, touser: 'o-late', channel: 'subscribe' })
    const grants = [
      { account, touser: 'o-late', templateId: 'tpl-shipped', kind: 'subscribe', change: 'add', count: 2 },
    ] as const
    await same(sides, async ({ queue, recipients }) => {
      await queue.publish([message])
      const deliveries = await queue.receive({ max: 100, waitMs: 0 })
      const delivery = deliveries.find(({ message: { id } }) => id === message.id)!
      await queue.settle(delivery, { kind: 'sent', grant: 'used' })
      await recipients.note({ account, keys: [], grants })
      const [grant] = await recipients.grants({ account, touser: 'o-late' })
      assert.equal(grant?.left, 1)
    })
  })

  test('goes on where it was: leases, doubts, grants and conditions', async (t) => {
    const sides = await openBoth(t)
    const idOf = (name: string) => sides.messages.get(name)!.id
    const ready = await same(sides, receiveAll)
    const of = (name: string) => ready.find(({ message }) => message.id === idOf(name))
    for (const name of ['queued-urgent', 'queued-bulk', 'facade', 'customer', 'once', 'quota'])
      assert.ok(of(name), `${name} is ready`)
    // A lost lease leaves a doubt only where a call may have begun.
    assert.ok(of('leased')?.doubtSince !== undefined && of('begun')?.doubtSince !== undefined)
    assert.deepEqual([of('held')?.doubtSince, of('held')?.grant?.kind], [undefined, 'reserved'])
    await same(sides, booksOf)
    for (const condition of ['frozen x', 'nothing'])
      await same(sides, ({ queue }) => queue.release(condition))
    await same(sides, ({ recipients }) =>
      recipients.note({
        ...{ account, keys: [] },
        grants: [
          {
            account,
            touser: 'o-no-grant',
            templateId: 'tpl-shipped',
            kind: 'subscribe',
            change: 'add',
            count: 1,
          },
        ],
      }),
    )
    const released = await same(sides, receiveAll)
    assert.deepEqual(
      released.map(({ message }) => message.id).sort(),
      [idOf('condition'), idOf('no-grant')].sort(),
    )
    sides.clock.advance(10 * 60_000)
    await same(sides, receiveAll)
    await same(sides, recordsOf)
    await same(sides, booksOf)
    sides.clock.advance(3_600_000)
    assert.ok((await same(sides, receiveAll)).length > 0)
  })

  test('knows its messages again: by key, by receipt, by id', async (t) => {
    const sides = await openBoth(t)
    const again = (name: string, fingerprint?: string) => {
      const message = sides.messages.get(name)!
      const idempotency = message.idempotency && {
        ...message.idempotency,
        ...(fingerprint && { fingerprint }),
      }
      return { ...message, id: anIdAt(message.acceptedAt), ...(idempotency && { idempotency }) }
    }
    const attempts = [again('sent'), again('facade'), again('facade', 'another')]
    const known = await same(sides, async ({ queue }) =>
      (await queue.publish(attempts)).map((each) => [each.kind, 'id' in each && each.id]),
    )
    assert.deepEqual(
      known.map(([kind]) => kind),
      ['duplicate', 'duplicate', 'conflict'],
    )
    const receipts = [
      aReceipt('o-sent', { msgid: '901', at: sides.clock.now() }),
      aReceipt('o-delivered', { msgid: '911', at: sides.clock.now() }),
      aReceipt('o-unknown', { channel: 'subscribe', at: sides.clock.now() }),
      aReceipt('o-doubt', { msgid: '998', authentic: true, at: sides.clock.now() }),
      // Two messages of this person may have called WeChat, so nothing is guessed.
      aReceipt('o-books', { channel: 'subscribe', msgid: '999', authentic: true, at: sides.clock.now() }),
    ]
    const sharpened = []
    for (const receipt of receipts)
      sharpened.push(
        await same(sides, ({ recipients }) => recipients.note({ account, keys: [], grants: [], receipt })),
      )
    assert.equal(sharpened.filter((noted) => 'sharpened' in noted).length, 3)
    for (const name of ['scheduled', 'retry', 'doubt', 'leased', 'sent', 'withdrawn', 'receipt'])
      await same(sides, ({ queue }) => queue.cancel(sides.messages.get(name)!))
    await same(sides, recordsOf)
    await same(sides, booksOf)
    await same(sides, async ({ queue }) => (await queue.depth()).later)
  })
})
