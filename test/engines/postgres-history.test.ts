import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { EventRefused, type HistoryEvent } from '../../src/history.ts'
import type { Ledger, LedgerQuery } from '../../src/ledger.ts'
import { isFinal, type Message, states } from '../../src/message.ts'
import { createTestClock, testStart } from '../support/clock.ts'
import { openEngine } from '../support/embedded.ts'
import { temporaryFolder } from '../support/folder.ts'
import { receiveNow, receiveOne } from '../support/harness.ts'
import { accepted, aStateEvent, eventsOfSending, recordOfSending } from '../support/history-events.ts'
import { aKeyedMessage, aMessage } from '../support/messages.ts'
import { openRecords, postgresOfFile } from '../support/postgres.ts'
import { recordingQueue } from '../support/recording-queue.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs

const server = postgresOfFile()

const openEmpty = async (t: TestContext, options: { retentionMs?: number } = {}) => {
  const { url, schema } = await server.emptyStore(t)
  const clock = createTestClock()
  const records = await openRecords(t, { url, clock, ...options })
  const count = async (table: string) =>
    Number((await server.ask(`SELECT count(*) AS n FROM ${schema}.${table}`))[0]!.n)
  const days = async () => {
    const rows = await server.ask(
      `SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
       WHERE nspname = '${schema}' AND relispartition AND relkind = 'r' ORDER BY 1`,
    )
    return rows.map(({ relname }) => String(relname))
  }
  return { ...records, url, clock, count, days }
}

