import assert from 'node:assert/strict'
import { suite } from 'node:test'
import { facadeMsgid } from '../../src/facade-msgid.ts'
import type { LedgerQuery } from '../../src/ledger.ts'
import {
  callerKey,
  facadeKey,
  type Message,
  type MessageRecord,
  type State,
  states,
} from '../../src/message.ts'
import type { Settlement } from '../../src/settlement.ts'
import { type ContractOptions, clausesOf, type Harness, receiveNow, receiveOne } from '../support/harness.ts'
import { aKeyedMessage, aMessage } from '../support/messages.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs

/** All that a `Ledger` promises, next to the queue that fills it. */
export const ledgerContract = (engine: string, options: ContractOptions) =>
  suite(`${engine} keeps the ledger contract`, () => {
    suite('find', () => finding(options))
    suite('search', () => searching(options))
    suite('pages', () => paging(options))
    suite('counts', () => counting(options))
    suite('retention', () => retention(options))
  })

const finding = (options: ContractOptions) => {
  const clause = clausesOf(options)

  clause(
    'a message is found, with every field, as soon as publish has answered',
    async (_t, { queue, ledger }) => {
      const messages = [
        aMessage(),
        aMessage({
          channel: 'subscribe',
          lane: 'urgent',
          touser: 'o"😀',
          body: '{"thing1":{"value":"\\u0000 😀 \\ud800"}}',
          sendAt: 8e12,
          expiresAt: 9e12,
          clientMsgId: 'order "1" 订单',
          tags: ['春节', 'a"b', '', '\ud800'],
        }),
        aMessage({ tags: [] }),
      ]
      await queue.publish(messages)
      for (const message of messages) {
        assert.deepEqual(await ledger.find(message), {
          ...message,
          state: message.sendAt > message.acceptedAt ? 'scheduled' : 'queued',
          readyAt: message.sendAt,
          deliveries: 0,
          updatedAt: message.acceptedAt,
          steps: [],
        })
      }
    },
  )

  clause('a search shows a change as soon as its call has answered', async (_t, harness) => {
    const { queue, ledger } = harness
    const message = aMessage()
    const seen = async () =>
      (await ledger.search({ tenant: message.tenant, limit: 10 })).records.map(({ state }) => state)
    assert.deepEqual(await seen(), [])
    await queue.publish([message])
    assert.deepEqual(await seen(), ['queued'])
    const delivery = await receiveOne(harness)
    assert.deepEqual(await seen(), ['leased'])
    await queue.settle(delivery, { kind: 'sent' })
    assert.deepEqual(await seen(), ['sent'])
  })

  clause('find and search tell the same', async (_t, { queue, ledger }) => {
    const message = aMessage({ clientMsgId: 'order-1', tags: ['a'] })
    await queue.publish([message])
    const { records } = await ledger.search({ tenant: message.tenant, limit: 10 })
    assert.deepEqual(records, [await ledger.find(message)])
  })

  clause('a message that is not there is not found', async (_t, { ledger }) => {
    assert.equal(await ledger.find(aMessage()), undefined)
  })

  clause('the timeline keeps every step, in order', async (_t, harness) => {
    const { queue, ledger, clock } = harness
    const message = aMessage()
    await queue.publish([message])
    for (const settlement of [
      aPark(clock.now()),
      aRetry(clock.now()),
      aPark(clock.now()),
      { kind: 'sent' },
    ] as const) {
      await queue.settle(await receiveOne(harness), settlement)
      clock.advance(10)
    }
    const steps = (await ledger.find(message))!.steps
    assert.deepEqual(
      steps.map(({ state }) => state),
      ['parked', 'retry', 'parked', 'sent'],
    )
    assert.deepEqual(
      steps.map(({ at }) => at),
      steps.map(({ at }) => at).toSorted((a, b) => a - b),
    )
  })
}

