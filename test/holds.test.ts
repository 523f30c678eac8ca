import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { errcodeOf } from '../src/errcodes.ts'
import { createHolds } from '../src/holds.ts'
import { testStart as start } from './support/clock.ts'
import { aMessage } from './support/messages.ts'

const until = start + 60_000

/** What is held back once a message was refused with a code: others of its account, by their channel; other accounts. */
const heldAfter = (code: number) => {
  const holds = createHolds()
  holds.place(errcodeOf(code), aMessage({ account: 'wx-1', channel: 'template' }), until)
  const isHeld = (account: string, channel: 'template' | 'subscribe') =>
    holds.over(aMessage({ account, channel }), start) !== undefined
  return {
    sameApi: isHeld('wx-1', 'template'),
    otherApi: isHeld('wx-1', 'subscribe'),
    otherAccount: isHeld('wx-2', 'template'),
  }
}

suite('a refusal holds back', () => {
  const nothing = { sameApi: false, otherApi: false, otherAccount: false }
  const api = { ...nothing, sameApi: true }
  const account = { ...api, otherApi: true }
  const cases: readonly [code: number, about: string, held: ReturnType<typeof heldAfter>][] = [
    [40164, 'an address that is not on the list: the account', account],
    [40125, 'a wrong secret: the account', account],
    [50007, 'a frozen account: the account', account],
    [48001, 'no permission for an API: that API', api],
    [45009, 'the quota of the day: nothing here, it has books of its own', nothing],
    [45011, 'the pace of the minute: that API', api],
    [43004, 'one recipient: nothing', nothing],
    [43117, 'a recipient sent to too often: nothing', nothing],
    [40001, 'a stale token: nothing', nothing],
    [99_999_999, 'a code we do not know: nothing', nothing],
  ]
  for (const [code, about, held] of cases)
    test(`${code}, ${about}`, () => assert.deepEqual(heldAfter(code), held))
})

suite('a hold', () => {
  const message = aMessage()

  test('names its reason and ends at its time', () => {
    const holds = createHolds()
    holds.place(errcodeOf(48001), message, until)
    assert.deepEqual(holds.over(message, until - 1), { until, reason: 'errcode-48001' })
    assert.equal(holds.over(message, until), undefined)
    assert.equal(holds.over(message, until - 1), undefined, 'an ended hold does not come back')
  })

  test('is placed anew by the probe after it', () => {
    const holds = createHolds()
    holds.place(errcodeOf(40164), message, until)
    assert.equal(holds.over(message, until), undefined)
    holds.place(errcodeOf(40164), message, until + 60_000)
    assert.equal(holds.over(message, until)?.until, until + 60_000)
  })

  test('of an account does not hide that of an API, which may be longer', () => {
    const holds = createHolds()
    holds.place(errcodeOf(40164), message, until)
    holds.place(errcodeOf(48001), message, until + 60_000)
    assert.equal(holds.over(message, start)?.reason, 'errcode-40164')
    assert.equal(holds.over(message, until)?.reason, 'errcode-48001')
  })

  test('is not shortened by a late reply that asks for less', () => {
    const holds = createHolds()
    holds.place(errcodeOf(48001), message, start + 12 * 3_600_000)
    holds.place(errcodeOf(45011), message, start + 60_000)
    assert.deepEqual(holds.over(message, start + 60_000), {
      until: start + 12 * 3_600_000,
      reason: 'errcode-48001',
    })
  })
})
