import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { errcodeOf, errcodes } from '../src/errcodes.ts'
import { classify, errcodeInReason, errcodeReason, type Reply, type Verdict } from '../src/verdict.ts'

const answered = (errcode: number, msgid?: string): Reply => ({
  kind: 'answered',
  errcode,
  errmsg: 'ok',
  ...(msgid !== undefined && { msgid }),
})

suite('what a reply means', () => {
  const cases: readonly [name: string, reply: Reply, verdict: Verdict][] = [
    ['0 is sent', answered(0), { kind: 'sent' }],
    [
      '0 with a number is sent under it',
      answered(0, '9007199254740993001'),
      { kind: 'sent', msgid: '9007199254740993001' },
    ],
    ['-1 is in doubt: WeChat may have taken it', answered(-1), { kind: 'in-doubt', reason: 'errcode--1' }],
    ['45065 is already there', answered(45065), { kind: 'already-there', errcode: errcodeOf(45065) }],
    ['40241 is already there', answered(40241), { kind: 'already-there', errcode: errcodeOf(40241) }],
    ['43004 is refused', answered(43004), { kind: 'refused', errcode: errcodeOf(43004) }],
    [
      'an unknown code is refused, and cautiously so',
      answered(99_999_999),
      { kind: 'refused', errcode: errcodeOf(99_999_999) },
    ],
    [
      'no connection is not sent',
      { kind: 'not-sent', error: 'ECONNREFUSED' },
      { kind: 'not-sent', reason: 'ECONNREFUSED' },
    ],
    [
      'no answer is in doubt',
      { kind: 'in-doubt', error: 'timeout' },
      { kind: 'in-doubt', reason: 'timeout' },
    ],
    [
      'no token',
      { kind: 'no-token', error: 'timeout', until: 7 },
      { kind: 'no-token', reason: 'timeout', until: 7 },
    ],
    [
      'no token, for a reason that WeChat gave',
      { kind: 'no-token', error: 'refused', until: 7, errcode: 40125 },
      { kind: 'no-token', reason: 'errcode-40125', until: 7 },
    ],
  ]
  for (const [name, reply, verdict] of cases) test(name, () => assert.deepEqual(classify(reply), verdict))

  test('every code has one meaning, and only 0 is sent', () => {
    fc.assert(
      fc.property(fc.oneof(fc.constantFrom(...errcodes.keys()), fc.integer()), (code) => {
        const { kind } = classify(answered(code))
        assert.equal(kind === 'sent', code === 0)
        assert.equal(kind === 'in-doubt', errcodeOf(code).ambiguous)
      }),
      { numRuns: 1000 },
    )
  })

  test('no code but 0 is an acceptance in the table', () =>
    assert.deepEqual(
      [...errcodes.values()].filter(({ action }) => action === 'sent').map(({ code }) => code),
      [0],
    ))
})

suite('a reason', () => {
  test('names its code and gives it back', () => {
    fc.assert(fc.property(fc.integer(), (code) => assert.equal(errcodeInReason(errcodeReason(code)), code)))
  })

  for (const reason of ['expired', 'errcode-', 'errcode-x', 'errcode-1 ', 'xerrcode-1', 'errcode-1.5', ''])
    test(`${JSON.stringify(reason)} names none`, () => assert.equal(errcodeInReason(reason), undefined))
})