const searching = (options: ContractOptions) => {
  const clause = clausesOf(options)

  clause(
    'every combination of filters finds what matches and nothing else, newest first',
    async (_t, harness) => {
      const records = await aMixedStore(harness)
      const filters: readonly (readonly [keyof LedgerQuery, readonly unknown[]])[] = [
        ['touser', [undefined, 'o-1', 'nobody']],
        ['state', [undefined, 'queued', 'sent', 'dead', 'cancelled', 'leased', 'scheduled']],
        ['channel', [undefined, 'subscribe']],
        ['account', [undefined, 'wx-2']],
        ['templateId', [undefined, 'tpl-2']],
        ['tag', [undefined, 'promo', 'pro']],
        ['from', [undefined, records[20]!.acceptedAt]],
        ['to', [undefined, records[40]!.acceptedAt]],
      ]
      for (const filter of combinations(filters)) {
        const query = { tenant: 'acme', limit: 1000, ...filter } as LedgerQuery
        const { records: found, nextCursor } = await harness.ledger.search(query)
        assert.deepEqual(
          found.map(({ id }) => id),
          records
            .filter((record) => matches(record, query))
            .map(({ id }) => id)
            .reverse(),
          JSON.stringify(filter),
        )
        assert.equal(nextCursor, undefined)
      }
    },
  )

  clause('each state can be searched for', async (_t, harness) => {
    const records = await aMixedStore(harness)
    for (const state of states) {
      const { records: found } = await harness.ledger.search({ tenant: 'acme', state, limit: 1000 })
      const expected = records.filter((record) => matches(record, { tenant: 'acme', state, limit: 1000 }))
      assert.deepEqual(idsOf(found), idsOf(expected), state)
    }
  })

  clause('from is included, to is not', async (_t, { queue, ledger, clock }) => {
    const times = [0, 1, 2, 3].map((ms) => clock.now() + ms)
    const messages = times.map((acceptedAt) => aMessage({ acceptedAt }))
    await queue.publish(messages)
    const { records } = await ledger.search({ tenant: 'acme', from: times[1]!, to: times[3]!, limit: 10 })
    assert.deepEqual(
      records.map(({ acceptedAt }) => acceptedAt),
      [times[2], times[1]],
    )
  })

  clause('from and to hold when a message is recorded a little after a younger one', async (_t, harness) => {
    const { queue, ledger, clock } = harness
    const [elder, younger] = [0, 2].map((ms) => aMessage({ acceptedAt: clock.now() + ms }))
    await queue.publish([younger!])
    await queue.publish([elder!])
    const found = async (query: Partial<LedgerQuery>) =>
      idsOf((await ledger.search({ tenant: 'acme', limit: 10, ...query })).records)
    assert.deepEqual(await found({ from: clock.now() + 1 }), [younger!.id])
    assert.deepEqual(await found({ to: clock.now() + 1 }), [elder!.id])
  })

  clause('from and to far outside find everything or nothing', async (_t, { queue, ledger }) => {
    await queue.publish([aMessage()])
    const count = async (query: Partial<LedgerQuery>) =>
      (await ledger.search({ tenant: 'acme', limit: 10, ...query })).records.length
    assert.equal(await count({ from: 0, to: 8e15 }), 1)
    assert.equal(await count({ from: -1 }), 1)
    assert.equal(await count({ from: 8e15 }), 0)
    assert.equal(await count({ to: 0 }), 0)
  })

  clause('q is exactly an id, an openid or a caller’s key', async (_t, { queue, ledger }) => {
    const wanted = aKeyedMessage('c:order-1', { touser: 'o-wanted', clientMsgId: 'order-1' })
    await queue.publish([wanted])
    await queue.publish([aKeyedMessage('c:order-12', { touser: 'o-wanted-2', clientMsgId: 'order-12' })])
    const search = async (q: string) => idsOf((await ledger.search({ tenant: 'acme', q, limit: 10 })).records)
    for (const q of [wanted.id, 'o-wanted', 'order-1']) assert.deepEqual(await search(q), [wanted.id], q)
    const others = [
      'order',
      'o-',
      '%',
      '',
      wanted.id.slice(0, -1),
      wanted.id.toUpperCase(),
      "' OR 1=1 --",
      'c:order-1',
    ]
    for (const q of others) assert.deepEqual(await search(q), [], q)
  })

  clause('q finds a caller’s key', async (_t, { queue, ledger }) => {
    const message = aKeyedMessage(callerKey('order-1'), { clientMsgId: 'order-1' })
    await queue.publish([message, aKeyedMessage('h:order-1')])
    const { records } = await ledger.search({ tenant: 'acme', q: 'order-1', limit: 10 })
    assert.deepEqual(idsOf(records), [message.id])
  })

  clause(
    'q finds a message by the number that the facade has answered',
    async (_t, { queue, ledger, clock }) => {
      const messages = [0, 0, 1, 2].map((ms) => aMessage({ acceptedAt: clock.now() + ms }))
      await queue.publish(messages)
      const search = async (q: string) =>
        idsOf((await ledger.search({ tenant: 'acme', q, limit: 10 })).records)
      for (const message of messages) {
        const msgid = facadeMsgid(message.id)
        const same = messages.filter(({ id }) => facadeMsgid(id) === msgid)
        assert.deepEqual(await search(msgid), idsOf(same))
        assert.deepEqual(await search(String(BigInt(msgid) + 1n)), [])
        assert.deepEqual((await ledger.search({ tenant: 'other', q: msgid, limit: 10 })).records, [])
      }
      for (const q of ['1', '9'.repeat(18), '9'.repeat(19), '0'.repeat(18)])
        assert.deepEqual(await search(q), [])
    },
  )

  clause(
    'q finds the messages of one key of the facade, to whomever they went',
    async (_t, { queue, ledger }) => {
      const keyed = (clientMsgId: string, touser: string) => {
        const message = aMessage({ clientMsgId, touser })
        return { ...message, idempotency: { key: facadeKey(clientMsgId, message), fingerprint: '' } }
      }
      const wanted = ['o-1', 'o-2'].map((touser) => keyed('订单 1', touser))
      await queue.publish([...wanted, keyed('订单 12', 'o-3'), keyed('订单', 'o-4')])
      const { records } = await ledger.search({ tenant: 'acme', q: '订单 1', limit: 10 })
      assert.deepEqual(idsOf(records), idsOf(wanted))
      assert.deepEqual((await ledger.search({ tenant: 'other', q: '订单 1', limit: 10 })).records, [])
    },
  )

  clause(
    'q that is an openid to some and a caller’s key to others finds both',
    async (_t, { queue, ledger }) => {
      const byKey = aKeyedMessage('c:o-1', { clientMsgId: 'o-1', touser: 'o-2' })
      const byOpenid = aMessage({ touser: 'o-1' })
      await queue.publish([byKey, byOpenid])
      const { records } = await ledger.search({ tenant: 'acme', q: 'o-1', limit: 10 })
      assert.deepEqual(idsOf(records), idsOf([byKey, byOpenid]))
    },
  )

  clause('q and filters must both hold', async (_t, { queue, ledger }) => {
    const message = aMessage({ touser: 'o-1' })
    await queue.publish([message])
    for (const q of [message.id, 'o-1']) {
      const search = async (state: State) =>
        (await ledger.search({ tenant: 'acme', q, state, limit: 10 })).records.length
      assert.deepEqual([await search('queued'), await search('sent')], [1, 0])
    }
  })

  clause('nothing of another tenant is ever shown', async (_t, harness) => {
    const { queue, ledger } = harness
    const message = aMessage({ clientMsgId: 'order-1', tags: ['promo'], touser: 'o-1' })
    await queue.publish([message, aKeyedMessage('c:order-2', { clientMsgId: 'order-2' })])
    assert.equal(await ledger.find({ tenant: 'other', id: message.id }), undefined)
    const queries: readonly Partial<LedgerQuery>[] = [
      {},
      { touser: 'o-1' },
      { state: 'queued' },
      { tag: 'promo' },
      { q: message.id },
      { q: 'o-1' },
      { q: 'order-1' },
      { q: 'order-2' },
      { account: message.account },
    ]
    for (const query of queries)
      assert.deepEqual(await ledger.search({ tenant: 'other', limit: 10, ...query }), { records: [] })
    const page = await ledger.search({ tenant: 'acme', limit: 1 })
    const stolen = await ledger.search({ tenant: 'other', limit: 10, cursor: page.nextCursor! })
    assert.deepEqual(stolen, { records: [] })
    assert.ok(Object.values(await ledger.counts('other')).every((count) => count === 0))
  })

  clause('many searches at once are all answered', async (_t, { queue, ledger }) => {
    await queue.publish(Array.from({ length: 20 }, () => aMessage()))
    const pages = await Promise.all(
      Array.from({ length: 40 }, (_, n) => ledger.search({ tenant: 'acme', limit: 1 + (n % 20) })),
    )
    assert.deepEqual(
      pages.map(({ records }) => records.length),
      pages.map((_, n) => 1 + (n % 20)),
    )
  })
}

