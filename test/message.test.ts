import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { firstIdAt, isFinal, messageIdOf, parseMessageId, states, wechatClientMsgId } from '../src/message.ts'
import { anIdAt } from './support/messages.ts'

const hex = '0123456789abcdef0123456789abcdef'

suite('a message id', () => {
  const cases: readonly [text: string, valid: boolean][] = [
    [`msg_${hex}`, true],
    [messageIdOf(randomUUIDv7()), true],
    [`msg_${hex.toUpperCase()}`, false],
    [`msg_${hex.slice(1)}`, false],
    [`msg_${hex}0`, false],
    [`msg-${hex}`, false],
    [hex, false],
    [` msg_${hex}`, false],
    [`msg_${hex}\n`, false],
    [`msg_${'g'.repeat(32)}`, false],
    ['', false],
  ]
  for (const [text, valid] of cases)
    test(`${JSON.stringify(text)} is ${valid ? 'one' : 'none'}`, () =>
      assert.equal(parseMessageId(text), valid ? text : undefined))

  test('is the UUID without its dashes', () =>
    assert.equal(messageIdOf('019cb700-aa00-7b86-9edc-65764c6f0145'), 'msg_019cb700aa007b869edc65764c6f0145'))

  test('sorts by the time of acceptance', () => {
    const aTime = fc.integer({ min: 0, max: 2 ** 47 })
    fc.assert(
      fc.property(aTime, aTime, (a, b) => {
        const [first, second] = [anIdAt(a), anIdAt(b)]
        if (a < b) assert.ok(first < second)
      }),
    )
  })

  test('firstIdAt is not above any id of its moment, and above all of the moment before', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 47 }), (at) => {
        assert.ok(firstIdAt(at) <= anIdAt(at))
        assert.ok(firstIdAt(at) > anIdAt(at - 1))
      }),
    )
  })

  test('firstIdAt takes moments before time began and between milliseconds', () => {
    assert.equal(firstIdAt(-5), `msg_${'0'.repeat(32)}`)
    assert.equal(firstIdAt(1.9), firstIdAt(1))
  })
})

suite('the key that WeChat sees', () => {
  test('is always the same for a message, and never the same for two', () => {
    const [a, b] = [anIdAt(1), anIdAt(1)]
    assert.equal(wechatClientMsgId(a), wechatClientMsgId(a))
    assert.notEqual(wechatClientMsgId(a), wechatClientMsgId(b))
  })

  test('is 32 plain characters', () =>
    assert.match(wechatClientMsgId(anIdAt(Date.UTC(2026, 0))), /^[0-9a-f]{32}$/))
})

test('seven states are final', () =>
  assert.deepEqual(states.filter(isFinal), [
    'sent',
    'delivered',
    'undelivered',
    'unknown',
    'dead',
    'expired',
    'cancelled',
  ]))
