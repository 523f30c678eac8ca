/**
 * How fast records are searched, the same ones on the embedded engine and in PostgreSQL, and what recording costs.
 *
 *     node bench/records.ts <messages> <folder> [<postgres url>]
 *
 * Without a url the embedded engine is filled and searched, with one PostgreSQL. Both start empty; with BENCH_FILLED=1
 * the tables in PostgreSQL are only searched.
 */
import { openEmbedded } from '../src/engines/embedded/embedded.ts'
import { openPostgres } from '../src/engines/postgres/postgres.ts'
import type { HistoryEvent } from '../src/history.ts'
import type { Ledger, LedgerQuery } from '../src/ledger.ts'
import { systemClock } from '../src/main.ts'
import { callerKey, type Message, type MessageId, messageIdOf, type State } from '../src/message.ts'

const [countText = '100000', folder = '/tmp/hongyan-records', url] = process.argv.slice(2)
const count = Number(countText)
const tenant = 'bench'
const dayMs = 24 * 3_600_000
const spreadMs = 28 * dayMs
const people = 200_000
const batch = 500
const repeats = 40
const retentionMs = 365 * dayMs
const start = Date.now() - spreadMs

/** Spreads numbers as if by chance, the same at every run. */
const mixed = (n: number): number => Math.imul(n ^ (n >>> 15), 0x2c1b3c6d) >>> 0
const openidOf = (n: number): string => `oBench-${(mixed(n) % people).toString(36).padStart(21, '0')}`
const timeOf = (n: number): number => Math.floor(start + (n / count) * (spreadMs - 3_600_000))

const idOf = (n: number): MessageId =>
  messageIdOf(
    `${timeOf(n).toString(16).padStart(12, '0')}7${n.toString(16).padStart(9, '0')}${mixed(n).toString(16).padStart(10, '0')}`,
  )

const messageOf = (n: number): Message => ({
  ...{
    id: idOf(n),
    tenant: n % 10 === 9 ? 'other' : tenant,
    account: `wx${String(n % 12).padStart(16, '0')}`,
  },
  ...{ channel: 'template', lane: 'normal', touser: openidOf(n), templateId: `tpl-${mixed(n) % 40}` },
  body: JSON.stringify({ touser: openidOf(n), data: { thing1: { value: `SF${n} 乌龙茶 250g` } } }),
  ...{ acceptedAt: timeOf(n), sendAt: timeOf(n), expiresAt: timeOf(n) + 365 * dayMs },
  clientMsgId: `order-${n}`,
  idempotency: { key: callerKey(`order-${n}`), fingerprint: 'f' },
  ...(mixed(n) % 5 === 0 && { tags: mixed(n) % 1000 === 0 ? ['promo', 'rare'] : ['promo'] }),
})

const endOf = (n: number): State =>
  mixed(n) % 100 < 4 ? 'dead' : mixed(n) % 1000 === 40 ? 'unknown' : 'sent'

const eventsOf = (n: number): readonly HistoryEvent[] => {
  const message = messageOf(n)
  const { id, acceptedAt: at } = message
  const state = endOf(n)
  const rest = { kind: 'state', tenant: message.tenant, id, deliveries: 1 } as const
  return [
    { kind: 'accepted', message, order: 0 },
    { ...rest, version: 1, state: 'leased', readyAt: at + 60_000, at },
    { ...rest, version: 2, state, at: at + 80, msgid: String(n), step: { at: at + 80, state, leasedAt: at } },
  ]
}

const queries = (round: number): Readonly<Record<string, Partial<LedgerQuery>>> => {
  const n = mixed(round) % count
  const day = { from: timeOf(n), to: timeOf(n) + dayMs }
  return {
    newest: {},
    touser: { touser: openidOf(n) },
    'state sent': { state: 'sent' },
    'state dead': { state: 'dead' },
    'state unknown': { state: 'unknown' },
    account: { account: messageOf(n).account },
    template: { templateId: messageOf(n).templateId },
    'template and state': { templateId: messageOf(n).templateId, state: 'dead' },
    'tag of many': { tag: 'promo' },
    'tag of few': { tag: 'rare' },
    'q: client_msg_id': { q: `order-${n}` },
    'q: id': { q: idOf(n) },
    'q: openid': { q: openidOf(n) },
    'a day': day,
    'a day, dead': { ...day, state: 'dead' },
    nobody: { touser: 'nobody' },
  }
}

const measure = async (ledger: Ledger): Promise<void> => {
  const times = new Map<string, number[]>()
  for (let round = 0; round < repeats; round++)
    for (const [name, query] of Object.entries(queries(round))) {
      const startedAt = performance.now()
      const { nextCursor } = await ledger.search({ tenant, limit: 50, ...query })
      times.set(name, [...(times.get(name) ?? []), performance.now() - startedAt])
      if (name !== 'newest' || nextCursor === undefined) continue
      const pageAt = performance.now()
      await ledger.search({ tenant, limit: 50, cursor: nextCursor })
      times.set('second page', [...(times.get('second page') ?? []), performance.now() - pageAt])
    }
  for (const [name, some] of times) {
    some.sort((a, b) => a - b)
    const at = (share: number) => some[Math.ceil(share * some.length) - 1]!.toFixed(1)
    console.log(`${name.padEnd(20)} p50 ${at(0.5).padStart(8)} ms   p99 ${at(0.99).padStart(8)} ms`)
  }
}

const numbers = (first: number): readonly number[] =>
  Array.from({ length: Math.min(batch, count - first) }, (_, n) => first + n)

const filled = async (work: (some: readonly number[]) => Promise<void>): Promise<void> => {
  const startedAt = performance.now()
  const cpu = process.cpuUsage()
  for (let first = 0; first < count; first += batch) await work(numbers(first))
  const seconds = (performance.now() - startedAt) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const micros = Math.round((user + system) / count)
  console.log(
    `${count} messages in ${seconds.toFixed(0)} s, ${Math.round(count / seconds)} a second, ${micros} µs of our CPU each`,
  )
}

if (url === undefined) {
  const clock = systemClock
  const engine = await openEmbedded({
    folder,
    clock,
    leaseMs: 3_600_000,
    retentionMs,
    onFailure: console.error,
  })
  await filled(async (some) => {
    await engine.queue.publish(some.map(messageOf))
    const deliveries = await engine.queue.receive({ max: batch, waitMs: 1000 })
    await Promise.all(
      deliveries.map((delivery) => {
        const state = endOf(Number.parseInt(delivery.message.id.slice(17, 26), 16))
        const settlement =
          state === 'sent'
            ? ({ kind: 'sent', msgid: '7' } as const)
            : ({ kind: state as 'dead', reason: 'errcode-43004' } as const)
        return engine.queue.settle(delivery, settlement)
      }),
    )
  })
  await measure(engine.ledger)
  await engine.close()
} else {
  const records = openPostgres({ url, clock: systemClock, retentionMs, onUpkeepFailure: console.error })
  await records.prepare()
  if (!process.env.BENCH_FILLED) await filled((some) => records.history.record(some.flatMap(eventsOf)))
  await measure(records.ledger)
  await records.close()
}