const paging = (options: ContractOptions) => {
  const clause = clausesOf(options)

  const queries: readonly Partial<LedgerQuery>[] = [
    {},
    { touser: 'o-1' },
    { tag: 'promo' },
    { state: 'scheduled' },
  ]
  for (const query of queries)
    clause(
      `pages by ${Object.keys(query)[0] ?? 'nothing'} show each record once while others arrive`,
      async (_t, harness) => {
        const { queue, ledger } = harness
        const asked = { tenant: 'acme', limit: 7, ...query }
        const fresh = (n: number) =>
          Array.from({ length: n }, () => aMessage({ touser: 'o-1', tags: ['promo'], sendAt: 8e12 }))
        const messages = fresh(50)
        await queue.publish(messages)
        const seen: string[] = []
        for (let cursor: string | undefined, pages = 0; pages === 0 || cursor !== undefined; pages++) {
          assert.ok(pages < 20, 'The pages do not end')
          const page = await ledger.search({ ...asked, ...(cursor !== undefined && { cursor }) })
          assert.ok(page.records.length <= 7)
          seen.push(...page.records.map(({ id }) => id))
          cursor = page.nextCursor
          await queue.publish(fresh(3))
        }
        assert.deepEqual(seen, messages.map(({ id }) => id).reverse())
      },
    )

  clause('a last page that is exactly full has no next one', async (_t, { queue, ledger }) => {
    await queue.publish(Array.from({ length: 14 }, () => aMessage()))
    const first = await ledger.search({ tenant: 'acme', limit: 7 })
    const second = await ledger.search({ tenant: 'acme', limit: 7, cursor: first.nextCursor! })
    assert.deepEqual([second.records.length, second.nextCursor], [7, undefined])
  })

  clause('limit 1 walks through all', async (_t, { queue, ledger }) => {
    const messages = Array.from({ length: 5 }, () => aMessage())
    await queue.publish(messages)
    const seen: string[] = []
    for (let page = await ledger.search({ tenant: 'acme', limit: 1 }); ; ) {
      seen.push(...page.records.map(({ id }) => id))
      if (page.nextCursor === undefined) break
      page = await ledger.search({ tenant: 'acme', limit: 1, cursor: page.nextCursor })
    }
    assert.deepEqual(seen, messages.map(({ id }) => id).reverse())
  })

  clause('a cursor holds after a restart', async (_t, harness) => {
    const messages = Array.from({ length: 5 }, () => aMessage())
    await harness.queue.publish(messages)
    const { nextCursor } = await harness.ledger.search({ tenant: 'acme', limit: 2 })
    const { ledger } = await harness.restart()
    const { records } = await ledger.search({ tenant: 'acme', limit: 10, cursor: nextCursor! })
    assert.deepEqual(
      records.map(({ id }) => id),
      messages
        .slice(0, 3)
        .map(({ id }) => id)
        .reverse(),
    )
  })

  clause('a text that is no cursor does not throw', async (_t, { queue, ledger }) => {
    await queue.publish([aMessage()])
    const encode = (text: string) => Buffer.from(text).toString('base64url')
    const texts = [
      '',
      'x',
      '😀',
      '../..',
      '%00',
      encode('s-1'),
      encode('s1e9'),
      encode(`s${'9'.repeat(400)}`),
      'A'.repeat(10_000),
    ]
    for (const cursor of texts) {
      const { records } = await ledger.search({ tenant: 'acme', limit: 10, cursor })
      assert.ok(records.length <= 1)
    }
  })
}

