import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { channelTraits } from '../src/channels.ts'
import { errcodeOf, errcodes } from '../src/errcodes.ts'
import { type GrantPolicy, grantPolicies, type Reservation } from '../src/grants.ts'
import { type Channel, channels } from '../src/message.ts'
import type { Delivery } from '../src/queue.ts'
import { nextBeijingMidnight, nextMinute, defaultRetryPolicy as retry } from '../src/retry.ts'
import {
  admit,
  decide,
  type GrantEffect,
  grantEffect,
  heldBack,
  type Outcome,
  type Policy,
} from '../src/settlement.ts'
import { classify, type Reply, type Verdict } from '../src/verdict.ts'
import { testStart as start } from './support/clock.ts'
import { aDelivery } from './support/messages.ts'

const seconds = 1000
const minutes = 60 * seconds
const hours = 60 * minutes
const windowMs = 8 * minutes
const policy: Policy = { retry, callMs: 15 * seconds, whenNoGrant: () => 'try' }

/** The middle of every chance: backoff is half of its bound, jitter three quarters of the wait. */
const half = () => 0.5

/** A delivery leased now, of a message first in doubt so long ago. */
const of = (
  channel: Channel,
  {
    doubtMs,
    number = 1,
    tries = 0,
    expiresMs = 24 * hours,
  }: { doubtMs?: number; number?: number; tries?: number; expiresMs?: number } = {},
): Delivery =>
  aDelivery({
    message: { channel, expiresAt: start + expiresMs },
    number,
    tries,
    ...(doubtMs !== undefined && { doubtSince: start - doubtMs }),
  })

const mayRepeat = (channel: Channel): boolean => channelTraits[channel].repeatInDoubt === 'within-window'

suite('whether a delivery may be sent', () => {
  const cases: readonly [name: string, delivery: Delivery, now: number, outcome: Outcome | undefined][] = [
    ['a fresh one may', of('template'), start, undefined],
    ['a fresh one of a mini program may', of('subscribe'), start, undefined],
    ['one tried and refused before may', of('subscribe', { number: 5, tries: 4 }), start, undefined],

    ['one that expires the next moment may', of('template', { expiresMs: 1 }), start, undefined],
    [
      'one that expires now is expired',
      of('template', { expiresMs: 0 }),
      start,
      { kind: 'expired', reason: 'expired' },
    ],
    [
      'expired and in doubt is unknown',
      of('template', { expiresMs: 0, doubtMs: 1000 }),
      start,
      { kind: 'unknown', reason: 'expired' },
    ],
    [
      'so is it for a mini program',
      of('subscribe', { expiresMs: 0, doubtMs: 1000 }),
      start,
      { kind: 'unknown', reason: 'expired' },
    ],

    ['a lease with just enough left is enough', of('template'), start + 45 * seconds, undefined],
    [
      'a lease with too little left goes back',
      of('template'),
      start + 45 * seconds + 1,
      { kind: 'returned' },
    ],
    ['a lease that has run out goes back', of('template'), start + 61 * seconds, { kind: 'returned' }],
    [
      'expiry is said even on a short lease',
      of('template', { expiresMs: 50 * seconds }),
      start + 50 * seconds,
      { kind: 'expired', reason: 'expired' },
    ],

    ['a template message in doubt may be repeated', of('template', { doubtMs: 1 }), start, undefined],
    ['up to the end of the window', of('template', { doubtMs: windowMs }), start, undefined],
    [
      'but not after it',
      of('template', { doubtMs: windowMs + 1 }),
      start,
      { kind: 'unknown', reason: 'repeat-window-over' },
    ],

    [
      'a subscribe message in doubt is never repeated, it waits for its receipt',
      of('subscribe', { doubtMs: 1000 }),
      start,
      { kind: 'parked', until: start - 1000 + 2 * minutes, reason: 'awaiting-receipt', inDoubt: true },
    ],
    [
      'at the latest until it expires',
      of('subscribe', { doubtMs: 1000, expiresMs: 30 * seconds }),
      start,
      { kind: 'parked', until: start + 30 * seconds, reason: 'awaiting-receipt', inDoubt: true },
    ],
    [
      'and without a receipt it is unknown',
      of('subscribe', { doubtMs: 2 * minutes }),
      start,
      { kind: 'unknown', reason: 'no-receipt' },
    ],
  ]
  for (const [name, delivery, now, outcome] of cases)
    test(name, () => assert.deepEqual(admit(delivery, now, policy), outcome))
})