suite('what is recorded in PostgreSQL', () => {
  test('is the same in one batch, event by event, and told again in any order', async (t) => {
    const { history, ledger, count } = await openEmpty(t)
    const [one, two, three] = [aMessage(), aMessage(), aMessage()] as const
    await history.record(eventsOfSending(one))
    for (const event of eventsOfSending(two)) await history.record([event])
    for (const event of eventsOfSending(three).toReversed()) await history.record([event])
    for (let round = 0; round < 2; round++) {
      for (const message of [one, two, three])
        assert.deepEqual(await ledger.find(message), recordOfSending(message))
      assert.deepEqual([await count('messages'), await count('steps'), await count('progress')], [3, 6, 3])
      await history.record([one, two, three].flatMap(eventsOfSending).toReversed())
      for (const event of eventsOfSending(one)) await history.record([event])
    }
  })

  test('does not depend on order, batches and repeats', { timeout: 60_000 }, async (t) => {
    const { history, ledger } = await openEmpty(t)
    const told = fc.record({
      states: fc.array(fc.constantFrom(...states), { minLength: 1, maxLength: 6 }),
      msgidFrom: fc.nat(6),
      doubtFrom: fc.nat(6),
      order: fc.array(fc.nat(1000), { minLength: 12, maxLength: 12 }),
      batch: fc.integer({ min: 1, max: 4 }),
    })
    await fc.assert(
      fc.asyncProperty(told, async ({ states: some, msgidFrom, doubtFrom, order, batch }) => {
        const message = aMessage()
        // What is final stays final; what sharpens it brings no reason of its own.
        const ends = some.filter(isFinal)
        const path = [...some.filter((state) => !isFinal(state)), ...ends]
        const firstEnd = path.length - ends.length
        const events: readonly HistoryEvent[] = [
          accepted(message),
          ...path.map((state, index) =>
            aStateEvent(message, {
              version: index + 1,
              state,
              deliveries: index,
              at: testStart + index,
              step: { at: testStart + index, state },
              ...(index < firstEnd && { readyAt: testStart + 1000 + index }),
              ...(index <= firstEnd && index !== 1 && { reason: `why-${index}` }),
              ...(index >= msgidFrom && { msgid: '7' }),
              ...(index >= doubtFrom && { doubtSince: testStart }),
            }),
          ),
        ]
        // Each twice, in an order of its own.
        const shuffled = [...events, ...events]
          .map((event, index) => ({ event, place: order[index % order.length]! * 31 + index * 17 }))
          .sort((a, b) => (a.place % 101) - (b.place % 101))
          .map(({ event }) => event)
        for (let from = 0; from < shuffled.length; from += batch)
          await history.record(shuffled.slice(from, from + batch))
        const record = await ledger.find(message)
        const twin = { ...aMessage(), id: aMessage().id }
        await history.record(events.map((event) => retold(event, twin)))
        assert.deepEqual({ ...record, id: '' }, { ...(await ledger.find(twin)), id: '' })
      }),
      { numRuns: 40 },
    )
  })

  test('is what the embedded engine has on record, after every kind of change', async (t) => {
    const { history, ledger: records } = await openEmpty(t)
    const clock = createTestClock()
    const engine = await openEngine(t, { folder: temporaryFolder(t), clock })
    const queue = recordingQueue({ ...engine, history })
    const harness = { queue }
    const publish = async (message: Message) => {
      await queue.publish([message])
      return message
    }
    const settle = async (settlement: Parameters<typeof queue.settle>[1]) =>
      queue.settle(await receiveOne(harness), settlement)
    const later = clock.now() + 10 * hourMs
    const messages: Message[] = []
    messages.push(
      await publish(aKeyedMessage('c:1', { clientMsgId: '1', tags: ['a', '\0'], grantName: 'g' })),
    )
    await settle({ kind: 'returned' })
    await settle({ kind: 'retry', until: clock.now(), reason: 'errcode--1', spent: true, inDoubt: true })
    await settle({ kind: 'sent', msgid: '12345678901234567890' })
    for (const settlement of [
      { kind: 'dead', reason: 'errcode-43004' },
      { kind: 'unknown', reason: 'no-receipt' },
      { kind: 'parked', until: later, reason: 'errcode-45009', inDoubt: true },
      { kind: 'retry', until: later, reason: 'errcode--1', spent: true, inDoubt: false },
    ] as const) {
      messages.push(await publish(aMessage()))
      await settle(settlement)
    }
    await queue.cancel(messages[3]!)
    await queue.cancel(messages[4]!)
    messages.push(await publish(aMessage({ sendAt: later })))
    messages.push(await publish(aMessage()))
    await receiveOne(harness)
    clock.advance(60_000)
    await receiveNow(harness)
    for (const message of messages)
      assert.deepEqual(await records.find(message), await engine.ledger.find(message))
  })

  test('takes texts that PostgreSQL cannot hold', async (t) => {
    const { history, ledger } = await openEmpty(t)
    const message = aMessage({ touser: 'o\0\ud800', clientMsgId: '\0', tags: ['\0', '\ud800', 'a,"b"}'] })
    await history.record([
      accepted(message),
      aStateEvent(message, { reason: '\0', step: { at: testStart, state: 'retry', reason: '\0\ud800' } }),
    ])
    const record = await ledger.find(message)
    assert.deepEqual([record?.clientMsgId, record?.tags], [message.clientMsgId, message.tags])
    assert.deepEqual(record?.steps[0]?.reason, '\0\ud800')
    for (const tag of message.tags!)
      assert.equal((await ledger.search({ tenant: 'acme', tag, limit: 2 })).records.length, 1)
    for (const q of ['\0', '\ud800', 'o\0\ud800'])
      assert.ok((await ledger.search({ tenant: 'acme', q, limit: 2 })).records.length <= 1)
  })

  test('refuses an event that does not fit, and nothing of its batch is recorded', async (t) => {
    const { history, count } = await openEmpty(t)
    const message = aMessage({ sendAt: 1.5 })
    await assert.rejects(history.record([accepted(aMessage()), accepted(message)]), EventRefused)
    assert.equal(await count('messages'), 0)
  })
})

const retold = (event: HistoryEvent, { id }: Message): HistoryEvent =>
  event.kind === 'accepted' ? accepted({ ...event.message, id }) : { ...event, id: id }