const counting = (options: ContractOptions) => {
  const clause = clausesOf(options)

  clause('every state is counted, those without a message as 0', async (_t, harness) => {
    const none = Object.fromEntries(states.map((state) => [state, 0])) as Record<State, number>
    assert.deepEqual(await harness.ledger.counts('acme'), none)
    const records = await aMixedStore(harness)
    const expected = { ...none }
    for (const { tenant, state } of records) if (tenant === 'acme') expected[state]++
    assert.deepEqual(await harness.ledger.counts('acme'), expected)
  })
}

const retention = (options: ContractOptions) => {
  const clause = clausesOf(options)
  /** Idempotency keys live a day longer than promised, and their messages with them. */
  const graceMs = 25 * hourMs

  clause('what was final for long is forgotten, together with its key', async (_t, harness) => {
    const { queue, ledger, clock, retentionMs } = harness
    const message = aKeyedMessage('order-1')
    await queue.publish([message])
    await queue.settle(await receiveOne(harness), { kind: 'sent' })
    clock.advance(retentionMs + graceMs)
    await harness.sweep()
    assert.equal(await ledger.find(message), undefined)
    assert.deepEqual((await ledger.search({ tenant: 'acme', limit: 10 })).records, [])
    assert.deepEqual(await queue.publish([aKeyedMessage('order-1', { acceptedAt: clock.now() })]), [
      { kind: 'accepted' },
    ])
  })

  clause('what is final is kept for as long as promised, and its key a day longer', async (_t, harness) => {
    const { queue, ledger, clock, retentionMs } = harness
    const message = aKeyedMessage('order-1')
    await queue.publish([message])
    clock.advance(10 * hourMs)
    await queue.settle(await receiveOne(harness), { kind: 'sent' })
    clock.advance(retentionMs)
    await harness.sweep()
    assert.equal((await ledger.find(message))?.state, 'sent')
    clock.advance(24 * hourMs - 1)
    await harness.sweep()
    assert.equal((await queue.publish([aKeyedMessage('order-1')]))[0]!.kind, 'duplicate')
  })

  clause('what is not final is never forgotten', async (_t, harness) => {
    const { queue, ledger, clock, retentionMs } = harness
    const later = clock.now() + 10 * retentionMs + 10 * graceMs
    const scheduled = aKeyedMessage('scheduled', { sendAt: later })
    const [retry, parked, queued, leased] = ['retry', 'parked', 'queued', 'leased'].map((key) =>
      aKeyedMessage(key),
    )
    await queue.publish([scheduled, retry!])
    await queue.settle(await receiveOne(harness), aRetry(later))
    await queue.publish([parked!])
    await queue.settle(await receiveOne(harness), aPark(later))
    await queue.publish([leased!])
    await receiveOne(harness)
    await queue.publish([queued!])
    clock.advance(5 * retentionMs + 5 * graceMs)
    await harness.sweep()
    for (const message of [scheduled, retry, parked, queued, leased]) {
      const key = message!.idempotency!.key
      assert.equal((await ledger.find(message!))?.state, key)
      assert.equal((await queue.publish([aKeyedMessage(key)]))[0]!.kind, 'duplicate')
    }
  })

  clause(
    'much that is old goes in several rounds, and what is new stays and is found',
    async (_t, harness) => {
      const { queue, ledger, clock, retentionMs } = harness
      const waits = aMessage({ sendAt: 8e12, touser: 'o-kept' })
      await queue.publish([waits])
      for (let batch = 0; batch < 5; batch++)
        await queue.publish(Array.from({ length: 1000 }, (_, n) => aKeyedMessage(`${batch}-${n}`)))
      const deliveries = await receiveNow(harness, 5000)
      await Promise.all(deliveries.map((delivery) => queue.settle(delivery, { kind: 'sent' })))
      clock.advance(retentionMs + graceMs)
      for (let round = 0; round < 5; round++) await harness.sweep()
      const recent = aMessage({ acceptedAt: clock.now(), touser: waits.touser })
      await queue.publish([recent])
      await queue.settle(await receiveOne(harness), { kind: 'sent', msgid: '1' })
      const queries: readonly Partial<LedgerQuery>[] = [{}, { touser: waits.touser }, { q: waits.touser }]
      for (const query of queries) {
        const { records } = await ledger.search({ tenant: 'acme', limit: 100, ...query })
        assert.deepEqual(
          records.map(({ id }) => id),
          [recent.id, waits.id],
          JSON.stringify(query),
        )
      }
      assert.deepEqual(await queue.publish([aKeyedMessage('0-0')]), [{ kind: 'accepted' }])
    },
  )

  clause('a delivery of a forgotten message settles nothing', async (_t, harness) => {
    const { queue, ledger, clock, retentionMs } = harness
    await queue.publish([aMessage()])
    const zombie = await receiveOne(harness)
    await queue.settle(zombie, { kind: 'sent' })
    clock.advance(retentionMs + graceMs)
    await harness.sweep()
    const next = aMessage({ acceptedAt: clock.now() })
    await queue.publish([next])
    await receiveOne(harness)
    assert.equal(await queue.settle(zombie, { kind: 'dead', reason: 'errcode-43004' }), 'expired')
    assert.equal((await ledger.find(next))?.state, 'leased')
  })
}

