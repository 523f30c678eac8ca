import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { matchesSearch, parseSearch, type SearchRow } from '../../src/simulator/page-search.ts'

const row: SearchRow = {
  touser: 'oDemoUser0000000000000000001',
  template: ['DemoOrderShipped_1', 'order-shipped', '订单发货通知'],
  app: ['wx00000000000de301', 'demo-official'],
  errcode: 43101,
  tags: ['ci', 'nightly'],
  at: Date.parse('2026-05-01T12:00:00+08:00'),
  unread: true,
  delivered: false,
  fields: { thing2: '武夷山 大红袍', time5: '15:01' },
  words: ['order-1024', '3500000000000000524'],
}

const found = (text: string, change: Partial<SearchRow> = {}): boolean =>
  matchesSearch({ ...row, ...change }, parseSearch(text))

/** Line, and whether it finds the row above. */
const cases: readonly (readonly [string, boolean])[] = [
  ['', true],
  ['   ', true],
  ['to:odemouser', true],
  ['to:oOther', false],
  ['-to:oOther', true],
  ['template:order-shipped', true],
  ['template:发货', true],
  ['template:DemoOrderShipped', true],
  ['template:退款', false],
  ['app:demo-official', true],
  ['app:wx00', true],
  ['errcode:43101', true],
  ['errcode:4310', false],
  ['errcode:-1', false],
  ['-errcode:0', true],
  ['errcode:none', false],
  ['tag:CI', true],
  ['tag:night', false],
  ['field.thing2:大红袍', true],
  ['field.thing2:"武夷山 大"', true],
  ['field.thing2:15:01', false],
  ['field.constructor:x', false],
  ['before:2026-05-01', false],
  ['before:2026-05-02', true],
  ['before:2026-05-01T12:00:01', true],
  ['after:2026-05-01T12:00', true],
  ['after:2026-05-01T12:00:01', false],
  ['before:2026-05-01T04:00:01Z', true],
  ['is:unread', true],
  ['-is:unread', false],
  ['is:refused', true],
  ['is:accepted', false],
  ['is:delivered', false],
  ['is:unanswered', false],
  ['大红袍', true],
  ['order-1024', true],
  ['15:01', true],
  ['"武夷山 大红袍"', true],
  ['"武夷山  大红袍"', false],
  ['"武夷山', true],
  ['大红袍 to:oDemo errcode:43101 -tag:slow', true],
  ['大红袍 to:oDemo errcode:43101 -tag:ci', false],
  ['-大红袍', false],
  ['TO:odemo', true],
]

suite('the search line', () => {
  for (const [text, expected] of cases)
    test(`${JSON.stringify(text)} ${expected ? 'finds' : 'does not find'} the message`, () => {
      assert.deepEqual(parseSearch(text).unreadable, [])
      assert.equal(found(text), expected)
    })

  test('says which terms it could not read, and lets them narrow nothing', () => {
    const text = 'before:yesterday errcode:many is:lovely to: 大红袍'
    assert.deepEqual(parseSearch(text).unreadable, ['before:yesterday', 'errcode:many', 'is:lovely', 'to:'])
    assert.ok(found(text))
  })

  test('finds calls that nobody was answered', () => {
    assert.ok(found('errcode:none is:unanswered', { errcode: null }))
    assert.ok(!found('is:refused', { errcode: null }))
  })

  test('finds nothing of a recipient that is not known', () => {
    assert.ok(!found('to:o', { touser: null }))
  })

  test('reads a line of any length in time', () => {
    assert.ok(parseSearch('-"a '.repeat(100_000)).terms.length < 1_000)
  })
})
