import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { isFinal, type Lane, lanes, type Message, type State } from '../../src/message.ts'
import type { Delivery } from '../../src/queue.ts'
import type { Settlement } from '../../src/settlement.ts'
import type { ContractOptions, Harness } from '../support/harness.ts'
import { aMessage } from '../support/messages.ts'

/**
 * Random histories against a model of a few lines. After each command the engine and the model must agree
 * on what it answered and on the record of every message it touched; at the end, on all of them. That holds
 * the engine to conservation (each accepted message is in exactly one place), fencing (only the latest
 * delivery settles) and to final states that stay.
 */
export const queueModel = (engine: string, { open }: Pick<ContractOptions, 'open'>) =>
  suite(`${engine} behaves like the model`, () => {
    test('in random histories', { timeout: 60_000 }, async (t: TestContext) => {
      let harness = await open(t)
      const deadline = performance.now() + budgetMs
      await fc.assert(
        fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 50 }), async (commands) => {
          if (performance.now() > deadline) return
          const world = createWorld(harness)
          try {
            for (const each of commands) await world.perform(each)
            await world.verifyAll()
            assert.equal(await world.drain(), world.waiting(), 'What is not final comes back in the end')
          } finally {
            await world.drain()
            harness = world.harness()
          }
        }),
        { numRuns: 100 },
      )
    })
  })

/** Histories that would begin later than this are left out: on a slow machine there are fewer of them. */
const budgetMs = 8000

const settlementKinds = ['sent', 'dead', 'unknown', 'expired', 'returned', 'retry', 'parked'] as const

const command = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('publish' as const),
      messages: fc.array(
        fc.record({
          lane: fc.constantFrom(...lanes),
          delayMs: fc.constantFrom(0, 0, 0, 1, 60_000),
          key: fc.constantFrom(undefined, undefined, undefined, 'a', 'b'),
          fingerprint: fc.constantFrom('1', '1', '1', '2'),
          tenant: fc.constantFrom('acme', 'acme', 'other'),
        }),
        { minLength: 1, maxLength: 4 },
      ),
    }),
  },
  {
    weight: 15,
    arbitrary: fc.record({ kind: fc.constant('receive' as const), max: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 18,
    arbitrary: fc.record({
      kind: fc.constant('settle' as const),
      /** A zombie settles a delivery whose message has been delivered again since, if there is one. */
      zombie: fc.constantFrom(false, false, true),
      /** Counted back from the latest. */
      back: fc.nat(3),
      as: fc.constantFrom(...settlementKinds),
      waitMs: fc.constantFrom(0, 1, 60_000),
      spent: fc.boolean(),
      inDoubt: fc.boolean(),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('cancel' as const), back: fc.nat(8) }) },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.constantFrom(1, 59_999, 60_000) }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('lose-leases' as const) }) },
  // Seldom: opening a store takes longer than all other commands of a history.
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
)

type Command = typeof command extends fc.Arbitrary<infer C> ? C : never
type CommandOf<Kind extends Command['kind']> = Extract<Command, { readonly kind: Kind }>

/** A message as the model knows it. `readyAt` is absent once the state is final. */
interface Tracked {
  readonly message: Message
  state: State
  readyAt: number | undefined
  leasedAt: number
  number: number
  tries: number
  doubtSince: number | undefined
}

