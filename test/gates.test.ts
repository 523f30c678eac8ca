import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { AccountLimits } from '../src/directory.ts'
import { createGates, type Gates } from '../src/gates.ts'
import { createHolds } from '../src/holds.ts'
import type { Lane } from '../src/message.ts'
import type { Delivery } from '../src/queue.ts'
import type { QuotaWatch } from '../src/quota-watch.ts'
import { createRecipientLane } from '../src/recipient-lane.ts'
import { defaultRetryPolicy } from '../src/retry.ts'
import type { Sending } from '../src/sender.ts'
import { testStart as start } from './support/clock.ts'
import { aDelivery, aMessage } from './support/messages.ts'

const callMs = 10_000

interface Some {
  readonly concurrency?: number
  readonly limits?: AccountLimits
  readonly watch?: QuotaWatch
}

const someGates = ({ concurrency = 16, limits, watch }: Some = {}) =>
  createGates({
    policy: { retry: defaultRetryPolicy, callMs },
    random: () => 0.5,
    concurrency,
    holds: createHolds(),
    limitsOf: () => limits,
    watch,
  })

let handles = 0

const to = (
  touser: string,
  { channel = 'subscribe', account = 'wx-1', lane = 'normal' }: Partial<Delivery['message']> = {},
  rest: Partial<Omit<Delivery, 'message'>> = {},
): Delivery => aDelivery({ handle: ++handles, message: { account, channel, lane, touser }, ...rest })

const template = (account: string, lane: Lane = 'normal') =>
  to(`o${handles}`, { channel: 'template', account, lane })

const answered = (errcode: number, at = start): Sending => ({
  reply: { kind: 'answered', errcode, errmsg: '' },
  attempts: [{ startedAt: at, endedAt: at + 50, outcome: 'answered', errcode }],
})

/** Takes the pace of the template API of `wx-1` down to one call. */
const slowDown = (gates: Gates): void => {
  for (let n = 0; n < 20; n++) {
    const delivery = template('wx-1')
    assert.equal(gates.before(delivery, start), undefined)
    gates.ended(delivery, answered(-1, start + 100 * n), start)
  }
}

suite('calls to one recipient', () => {
  test('follow each other where WeChat wants it so, in the order in which they came', () => {
    const gates = someGates()
    const [first, second, third, other] = [to('anna'), to('anna'), to('anna'), to('bob')]
    assert.equal(gates.before(first, start), undefined)
    assert.equal(gates.before(second, start), 'wait')
    assert.equal(gates.before(third, start), 'wait')
    assert.equal(gates.before(other, start), undefined)
    assert.equal(gates.next(start), undefined)
    gates.ended(other, answered(0), start)
    assert.equal(gates.next(start), undefined, 'she is still being sent to')
    gates.ended(first, answered(0), start)
    assert.equal(gates.next(start), second)
    assert.equal(gates.before(second, start), undefined)
    assert.equal(gates.next(start), undefined)
    gates.ended(second, undefined, start)
    assert.equal(gates.next(start), third)
  })

  test('may overlap elsewhere, and for another account', () => {
    const gates = someGates()
    for (const delivery of [
      to('anna'),
      to('anna', { account: 'wx-2' }),
      to('anna', { channel: 'template' }),
      to('anna', { channel: 'template' }),
    ])
      assert.equal(gates.before(delivery, start), undefined)
  })

  test('never overlap, and each comes to its turn, whatever the order', () => {
    const aStep = fc.record({ touser: fc.constantFrom('a', 'b', 'c'), ends: fc.nat(5) })
    fc.assert(
      fc.property(fc.array(aStep, { maxLength: 60 }), (steps) => {
        const gates = someGates({ concurrency: 8 })
        const underWay: Delivery[] = []
        let unfinished = 0
        const offer = (delivery: Delivery) => {
          const outcome = gates.before(delivery, start)
          if (typeof outcome === 'object') unfinished--
          if (outcome !== undefined) return
          assert.ok(!underWay.some(({ message }) => message.touser === delivery.message.touser))
          underWay.push(delivery)
        }
        const end = (index: number) => {
          const [delivery] = underWay.splice(index % underWay.length, 1)
          gates.ended(delivery!, answered(0), start)
          unfinished--
          for (let next = gates.next(start); next; next = gates.next(start)) offer(next)
        }
        for (const { touser, ends } of steps) {
          unfinished++
          offer(to(touser))
          if (ends > 2 && underWay.length > 0) end(ends)
        }
        while (underWay.length > 0) end(0)
        assert.equal(unfinished, 0)
      }),
    )
  })

  test('rest after 43117, and only those', () => {
    const gates = someGates()
    const [first, second, other] = [to('anna'), to('anna'), to('bob')]
    gates.before(first, start)
    gates.ended(first, answered(43117), start)
    assert.partialDeepStrictEqual(gates.before(second, start), { kind: 'parked', reason: 'errcode-43117' })
    assert.equal(gates.before(other, start), undefined)
    assert.equal(gates.before(second, start + 3 * 60_000), undefined)
  })

  test('are remembered for so many recipients and no more', () => {
    const lane = createRecipientLane()
    const hold = { until: start + 1000, reason: 'errcode-43117' }
    for (let n = 0; n <= 10_000; n++) lane.hold(aMessage({ touser: `o${n}` }), hold)
    assert.equal(lane.over(aMessage({ touser: 'o0' }), start), undefined)
    assert.equal(lane.over(aMessage({ touser: 'o1' }), start), hold)
    assert.equal(lane.over(aMessage({ touser: 'o1' }), start + 1000), undefined)
  })
})