const answered = (errcode: number): Verdict => classify({ kind: 'answered', errcode, errmsg: '' })
const lost: Verdict = { kind: 'in-doubt', reason: 'timeout' }
const notSent: Verdict = { kind: 'not-sent', reason: 'ECONNREFUSED' }

suite('what a verdict asks of us', () => {
  const both = ['template', 'subscribe'] as const
  const retryAt = (inMs: number, reason: string, { spent = false, inDoubt = false } = {}): Outcome => ({
    kind: 'retry',
    until: start + inMs,
    reason,
    spent,
    inDoubt,
  })
  const parkAt = (until: number, reason: string): Outcome => ({
    kind: 'parked',
    until,
    reason,
    inDoubt: false,
  })

  type Case = readonly [name: string, verdict: Verdict, situation: Parameters<typeof of>[1], outcome: Outcome]

  const check = (channel: Channel, [name, verdict, situation, outcome]: Case) =>
    test(`${channel}: ${name}`, () =>
      assert.deepEqual(
        decide(verdict, of(channel, situation), { now: start, random: half, policy }),
        outcome,
      ))

  const alike: readonly Case[] = [
    ['0 is sent', answered(0), {}, { kind: 'sent' }],
    [
      'with WeChat’s number',
      { kind: 'sent', msgid: '9007199254740993001' },
      {},
      { kind: 'sent', msgid: '9007199254740993001' },
    ],
    ['0 after a doubt is sent', answered(0), { doubtMs: 1000 }, { kind: 'sent' }],
    ['0 after the window is sent', answered(0), { doubtMs: 2 * hours }, { kind: 'sent' }],

    ['a final code is dead', answered(43004), {}, { kind: 'dead', reason: 'errcode-43004' }],
    [
      'a final code in doubt is unknown',
      answered(43004),
      { doubtMs: 1000 },
      { kind: 'unknown', reason: 'errcode-43004' },
    ],
    ['43101 is dead', answered(43101), {}, { kind: 'dead', reason: 'errcode-43101' }],
    [
      '43101 in doubt is unknown',
      answered(43101),
      { doubtMs: 1000 },
      { kind: 'unknown', reason: 'errcode-43101' },
    ],

    [
      'already there, without a call of ours, is dead',
      answered(45065),
      {},
      { kind: 'dead', reason: 'errcode-45065' },
    ],
    [
      'already there, after a doubt, is sent',
      answered(45065),
      { doubtMs: 1000 },
      { kind: 'sent', reason: 'errcode-45065' },
    ],

    ['not sent goes on soon and costs nothing', notSent, {}, retryAt(1000, 'ECONNREFUSED')],
    ['not sent waits longer each time', notSent, { number: 4 }, retryAt(8000, 'ECONNREFUSED')],
    ['not sent waits five minutes at most', notSent, { number: 60 }, retryAt(150 * seconds, 'ECONNREFUSED')],
    ['not sent until it expires', notSent, { expiresMs: 1000 }, { kind: 'expired', reason: 'ECONNREFUSED' }],

    [
      'a code that means later costs a try',
      answered(45066),
      {},
      retryAt(45 * seconds, 'errcode-45066', { spent: true }),
    ],
    [
      'too many calls for one recipient cost none',
      answered(43117),
      {},
      retryAt(135 * seconds, 'errcode-43117'),
    ],
    [
      'a code we do not know is tried again',
      answered(99_999_999),
      {},
      retryAt(500, 'errcode-99999999', { spent: true }),
    ],
    ['and once more', answered(99_999_999), { tries: 4 }, retryAt(8000, 'errcode-99999999', { spent: true })],
    [
      'and is dead after six tries',
      answered(99_999_999),
      { tries: 5 },
      { kind: 'dead', reason: 'errcode-99999999' },
    ],
    [
      'or unknown, in doubt',
      answered(99_999_999),
      { tries: 5, doubtMs: 1000 },
      { kind: 'unknown', reason: 'errcode-99999999' },
    ],
    [
      'many lost leases are no tries',
      answered(99_999_999),
      { number: 50 },
      retryAt(500, 'errcode-99999999', { spent: true }),
    ],
    ['a refused token is tried again and costs nothing', answered(40001), {}, retryAt(1500, 'errcode-40001')],
    [
      '45011 goes on in the next minute',
      answered(45011),
      {},
      retryAt(nextMinute(start) - start + 2500, 'errcode-45011'),
    ],
    [
      '45011 expires before',
      answered(45011),
      { expiresMs: 30 * seconds },
      { kind: 'expired', reason: 'errcode-45011' },
    ],

    [
      '45009 waits for midnight in Beijing',
      answered(45009),
      {},
      parkAt(nextBeijingMidnight(start) + 30 * seconds, 'errcode-45009'),
    ],
    [
      '45009 expires before',
      answered(45009),
      { expiresMs: 2 * hours },
      { kind: 'expired', reason: 'errcode-45009' },
    ],
    [
      '45009 in doubt is unknown: the window is shorter',
      answered(45009),
      { doubtMs: 1000 },
      { kind: 'unknown', reason: 'errcode-45009' },
    ],
    [
      'a wrong address waits for whoever repairs it',
      answered(40164),
      {},
      parkAt(start + 5 * minutes + 30 * seconds, 'errcode-40164'),
    ],
    [
      'no permission waits longer',
      answered(48001),
      {},
      parkAt(start + 30 * minutes + 30 * seconds, 'errcode-48001'),
    ],
    [
      'no permission, in doubt, is unknown',
      answered(48001),
      { doubtMs: 1000 },
      { kind: 'unknown', reason: 'errcode-48001' },
    ],

    [
      'no token: waits as long as there is none',
      { kind: 'no-token', reason: 'errcode-40125', until: start + 90 * seconds },
      {},
      parkAt(start + 90 * seconds + 750, 'errcode-40125'),
    ],
    [
      'no token: never waits for a moment that has passed',
      { kind: 'no-token', reason: 'timeout', until: start - 1 },
      {},
      parkAt(start + 1750, 'timeout'),
    ],
    [
      'no token before it expires',
      { kind: 'no-token', reason: 'timeout', until: start + 1 * hours },
      { expiresMs: 1 * hours },
      { kind: 'expired', reason: 'timeout' },
    ],
  ]
  for (const channel of both) for (const each of alike) check(channel, each)

  const template: readonly Case[] = [
    ['a lost reply is repeated soon', lost, {}, retryAt(1500, 'timeout', { spent: true, inDoubt: true })],
    [
      '-1 may have been taken too',
      answered(-1),
      {},
      retryAt(1500, 'errcode--1', { spent: true, inDoubt: true }),
    ],
    [
      'the second repeat is later',
      lost,
      { tries: 1, doubtMs: 2000 },
      retryAt(3750, 'timeout', { spent: true, inDoubt: true }),
    ],
    [
      'the last repeat is at four minutes',
      lost,
      { tries: 5, doubtMs: 4 * minutes },
      retryAt(180 * seconds, 'timeout', { spent: true, inDoubt: true }),
    ],
    [
      'after the last one it is unknown',
      lost,
      { tries: 6, doubtMs: 4 * minutes },
      { kind: 'unknown', reason: 'timeout' },
    ],
    [
      'a repeat after the window is none',
      lost,
      { tries: 5, doubtMs: 6 * minutes },
      { kind: 'unknown', reason: 'timeout' },
    ],
    ['a repeat after its expiry is none', lost, { expiresMs: 1500 }, { kind: 'unknown', reason: 'timeout' }],
    [
      'a repeat that was not sent goes on in the window',
      notSent,
      { doubtMs: 1000 },
      retryAt(1000, 'ECONNREFUSED'),
    ],
    [
      'and is unknown at its end',
      notSent,
      { doubtMs: windowMs - 1000 },
      { kind: 'unknown', reason: 'ECONNREFUSED' },
    ],
    [
      'a refused token goes on in the window',
      answered(40001),
      { doubtMs: 1000 },
      retryAt(1500, 'errcode-40001'),
    ],
  ]
  for (const each of template) check('template', each)

  const awaiting = (inMs: number): Outcome => ({
    kind: 'parked',
    until: start + inMs,
    reason: 'awaiting-receipt',
    inDoubt: true,
  })
  const subscribe: readonly Case[] = [
    ['a lost reply waits for the receipt, not for a repeat', lost, {}, awaiting(2 * minutes)],
    ['so does -1', answered(-1), {}, awaiting(2 * minutes)],
    ['at the latest until it expires', lost, { expiresMs: 30 * seconds }, awaiting(30 * seconds)],
    ['counted from the first doubt', lost, { doubtMs: 30 * seconds }, awaiting(90 * seconds)],
  ]
  for (const each of subscribe) check('subscribe', each)

  test('doubt counts from the start of the lease, since the call may have been at any time in it', () => {
    const delivery = of('template', { tries: 5 })
    const now = start + windowMs - 3 * minutes - 1
    assert.equal(decide(lost, delivery, { now: now, random: half, policy }).kind, 'retry')
    assert.equal(decide(lost, delivery, { now: now + 1, random: half, policy }).kind, 'unknown')
  })

  test('a code that says how long its API rests is believed', () => {
    const { action, waitMs } = errcodeOf(45102)
    assert.deepEqual([action, waitMs], ['slow', 5 * minutes])
    const outcome = decide(answered(45102), of('template'), { now: start, random: half, policy })
    assert.ok('until' in outcome && outcome.until >= start + waitMs! / 2, JSON.stringify(outcome))
  })
})

