import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createAttention } from '../../src/engines/redis/attention.ts'
import { createExchange } from '../../src/engines/redis/exchange.ts'
import { wordIn, wordText } from '../../src/engines/redis/words.ts'

/** Four shards, of which this node looks after 0 and 1; it has looked at them once, and found nothing. */
const calm = () => {
  let monotonic = 0
  const attention = createAttention(4, () => monotonic)
  attention.take({ own: [0, 1], help: [], upkeep: false })
  const look = (now: number, everything = false) =>
    attention
      .targets(now, everything)
      .map(({ shard, urgentOnly }) => (urgentOnly ? `${shard} urgent` : shard))
  const pass = (ms: number) => {
    monotonic += ms
  }
  look(0)
  return { attention, look, pass }
}

suite('a shard is worth a look', () => {
  test('once at the start, and every second', () => {
    const { look, pass } = calm()
    assert.deepEqual(look(0), [])
    pass(999)
    assert.deepEqual(look(0), [])
    pass(1)
    assert.deepEqual(look(0), [0, 1])
    assert.deepEqual(look(0), [])
  })

  test('when a word names it, if it is looked after here', () => {
    const { attention, look } = calm()
    assert.equal(attention.mark([2, 3]), false)
    assert.deepEqual(look(0), [])
    assert.equal(attention.mark([1, 2]), true)
    assert.equal(attention.nextAt(), 0)
    assert.deepEqual(look(0), [1])
    assert.deepEqual(look(0), [])
  })

  test('also when the word comes while it is being looked at', () => {
    const { attention, look } = calm()
    attention.mark([1])
    look(0)
    attention.mark([1])
    attention.seen(1, { more: false, nextAt: 500 })
    assert.deepEqual(look(0), [1])
  })

  test('when something was left, or has become due', () => {
    const { attention, look } = calm()
    attention.seen(0, { more: true, nextAt: undefined })
    attention.seen(1, { more: false, nextAt: 500 })
    assert.deepEqual(look(499), [0])
    assert.equal(attention.nextAt(), 500)
    assert.deepEqual(look(500), [1])
    assert.equal(attention.nextAt(), Number.POSITIVE_INFINITY)
  })

  test('for what is urgent alone, where it is looked after elsewhere', () => {
    const { attention, look } = calm()
    attention.markUrgent([1, 3])
    assert.equal(attention.nextAt(), 0)
    assert.deepEqual(look(0), ['1 urgent', '3 urgent'])
    assert.deepEqual(look(0), [])
  })

  test('as a whole, where it is to be looked at anyway', () => {
    const { attention, look } = calm()
    attention.mark([1])
    attention.markUrgent([1])
    assert.deepEqual(look(0), [1])
  })

  test('when it comes to be looked after here', () => {
    const { attention, look } = calm()
    attention.take({ own: [1, 2], help: [], upkeep: false })
    assert.deepEqual(look(0), [2])
    // It has been somebody else's meanwhile, whatever was known of it before.
    attention.take({ own: [0, 1], help: [], upkeep: false })
    assert.deepEqual(look(0), [0])
  })

  test('to whoever will not wait, in any case', () => {
    const { look } = calm()
    assert.deepEqual(look(0, true), [0, 1])
  })
})

/** A process that looks after 0 and 1 of four shards, is the node `me`, and sends what is urgent where it is told. */
const exchanging = (urgentTo: string | undefined) => {
  const { attention, look } = calm()
  const told: string[] = []
  const exchange = createExchange({ process: 'p1', shards: 4, attention, tell: (text) => told.push(text) })
  exchange.join({ id: 'me', urgentTo: () => urgentTo })
  return {
    exchange,
    look,
    told: () => told.map((text) => wordIn(text)),
    rings: () => exchange.bell.strokes(),
  }
}

suite('a word that something is ready', () => {
  test('wakes who looks after one of its shards, and nobody else', () => {
    const { exchange, look, rings } = exchanging(undefined)
    exchange.hear(wordText({ from: 'p2', ready: [2, 3] }))
    assert.equal(rings(), 0)
    exchange.hear(wordText({ from: 'p2', ready: [3, 0] }))
    assert.deepEqual([rings(), look(0)], [1, [0]])
    exchange.hear(wordText({ from: 'p2', ready: 'all' }))
    assert.deepEqual([rings(), look(0)], [2, [0, 1]])
  })

  test('sends the node that it names to what is urgent, and nobody else', () => {
    const { exchange, look, rings } = exchanging(undefined)
    exchange.hear(wordText({ from: 'p2', ready: [], urgent: [0, 3], to: 'other' }))
    assert.equal(rings(), 0)
    exchange.hear(wordText({ from: 'p2', ready: [], urgent: [0, 3], to: 'me' }))
    assert.deepEqual([rings(), look(0)], [1, ['0 urgent', '3 urgent']])
  })

  test('is heeded at once by who says it, and not again when it comes back', () => {
    const { exchange, told, look, rings } = exchanging(undefined)
    exchange.wake([1, 2])
    assert.deepEqual(told(), [{ from: 'p1', ready: [1, 2] }])
    exchange.hear(wordText(told()[0]!))
    assert.deepEqual([rings(), look(0)], [1, [1]])
  })

  test('names the node for what is urgent, and is not said when that is this one', () => {
    const other = exchanging('other')
    other.exchange.announce({ ready: [2], urgent: [1] })
    assert.deepEqual(other.told(), [{ from: 'p1', ready: [2], urgent: [1], to: 'other' }])
    assert.equal(other.rings(), 0)
    const self = exchanging('me')
    self.exchange.announce({ ready: [], urgent: [3] })
    assert.deepEqual([self.told(), self.look(0)], [[], ['3 urgent']])
    const nobody = exchanging(undefined)
    nobody.exchange.announce({ ready: [2], urgent: [1, 2] })
    assert.deepEqual(nobody.told(), [{ from: 'p1', ready: [2, 1] }])
  })

  test('that cannot be understood may mean anything', () => {
    for (const text of ['', 'x', '[]', '{}', '{"ready":"some"}', '{"ready":[0.5]}', 'null'])
      assert.equal(wordIn(text).ready, 'all', text)
  })
})