suite('the days of the records', () => {
  test('are made ahead, and by need for what comes early or late', async (t) => {
    const { history, ledger, days } = await openEmpty(t)
    assert.deepEqual(
      (await days()).filter((name) => name.startsWith('messages')),
      ['messages_20260304', 'messages_20260305', 'messages_20260306'],
    )
    const [late, early] = [-40, 40].map((n) => aMessage({ acceptedAt: testStart + n * dayMs }))
    await history.record([accepted(late!), accepted(early!)])
    for (const message of [late!, early!]) assert.equal((await ledger.find(message))?.state, 'queued')
    assert.equal((await days()).length, 15)
  })

  test('are dropped once past, but for what is not to be forgotten yet', async (t) => {
    const { history, ledger, sweep, clock, days, count } = await openEmpty(t, { retentionMs: dayMs })
    const [sent, waiting, justSent] = [aMessage(), aMessage(), aMessage()] as const
    await history.record([
      ...eventsOfSending(sent),
      accepted(waiting),
      aStateEvent(waiting, { state: 'parked', readyAt: 8e12, step: { at: testStart, state: 'parked' } }),
      ...eventsOfSending(justSent).slice(0, -1),
    ])
    clock.advance(2.5 * dayMs)
    await history.record([aStateEvent(justSent, { version: 4, state: 'sent', at: clock.now() })])
    const before = await ledger.find(waiting)
    await sweep()
    assert.equal(await ledger.find(sent), undefined)
    assert.deepEqual(await ledger.find(waiting), before)
    assert.equal((await ledger.find(justSent))?.state, 'sent')
    assert.deepEqual([await count('messages'), await count('progress')], [2, 2])
    await history.record([aStateEvent(waiting, { version: 2, state: 'sent', at: clock.now() })])
    clock.advance(2 * dayMs)
    await sweep()
    assert.deepEqual(await ledger.search({ tenant: 'acme', limit: 10 }), { records: [] })
    assert.ok(!(await days()).some((name) => name.includes('20260304')))
  })

  test('do not come back for an event of a message that is forgotten', async (t) => {
    const { history, sweep, clock, days, count } = await openEmpty(t, { retentionMs: dayMs })
    const message = aMessage()
    await history.record(eventsOfSending(message))
    clock.advance(5 * dayMs)
    await sweep()
    const fresh = aMessage({ acceptedAt: clock.now() })
    await history.record([aStateEvent(message, { version: 9, state: 'delivered' }), accepted(fresh)])
    assert.equal(await count('progress'), 1)
    assert.ok(!(await days()).some((name) => name.includes('20260304')))
  })

  test('may be dropped by one node while another records into them', async (t) => {
    const one = await openEmpty(t, { retentionMs: dayMs })
    const other = await openRecords(t, { url: one.url, clock: one.clock, retentionMs: dayMs })
    await other.history.record(eventsOfSending(aMessage()))
    one.clock.advance(5 * dayMs)
    await one.sweep()
    // The other still believes that the day is there.
    const late = aMessage()
    await other.history.record([accepted(late)])
    assert.equal((await one.ledger.find(late))?.state, 'queued')
  })
})

suite('a search in PostgreSQL', () => {
  test('is refused in the gateway’s own words when the server is not there', async (t) => {
    const { ledger, close } = await openEmpty(t)
    await close()
    await assert.rejects(ledger.search({ tenant: 'acme', limit: 1 }), { name: 'StorageFailed' })
  })

  test('goes on from page to page through the days', async (t) => {
    const { history, ledger } = await openEmpty(t)
    const messages = aMessageADay(100)
    await history.record(messages.map(accepted))
    assert.deepEqual(await idsOfAllPages(ledger), idsOf(messages))
  })

  test('answers with what it has when it has taken long, and the next page goes on there', async (t) => {
    const { history, url } = await openEmpty(t)
    const messages = aMessageADay(100)
    await history.record(messages.map(accepted))
    const slow = createTestClock()
    let slowCalls = 0
    const clock = {
      ...slow,
      now() {
        if (slowCalls-- > 0) slow.advance(3000)
        return slow.now()
      },
    }
    const { ledger } = await openRecords(t, { url, clock, retentionMs: 200 * dayMs })
    slowCalls = 40
    const first = await ledger.search({ tenant: 'acme', limit: 1000 })
    assert.deepEqual(idsOf(first.records), idsOf(messages.slice(0, first.records.length)))
    assert.ok(first.records.length < 10 && first.nextCursor !== undefined)
    assert.deepEqual(await idsOfAllPages(ledger), idsOf(messages))
    slowCalls = 10
    assert.deepEqual(await idsOfAllPages(ledger, { channel: 'form' }), [])
  })
})

const aMessageADay = (count: number): readonly Message[] =>
  Array.from({ length: count }, (_, n) => aMessage({ acceptedAt: testStart - n * dayMs }))

const idsOf = (records: readonly Pick<Message, 'id'>[]): readonly string[] => records.map(({ id }) => id)

const idsOfAllPages = async (ledger: Ledger, filter: Partial<LedgerQuery> = {}) => {
  const seen: string[] = []
  for (let cursor: string | undefined, pages = 0; ; pages++) {
    assert.ok(pages < 100, 'The pages do not end')
    const query = { tenant: 'acme', limit: 7, ...filter, ...(cursor !== undefined && { cursor }) }
    const { records, nextCursor } = await ledger.search(query)
    seen.push(...idsOf(records))
    cursor = nextCursor
    if (cursor === undefined) return seen
  }
}