suite('what a hold asks of a message behind it', () => {
  const hold = { until: start + 5 * minutes, reason: 'errcode-40164' }
  const cases: readonly [name: string, situation: Parameters<typeof of>[1], outcome: Outcome][] = [
    [
      'it waits until the hold has ended',
      {},
      { kind: 'parked', until: hold.until + 2500, reason: hold.reason, inDoubt: false },
    ],
    [
      'it expires if it cannot wait that long',
      { expiresMs: 5 * minutes },
      { kind: 'expired', reason: hold.reason },
    ],
    [
      'in doubt it waits within the window',
      { doubtMs: 1000 },
      { kind: 'parked', until: hold.until + 2500, reason: hold.reason, inDoubt: false },
    ],
    [
      'in doubt it is unknown if the window ends before',
      { doubtMs: 4 * minutes },
      { kind: 'unknown', reason: hold.reason },
    ],
  ]
  for (const [name, situation, outcome] of cases)
    test(name, () => assert.deepEqual(heldBack(of('template', situation), hold, half, policy), outcome))
})

const anErrcode = fc.oneof(fc.constantFrom(...errcodes.keys()), fc.integer())
const aReply: fc.Arbitrary<Reply> = fc.oneof(
  fc.record({ kind: fc.constant('answered' as const), errcode: anErrcode, errmsg: fc.string() }),
  fc.record({ kind: fc.constant('not-sent' as const), error: fc.string() }),
  fc.record({ kind: fc.constant('in-doubt' as const), error: fc.string() }),
  fc.record({
    kind: fc.constant('no-token' as const),
    error: fc.string(),
    until: fc.integer({ min: start - 1 * hours, max: start + 30 * 24 * hours }),
  }),
)
const aMoment = fc.integer({ min: start, max: start + 1 * hours })
const aRandom = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const anyDelivery: fc.Arbitrary<Delivery> = fc
  .record({
    channel: fc.constantFrom(...channels),
    leaseMs: fc.integer({ min: 1, max: 10 * minutes }),
    doubtMs: fc.option(fc.integer({ min: 0, max: 20 * minutes }), { nil: undefined }),
    expiresMs: fc.integer({ min: 1, max: 30 * 24 * hours }),
    number: fc.integer({ min: 1, max: 10_000 }),
    tries: fc.nat(20),
  })
  .map(({ leaseMs, ...rest }) => ({
    ...of(rest.channel, rest as Parameters<typeof of>[1] & object),
    leaseUntil: start + leaseMs,
  }))