suite('an account that must go slowly', () => {
  test('waits in hand with a few, hands the others back for later, and holds up nobody else', () => {
    const gates = someGates({ concurrency: 16 })
    slowDown(gates)
    assert.equal(gates.before(template('wx-1'), start), undefined)
    const outcomes = Array.from({ length: 40 }, () => gates.before(template('wx-1'), start))
    assert.equal(outcomes.filter((outcome) => outcome === 'wait').length, 4)
    const returned = outcomes.filter((outcome) => typeof outcome === 'object')
    const turns = returned.map((outcome) => {
      assert.ok(outcome.kind === 'returned')
      return outcome.until!
    })
    assert.ok(turns.every((until) => until >= start + 500 && until <= start + 10_000))
    assert.deepEqual(
      turns,
      turns.toSorted((a, b) => a - b),
    )
    assert.ok(new Set(turns).size > 10, 'they do not all come again at once')
    for (let n = 0; n < 15; n++) assert.equal(gates.before(template('wx-2'), start), undefined)
  })

  test('serves its urgent messages first, and has room for more of them', () => {
    const gates = someGates()
    slowDown(gates)
    const underWay = template('wx-1')
    gates.before(underWay, start)
    const bulk = Array.from({ length: 4 }, () => template('wx-1', 'bulk'))
    for (const delivery of bulk) assert.equal(gates.before(delivery, start), 'wait')
    const urgent = [template('wx-1', 'urgent'), template('wx-1', 'urgent')]
    for (const delivery of urgent) assert.equal(gates.before(delivery, start), 'wait')
    gates.ended(underWay, answered(-1), start)
    assert.equal(gates.next(start), urgent[0])
  })

  test('lets webhooks, which tenants own, have some of the calls and not all of them', () => {
    const gates = someGates({ concurrency: 32 })
    const post = (account: string) => gates.before(to('o', { channel: 'webhook', account }), start)
    const begun = (account: string, tries: number) =>
      Array.from({ length: tries }, () => post(account)).filter((outcome) => outcome === undefined).length
    assert.equal(begun('wh_1', 32), 4)
    for (const account of ['wh_2', 'wh_3', 'wh_4']) assert.equal(begun(account, 8), 4)
    assert.equal(begun('wh_5', 1), 0)
    assert.deepEqual(post('wh_6'), { kind: 'returned', until: start + 500 })
    assert.equal(gates.before(template('wx-1'), start), undefined)
  })

  test('gives back what waits when its lease becomes too short for a call', () => {
    const gates = someGates()
    slowDown(gates)
    const [first, second, waiting] = [template('wx-1'), to('x', { channel: 'customer' }), template('wx-1')]
    gates.before(first, start)
    gates.before(second, start)
    assert.equal(gates.before(waiting, start), 'wait')
    const late = waiting.leaseUntil - callMs + 1
    gates.ended(second, answered(0, late), late)
    assert.equal(gates.next(late), waiting)
    assert.equal(gates.next(late), undefined)
  })

  test('gives back all that waits when the worker stops', () => {
    const gates = someGates()
    const [first, second] = [to('anna'), to('anna')]
    gates.before(first, start)
    gates.before(second, start)
    assert.deepEqual(gates.stop(), [second])
    gates.ended(first, answered(0), start)
    assert.equal(gates.next(start), undefined)
  })
})