/** 60 messages of many kinds and states, one a minute, as their records; two tenants, oldest first. */
const aMixedStore = async (harness: Harness): Promise<readonly MessageRecord[]> => {
  const { queue, ledger, clock } = harness
  const messages: Message[] = []
  for (let n = 0; n < 60; n++) {
    clock.advance(minuteMs)
    const message = aMessage({
      tenant: n % 7 === 6 ? 'other' : 'acme',
      touser: `o-${n % 3}`,
      channel: n % 2 === 0 ? 'template' : 'subscribe',
      account: `wx-${n % 4}`,
      templateId: `tpl-${n % 5}`,
      acceptedAt: clock.now(),
      ...(n % 10 === 9 && { sendAt: 8e12 }),
      ...(n % 3 !== 0 && { tags: n % 2 === 0 ? ['promo'] : ['other', 'promo'] }),
    })
    messages.push(message)
    await queue.publish([message])
    if (n % 10 === 9) continue
    if (n % 6 === 5) await queue.cancel(message)
    else if (n < 45)
      await queue.settle(await receiveOne(harness), settlements[n % settlements.length]!(clock.now()))
    else if (n === 45) await receiveOne(harness)
  }
  const records = await Promise.all(messages.map((message) => ledger.find(message)))
  return records.map((record) => record!)
}