suite('whatever comes', () => {
  test('decide has an answer with a sane time', () => {
    fc.assert(
      fc.property(aReply, anyDelivery, aMoment, aRandom, (reply, delivery, now, chance) => {
        const outcome = decide(classify(reply), delivery, { now, random: () => chance, policy })
        if (!('until' in outcome)) return
        assert.ok(Number.isSafeInteger(outcome.until))
        assert.ok(outcome.until <= delivery.message.expiresAt, 'nothing waits past its expiry')
        if (outcome.kind === 'retry')
          assert.ok(outcome.until >= now && outcome.until < delivery.message.expiresAt)
      }),
      { numRuns: 2000 },
    )
  })

  test('a message in doubt is never said not to be sent', () => {
    fc.assert(
      fc.property(aReply, anyDelivery, aMoment, aRandom, (reply, delivery, now, chance) => {
        const verdict = classify(reply)
        const outcome = decide(verdict, delivery, { now, random: () => chance, policy })
        const inDoubt = delivery.doubtSince !== undefined || verdict.kind === 'in-doubt'
        const certain = ['dead', 'expired']
        if (inDoubt) {
          assert.ok(!certain.includes(outcome.kind))
          assert.ok(!certain.includes(admit({ doubtSince: start, ...delivery }, now, policy)?.kind ?? ''))
        }
        if (verdict.kind === 'in-doubt' && 'inDoubt' in outcome) assert.equal(outcome.inDoubt, true)
      }),
      { numRuns: 2000 },
    )
  })

  test('only a verdict of sent, or of an own message already there, is sent', () => {
    fc.assert(
      fc.property(aReply, anyDelivery, aMoment, aRandom, (reply, delivery, now, chance) => {
        const verdict = classify(reply)
        if (decide(verdict, delivery, { now, random: () => chance, policy }).kind !== 'sent') return
        assert.ok(
          verdict.kind === 'sent' || (verdict.kind === 'already-there' && delivery.doubtSince !== undefined),
        )
      }),
      { numRuns: 2000 },
    )
  })

  test('a call is only allowed on a sufficient lease, before expiry, and in doubt within eight minutes', () => {
    fc.assert(
      fc.property(anyDelivery, aMoment, (delivery, now) => {
        if (admit(delivery, now, policy) !== undefined) return
        const { message, doubtSince, leaseUntil } = delivery
        assert.ok(now < message.expiresAt)
        assert.ok(leaseUntil - now >= policy.callMs)
        if (doubtSince !== undefined) assert.ok(mayRepeat(message.channel) && now <= doubtSince + windowMs)
      }),
      { numRuns: 5000 },
    )
  })

  test('whole lives keep the rules: no late call, no forgotten doubt, an end in time', () => {
    const aTurn = fc.record({
      reply: aReply,
      chance: aRandom,
      waitMs: fc.nat(30 * seconds),
      callMs: fc.nat(14 * seconds),
      crash: fc.nat(9),
    })
    fc.assert(
      fc.property(
        fc.constantFrom(...channels),
        fc.array(aTurn, { minLength: 1, maxLength: 30 }),
        (channel, turns) => {
          const life = {
            now: start,
            number: 0,
            tries: 0,
            firstDoubt: undefined as number | undefined,
            ended: false,
          }
          for (const { reply, chance, waitMs, callMs, crash } of turns) {
            life.now += waitMs
            const leasedAt = life.now
            const delivery: Delivery = {
              ...aDelivery({
                message: { channel, expiresAt: start + 1 * hours },
                leasedAt,
                number: ++life.number,
                tries: life.tries,
              }),
              ...(life.firstDoubt !== undefined && { doubtSince: life.firstDoubt }),
            }
            const refused = admit(delivery, life.now, policy)
            if (!refused && life.firstDoubt !== undefined) {
              assert.ok(mayRepeat(channel))
              assert.ok(life.now <= life.firstDoubt + windowMs, 'a late repeat')
            }
            life.now += refused ? 0 : callMs
            if (crash === 0) {
              // Its lease runs out; whether it called, nobody knows.
              life.firstDoubt ??= leasedAt
              life.now = delivery.leaseUntil
              continue
            }
            const outcome =
              refused ?? decide(classify(reply), delivery, { now: life.now, random: () => chance, policy })
            if (!('inDoubt' in outcome)) {
              if (outcome.kind === 'returned') continue
              if (life.firstDoubt !== undefined)
                assert.ok(['sent', 'unknown'].includes(outcome.kind), outcome.kind)
              life.ended = true
              break
            }
            if (outcome.inDoubt) life.firstDoubt ??= leasedAt
            if (outcome.kind === 'retry' && outcome.spent) life.tries++
            assert.ok(life.tries <= retry.maxTries + retry.inDoubtMs.length)
            life.now = Math.max(life.now, outcome.until)
          }
          const last = aDelivery({
            message: { channel, expiresAt: start + 1 * hours },
            leasedAt: start + 1 * hours,
            number: life.number + 1,
          })
          const end = admit(
            { ...last, ...(life.firstDoubt !== undefined && { doubtSince: life.firstDoubt }) },
            start + 1 * hours,
            policy,
          )
          if (!life.ended) assert.equal(end?.kind, life.firstDoubt === undefined ? 'expired' : 'unknown')
        },
      ),
      { numRuns: 2000 },
    )
  })
})

