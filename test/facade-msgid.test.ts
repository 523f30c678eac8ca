import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { facadeMsgid, facadeMsgidTime } from '../src/facade-msgid.ts'
import { messageIdOf, parseMessageId } from '../src/message.ts'
import { anIdAt } from './support/messages.ts'

const year2020 = Date.UTC(2020, 0, 1)
const year2021 = Date.UTC(2021, 0, 1)
const year2089 = Date.UTC(2089, 0, 1)
const aTime = fc.integer({ min: year2021, max: year2089 })

suite('the msgid of the facade', () => {
  test('is made of the time and the end of the id alone', () => {
    const id = parseMessageId('msg_019cb700aa007b869edc65764c6f0145')!
    const sinceEpoch = BigInt(0x019cb700aa00 - year2020)
    assert.equal(facadeMsgid(id), String((sinceEpoch << 22n) + 0x2f0145n))
  })

  test('is past 2^53 and fits into a signed 64-bit integer', () => {
    const now = BigInt(facadeMsgid(messageIdOf(randomUUIDv7())))
    assert.ok(now > 2n ** 53n)
    fc.assert(
      fc.property(aTime, (at) => {
        const msgid = BigInt(facadeMsgid(anIdAt(at)))
        assert.ok(msgid > 0n && msgid < 2n ** 63n)
      }),
    )
  })

  test('grows from one millisecond to the next', () => {
    fc.assert(
      fc.property(aTime, fc.integer({ min: 1, max: 1_000_000 }), (at, laterMs) => {
        assert.ok(BigInt(facadeMsgid(anIdAt(at))) < BigInt(facadeMsgid(anIdAt(at + laterMs))))
      }),
    )
  })

  test('is another one for each of two million messages, one a millisecond', () => {
    const end = messageIdOf(randomUUIDv7()).slice(-20)
    const seen = new Set<string>()
    for (let n = 0; n < 2_000_000; n++)
      seen.add(facadeMsgid(parseMessageId(`msg_${(1.77e12 + n).toString(16).padStart(12, '0')}${end}`)!))
    assert.equal(seen.size, 2_000_000)
  })

  test('is another one for nearly every id of one millisecond', () => {
    const seen = new Set(Array.from({ length: 1000 }, () => facadeMsgid(anIdAt(1.77e12))))
    assert.ok(seen.size > 990, `${seen.size} of 1000`)
  })

  test('tells the millisecond again', () => {
    fc.assert(fc.property(aTime, (at) => assert.equal(facadeMsgidTime(facadeMsgid(anIdAt(at))), at)))
  })

  for (const text of ['', '1', 'oABC', '9'.repeat(20), '0123456789012345678', '-1234567890123456789', '1e18'])
    test(`${JSON.stringify(text)} is none`, () => assert.equal(facadeMsgidTime(text), undefined))
})