const createWorld = (first: Harness) => {
  let harness = first
  const { clock } = first
  const tracked: Tracked[] = []
  const deliveries: { readonly delivery: Delivery; readonly of: Tracked }[] = []
  const keys = new Map<string, { readonly of: Tracked; readonly fingerprint: string }>()
  // Keys outlive a history, so each history has tenants of its own.
  const tenants = new Map(['acme', 'other'].map((name) => [name, `${name}-${historyNumber++}`]))

  const isReady = (each: Tracked) => each.readyAt !== undefined && each.readyAt <= clock.now()

  const verify = async (each: Tracked) => {
    const record = await harness.ledger.find(each.message)
    assert.ok(record, `${each.message.id} is lost`)
    const { state, readyAt, deliveries: number, doubtSince } = record
    const expected = {
      state: each.state,
      readyAt: each.readyAt,
      number: each.number,
      doubtSince: each.doubtSince,
    }
    assert.deepEqual({ state, readyAt, number, doubtSince }, expected)
    assert.deepEqual(
      record.steps.filter(({ state }) => isFinal(state as State)).length,
      isFinal(state) ? 1 : 0,
    )
  }

  const publish = async ({ messages }: CommandOf<'publish'>) => {
    const batch = messages.map(({ lane, delayMs, key, fingerprint, tenant }) =>
      aMessage({
        lane,
        tenant: tenants.get(tenant)!,
        acceptedAt: clock.now(),
        sendAt: clock.now() + delayMs,
        ...(key !== undefined && { idempotency: { key, fingerprint } }),
      }),
    )
    const expected = batch.map((message) => {
      const name = message.idempotency && `${message.tenant} ${message.idempotency.key}`
      const known = name === undefined ? undefined : keys.get(name)
      if (known) {
        const { of, fingerprint } = known
        if (fingerprint !== message.idempotency!.fingerprint) return { kind: 'conflict', id: of.message.id }
        return { kind: 'duplicate', id: of.message.id, state: of.state }
      }
      const state = message.sendAt > message.acceptedAt ? 'scheduled' : 'queued'
      const each: Tracked = {
        message,
        state,
        readyAt: message.sendAt,
        leasedAt: 0,
        number: 0,
        tries: 0,
        doubtSince: undefined,
      }
      tracked.push(each)
      if (name !== undefined) keys.set(name, { of: each, fingerprint: message.idempotency!.fingerprint })
      return { kind: 'accepted' }
    })
    const answers = await harness.queue.publish(batch)
    assert.equal(answers.length, expected.length)
    for (const [index, answer] of answers.entries()) assert.partialDeepStrictEqual(answer, expected[index]!)
  }

  const receive = async ({ max }: CommandOf<'receive'>) => {
    const ready = tracked.filter(isReady)
    const received = await harness.queue.receive({ max, waitMs: 0 })
    const inOrder = (some: readonly Lane[]) => some.toSorted((a, b) => lanes.indexOf(a) - lanes.indexOf(b))
    const expectedLanes = inOrder(ready.map(({ message }) => message.lane)).slice(0, max)
    assert.deepEqual(
      received.map(({ message }) => message.lane),
      expectedLanes,
    )
    for (const delivery of received) {
      const each = ready.find(({ message }) => message.id === delivery.message.id)
      assert.ok(each && isReady(each), `${delivery.message.id} was not to be had`)
      if (each.state === 'leased') each.doubtSince ??= each.leasedAt
      each.state = 'leased'
      each.number++
      each.leasedAt = clock.now()
      each.readyAt = delivery.leaseUntil
      assert.ok(delivery.leaseUntil > clock.now())
      const { number, tries, doubtSince, leasedAt } = delivery
      const expected = {
        number: each.number,
        tries: each.tries,
        doubtSince: each.doubtSince,
        leasedAt: clock.now(),
      }
      assert.deepEqual({ number, tries, doubtSince, leasedAt }, expected)
      deliveries.push({ delivery, of: each })
      await verify(each)
    }
  }

  const settle = async ({ zombie, back, as, waitMs, spent, inDoubt }: CommandOf<'settle'>) => {
    const stale = deliveries.filter(
      ({ delivery, of }) => of.state === 'leased' && of.number > delivery.number,
    )
    const chosen = (zombie ? stale : deliveries).at(-1 - back)
    if (!chosen) return
    const { delivery, of } = chosen
    const until = clock.now() + waitMs
    const settlement = settlementOf(as, { until, spent, inDoubt })
    const current = of.state === 'leased' && of.number === delivery.number
    assert.equal(await harness.queue.settle(delivery, settlement), current ? 'settled' : 'expired')
    if (current) {
      of.state = as === 'returned' ? 'queued' : as
      of.readyAt =
        as === 'returned' ? of.message.acceptedAt : as === 'retry' || as === 'parked' ? until : undefined
      if (as === 'retry' && spent) of.tries++
      if (as === 'unknown' || ((as === 'retry' || as === 'parked') && inDoubt)) of.doubtSince ??= of.leasedAt
    }
    await verify(of)
  }

  const cancel = async ({ back }: CommandOf<'cancel'>) => {
    const each = tracked.at(-1 - back)
    if (!each) return
    const expected = cancellationOf(each)
    assert.deepEqual(await harness.queue.cancel(each.message), expected)
    if (expected.kind === 'cancelled') {
      each.state = expected.state
      each.readyAt = undefined
    }
    await verify(each)
  }

  const loseLeases = async () => {
    await harness.loseLeases()
    for (const each of tracked)
      if (each.state === 'leased') each.readyAt = Math.min(each.readyAt!, clock.now())
  }

  return {
    async perform(each: Command) {
      switch (each.kind) {
        case 'publish':
          return publish(each)
        case 'receive':
          return receive(each)
        case 'settle':
          return settle(each)
        case 'cancel':
          return cancel(each)
        case 'advance':
          return clock.advance(each.ms)
        case 'lose-leases':
          return loseLeases()
        case 'restart': {
          harness = await harness.restart()
          await loseLeases()
          // Whether a lease ended with the process or with its time is the engine's affair.
          for (const of of tracked)
            if (of.state === 'leased') of.readyAt = (await harness.ledger.find(of.message))?.readyAt
        }
      }
    },

    async verifyAll() {
      for (const each of tracked) await verify(each)
      const { lanes: waiting, later } = await harness.queue.depth()
      const ready = tracked.filter(isReady)
      for (const lane of lanes)
        assert.equal(waiting[lane].ready, ready.filter(({ message }) => message.lane === lane).length, lane)
      assert.equal(later, tracked.filter((each) => each.readyAt !== undefined && !isReady(each)).length)
    },

    waiting: () => tracked.filter(({ readyAt }) => readyAt !== undefined).length,

    /** Ends what is not final, so that the next history begins with an empty queue; answers how many there were. */
    async drain(): Promise<number> {
      clock.advance(24 * 3_600_000)
      const rest = await harness.queue.receive({ max: 10_000, waitMs: 0 })
      await Promise.all(rest.map((delivery) => harness.queue.settle(delivery, { kind: 'sent' })))
      return rest.length
    },

    /** The one to go on with: a restart has replaced the first. */
    harness: () => harness,
  }
}

let historyNumber = 0

const settlementOf = (
  kind: (typeof settlementKinds)[number],
  { until, spent, inDoubt }: { readonly until: number; readonly spent: boolean; readonly inDoubt: boolean },
): Settlement => {
  switch (kind) {
    case 'sent':
      return { kind, msgid: '1' }
    case 'returned':
      return { kind }
    case 'retry':
      return { kind, until, reason: 'errcode--1', spent, inDoubt }
    case 'parked':
      return { kind, until, reason: 'errcode-45009', inDoubt }
    default:
      return { kind, reason: 'errcode-43004' }
  }
}

const cancellationOf = ({ state, doubtSince }: Tracked) => {
  if (state === 'leased') return { kind: 'in-flight' } as const
  if (isFinal(state)) return { kind: 'final', state } as const
  return { kind: 'cancelled', state: doubtSince === undefined ? 'cancelled' : 'unknown' } as const
}