suite('a message that needs a grant', () => {
  const none = { kind: 'none' } as const
  const reserved = { kind: 'reserved', handle: '1.0' } as const
  const without = (whenNoGrant: GrantPolicy, grant: Reservation, doubtMs?: number) =>
    admit(
      { ...of('subscribe', doubtMs === undefined ? {} : { doubtMs }), grant },
      start + (doubtMs === undefined ? 0 : 1),
      { ...policy, whenNoGrant: () => whenNoGrant },
    )

  test('is sent, refused or parked when the books hold none, as its template says', () => {
    assert.equal(without('try', none), undefined)
    assert.deepEqual(without('refuse', none), { kind: 'dead', reason: 'no-grant' })
    const { message } = of('subscribe')
    assert.deepEqual(without('park', none), {
      ...{ kind: 'parked', reason: 'no-grant', inDoubt: false, until: message.expiresAt },
      condition: `grant ${message.account} ${message.touser} ${message.templateId}`,
    })
  })

  test('is sent with a grant, whatever its template says of those without', () => {
    for (const whenNoGrant of grantPolicies) assert.equal(without(whenNoGrant, reserved), undefined)
  })

  test('in doubt, is never refused for want of one', () => {
    for (const whenNoGrant of grantPolicies) {
      const outcome = without(whenNoGrant, none, 1)
      assert.ok(outcome?.kind === 'parked' && outcome.reason === 'awaiting-receipt')
    }
  })

  const until = start + 1
  const effects: readonly (readonly [Outcome, number | undefined, GrantEffect | undefined])[] = [
    [{ kind: 'sent' }, undefined, 'used'],
    [{ kind: 'unknown', reason: 'no-receipt' }, undefined, 'used'],
    [{ kind: 'parked', until, reason: 'awaiting-receipt', inDoubt: true }, undefined, undefined],
    [{ kind: 'retry', until, reason: 'timeout', spent: true, inDoubt: true }, undefined, undefined],
    [{ kind: 'retry', until, reason: 'connect', spent: false, inDoubt: false }, undefined, 'free'],
    [{ kind: 'parked', until, reason: 'errcode-45009', inDoubt: false }, 45009, 'free'],
    [{ kind: 'returned' }, undefined, 'free'],
    [{ kind: 'expired', reason: 'expired' }, undefined, 'free'],
    [{ kind: 'dead', reason: 'errcode-47003' }, 47003, 'free'],
    [{ kind: 'dead', reason: 'errcode-43101' }, 43101, 'void'],
    [{ kind: 'dead', reason: 'errcode-45015' }, 45015, 'void'],
    [{ kind: 'dead', reason: 'errcode-41029' }, 41029, 'void'],
  ]
  for (const [outcome, errcode, effect] of effects)
    test(`${outcome.kind} ${'reason' in outcome ? outcome.reason : ''}: its grant is ${effect ?? 'kept'}`, () => {
      for (const grant of [reserved, none])
        assert.equal(grantEffect({ ...of('subscribe'), grant }, outcome, errcode), effect)
      assert.equal(grantEffect(of('template'), outcome, errcode), undefined)
    })

  test('once in doubt, keeps it whatever comes but the end', () => {
    const delivery = { ...of('subscribe', { doubtMs: 1 }), grant: reserved }
    for (const [outcome, errcode] of effects) {
      const expected = outcome.kind === 'sent' || outcome.kind === 'unknown' ? 'used' : undefined
      assert.equal(grantEffect(delivery, outcome, errcode), expected)
    }
  })
})
