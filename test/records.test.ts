/** Redis for what is recent and PostgreSQL for what is past, as one ledger, on real servers. */
import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import type { LedgerQuery } from '../src/ledger.ts'
import type { Message } from '../src/message.ts'
import { ledgerContract } from './contract/ledger-contract.ts'
import { createTestClock } from './support/clock.ts'
import { receiveNow, receiveOne } from './support/harness.ts'
import { aKeyedMessage, aMessage } from './support/messages.ts'
import { postgresOfFile } from './support/postgres.ts'
import { type JoinedRecords, openJoined, openJoinedHarness } from './support/records.ts'
import { emptyKeys } from './support/redis.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs

const server = postgresOfFile()

ledgerContract('redis with a history in postgres', { open: (t) => openJoinedHarness(t, server) })

const open = async (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const clock = createTestClock()
  const { url: postgres } = await server.emptyStore(t)
  const joined = await openJoined(t, { redis: await emptyKeys(t), postgres, clock, retentionMs: 30 * dayMs })
  const idsOf = async (query: Partial<LedgerQuery> = {}) => {
    const { records, nextCursor } = await joined.ledger.search({ tenant: 'acme', limit: 100, ...query })
    return { ids: records.map(({ id }) => id), nextCursor }
  }
  return { ...joined, clock, idsOf }
}

/** Messages that have ended, and that only the history knows any more. */
const forgotten = async (
  { queue, engine, sweep, clock }: Opened,
  count: number,
): Promise<readonly Message[]> => {
  const messages = Array.from({ length: count }, (_, n) =>
    aKeyedMessage(`c:past-${n}`, { acceptedAt: clock.now(), clientMsgId: `past-${n}`, tags: ['past'] }),
  )
  await queue.publish(messages)
  for (const delivery of await receiveNow({ queue }))
    await queue.settle(delivery, { kind: 'sent', msgid: '7' })
  clock.advance(2 * hourMs)
  await sweep()
  for (const message of messages) assert.equal(await engine.ledger.find(message), undefined)
  return messages
}
type Opened = JoinedRecords & { readonly clock: ReturnType<typeof createTestClock> }

suite('records over redis and postgres', () => {
  test('find what redis has forgotten, by its id and by searching', async (t) => {
    const opened = await open(t)
    const { ledger, queue, idsOf, clock } = opened
    const [message] = await forgotten(opened, 1)
    const fresh = aMessage({ acceptedAt: clock.now() })
    await queue.publish([fresh])
    assert.equal((await ledger.find(message!))?.state, 'sent')
    assert.equal(await ledger.find({ tenant: 'other', id: message!.id }), undefined)
    assert.deepEqual((await idsOf()).ids, [fresh.id, message!.id])
    for (const query of [{ q: 'past-0' }, { tag: 'past' }, { state: 'sent' }, { to: clock.now() }] as const)
      assert.deepEqual((await idsOf(query)).ids, [message!.id], JSON.stringify(query))
    assert.deepEqual(await queue.cancel(message!), { kind: 'final', state: 'sent' })
    assert.deepEqual(await queue.cancel({ tenant: 'other', id: message!.id }), { kind: 'missing' })
    assert.equal((await ledger.counts('acme')).sent, 1)
  })

  test('show to many searches at once what each of their callers has just written', async (t) => {
    const { queue, ledger } = await open(t)
    await Promise.all(
      Array.from({ length: 30 }, async (_, n) => {
        const message = aMessage({ touser: `o-${n}` })
        await queue.publish([message])
        const { records } = await ledger.search({ tenant: 'acme', touser: `o-${n}`, limit: 5 })
        assert.deepEqual(
          records.map(({ id }) => id),
          [message.id],
        )
      }),
    )
  })

  test('answer without postgres as far as redis has everything, and refuse what goes beyond', async (t) => {
    const opened = await open(t)
    const { ledger, queue, idsOf, clock, loseHistory } = opened
    const [past] = await forgotten(opened, 1)
    const messages = Array.from({ length: 5 }, () => aMessage({ acceptedAt: clock.now() }))
    await queue.publish(messages)
    const since = clock.now()
    await loseHistory()
    const newestFirst = messages.map(({ id }) => id).reverse()
    assert.deepEqual((await idsOf({ limit: 3 })).ids, newestFirst.slice(0, 3))
    assert.deepEqual((await idsOf({ from: since })).ids, newestFirst)
    assert.equal((await ledger.find(messages[0]!))?.state, 'queued')
    const away = { name: 'HistoryAway' }
    await assert.rejects(idsOf(), away)
    await assert.rejects(idsOf({ limit: 3, touser: past!.touser, state: 'sent' }), away)
    await assert.rejects(ledger.find(past!), away)
    await assert.rejects(ledger.counts('acme'), away)
    const message = aMessage({ acceptedAt: clock.now(), lane: 'urgent' })
    await queue.publish([message])
    assert.equal((await receiveOne({ queue })).message.id, message.id)
  })

  test('go on in one with a cursor of the other', async (t) => {
    const opened = await open(t)
    const { queue, engine, past, idsOf, clock } = opened
    const old = await forgotten(opened, 3)
    const fresh = Array.from({ length: 5 }, () => aMessage({ acceptedAt: clock.now() }))
    await queue.publish(fresh)
    await idsOf()
    const expected = [...old, ...fresh].map(({ id }) => id).reverse()
    const query = { tenant: 'acme', limit: 2 }
    const first = await engine.ledger.search(query)
    const second = await past.search({ ...query, cursor: first.nextCursor! })
    const third = await engine.ledger.search({ ...query, limit: 10, cursor: second.nextCursor! })
    const fourth = await past.search({ ...query, limit: 10, cursor: second.nextCursor! })
    const idsIn = (page: typeof first) => page.records.map(({ id }) => id)
    assert.deepEqual([...idsIn(first), ...idsIn(second)], expected.slice(0, 4))
    assert.deepEqual(idsIn(third), expected.slice(4, 5))
    assert.deepEqual(idsIn(fourth), expected.slice(4))
  })
})