const settlements: readonly ((now: number) => Settlement)[] = [
  () => ({ kind: 'sent', msgid: '1' }),
  () => ({ kind: 'dead', reason: 'errcode-43004' }),
  () => ({ kind: 'unknown', reason: 'no-receipt' }),
  () => ({ kind: 'expired', reason: 'expired' }),
  (now) => aRetry(now + 100 * hourMs),
  (now) => aPark(now + 100 * hourMs),
  () => ({ kind: 'sent', msgid: '2' }),
]

const aRetry = (until: number): Settlement => ({
  kind: 'retry',
  until,
  reason: 'errcode--1',
  spent: true,
  inDoubt: false,
})
const aPark = (until: number): Settlement => ({
  kind: 'parked',
  until,
  reason: 'errcode-45009',
  inDoubt: false,
})

/** What a query means, said once more in the plainest way. */
const matches = (record: MessageRecord, query: LedgerQuery): boolean =>
  record.tenant === query.tenant &&
  (query.touser === undefined || record.touser === query.touser) &&
  (query.state === undefined || record.state === query.state) &&
  (query.channel === undefined || record.channel === query.channel) &&
  (query.account === undefined || record.account === query.account) &&
  (query.templateId === undefined || record.templateId === query.templateId) &&
  (query.tag === undefined || (record.tags ?? []).includes(query.tag)) &&
  (query.from === undefined || record.acceptedAt >= query.from) &&
  (query.to === undefined || record.acceptedAt < query.to)

/** Every way to choose one value of each filter; undefined leaves the filter out. */
const combinations = (
  filters: readonly (readonly [key: string, values: readonly unknown[]])[],
): readonly Readonly<Record<string, unknown>>[] =>
  filters.reduce<readonly Readonly<Record<string, unknown>>[]>(
    (chosen, [key, values]) =>
      chosen.flatMap((each) =>
        values.map((value) => (value === undefined ? each : { ...each, [key]: value })),
      ),
    [{}],
  )

const idsOf = (records: readonly { readonly id: string }[]): readonly string[] =>
  records.map(({ id }) => id).sort()