suite('an account that has used up its calls', () => {
  test('parks what waits as well, under the name of what it waits for', () => {
    const gates = someGates({ limits: { daily: 10, urgentShare: 0 } })
    const begun = Array.from({ length: 4 }, () => template('wx-1'))
    for (const delivery of begun) assert.equal(gates.before(delivery, start), undefined)
    const waiting = template('wx-1')
    assert.equal(gates.before(waiting, start), 'wait')
    const hold = gates.ended(begun[0]!, answered(45009), start)
    assert.partialDeepStrictEqual(hold, { reason: 'errcode-45009' })
    assert.equal(gates.next(start), waiting)
    assert.partialDeepStrictEqual(gates.before(waiting, start), {
      kind: 'parked',
      reason: 'errcode-45009',
      condition: 'quota wx-1 /cgi-bin/message/template/send',
    })
    assert.equal(gates.before(to('anna'), start), undefined, 'another API is not concerned')
  })

  test('is asked about at once when it is refused, although it is being attended to', () => {
    const asked: string[] = []
    const attended: string[] = []
    const watch: QuotaWatch = {
      async ask({ account, quota }) {
        quota.asking(start)
        asked.push(account)
      },
      attend: ({ account }) => void attended.push(account),
      stop() {},
    }
    const gates = someGates({ limits: { daily: 2, urgentShare: 0.5 }, watch })
    gates.before(template('wx-1'), start)
    gates.before(template('wx-1'), start)
    assert.deepEqual([asked, attended], [['wx-1'], ['wx-1']], 'at first use, and when some must wait')
    const urgent = template('wx-1', 'urgent')
    gates.before(urgent, start)
    gates.ended(urgent, answered(45009), start)
    assert.deepEqual(asked, ['wx-1', 'wx-1'])
  })

  test('asks nobody about a webhook', () => {
    const watch: QuotaWatch = {
      ask: () => assert.fail('there is nobody to ask'),
      attend: () => assert.fail('there is nobody to ask'),
      stop() {},
    }
    const gates = someGates({ limits: { daily: 1, urgentShare: 0 }, watch })
    gates.before(to('x', { channel: 'webhook' }), start)
    assert.partialDeepStrictEqual(gates.before(to('x', { channel: 'webhook' }), start), { kind: 'parked' })
  })

  test('is told of with its numbers', () => {
    const gates = someGates({ limits: { daily: 100, perMinute: 50 } })
    gates.before(template('wx-1'), start)
    assert.partialDeepStrictEqual(gates.reports('wx-1', start), [
      {
        path: '/cgi-bin/message/template/send',
        daily: 100,
        perMinute: 50,
        used: 1,
        reserve: 5,
        source: 'settings',
        allowed: 4,
        inFlight: 1,
        waiting: 0,
      },
    ])
    assert.deepEqual(gates.reports('wx-2', start), [])
  })
})
