import { suite, type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { checkValue, type FieldType, fieldRules } from '../src/fields.ts'
import { canBeCut, shorten } from '../src/shorten.ts'

const types = [...fieldRules.keys()] as FieldType[]
const family = '👨‍👩‍👧‍👦'

suite('a value is made to fit', () => {
  const cases: readonly [type: FieldType, value: string, result: string | undefined][] = [
    ['thing', '订单已发货', '订单已发货'],
    ['thing', '字'.repeat(20), '字'.repeat(20)],
    ['thing', '字'.repeat(21), `${'字'.repeat(19)}…`],
    ['thing', `${'a'.repeat(18)}  and more`, `${'a'.repeat(18)}…`],
    ['thing', `${'a'.repeat(18)}😀😀`, `${'a'.repeat(18)}…`],
    ['thing', '😀'.repeat(11), `${'😀'.repeat(9)}…`],
    ['thing', `${'a'.repeat(10)}${family}`, `${'a'.repeat(10)}…`],
    ['thing', `${'a'.repeat(18)}é\u0301${'b'.repeat(9)}`, `${'a'.repeat(18)}…`],
    ['short_thing', '已经取消了吧', '已经取消…'],
    ['short_thing', family, undefined],
    ['thing', '', undefined],
    ['thing', `两\n行${'字'.repeat(20)}`, undefined],
    ['number', `-${'1'.repeat(32)}`, `-${'1'.repeat(32)}`],
    ['character_string', 'A'.repeat(33), undefined],
    ['phone_number', '1'.repeat(18), undefined],
    ['name', '张'.repeat(11), undefined],
    ['amount', '¥12345678901', undefined],
    ['const', '字'.repeat(21), undefined],
    ['phrase', '已经完成付款', undefined],
    ['car_number', '粤A8Z8888挂', undefined],
  ]
  for (const [type, value, result] of cases)
    test(`${type} ${JSON.stringify(value.slice(0, 24))} becomes ${result ?? 'nothing'}`, (t: TestContext) =>
      t.assert.equal(shorten(type, value), result))
})

/** Texts of what people really write, and of what breaks a careless cut. */
const text = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '订',
        '单',
        'a',
        ' ',
        '1',
        '…',
        '😀',
        '👍🏽',
        family,
        '🇨🇳',
        'e\u0301',
        'क्षि',
        '각',
        '\u0600',
        '\u200d',
      ),
      fc.string({ unit: 'grapheme', maxLength: 3 }),
      fc.string({ unit: 'binary', maxLength: 3 }),
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join('').toWellFormed())

const segmenter = new Intl.Segmenter('zh', { granularity: 'grapheme' })

test('what comes out is short enough under any counting, and is what WeChat takes', (t: TestContext) => {
  fc.assert(
    fc.property(fc.constantFrom(...types), text, (type, value) => {
      const result = shorten(type, value)
      if (result === undefined) return
      t.assert.equal(checkValue(type, result), undefined)
      t.assert.equal(checkValue(type, result, { lengthUnit: 'utf16' }), undefined)
      if (canBeCut(type)) t.assert.ok(result.length <= fieldRules.get(type)!.limit)
    }),
    { numRuns: 500 },
  )
})

test('no character that a person sees as one is cut in two', (t: TestContext) => {
  fc.assert(
    fc.property(fc.constantFrom<FieldType>('thing', 'short_thing'), text, (type, value) => {
      const result = shorten(type, value)
      if (result === undefined || result === value) return
      t.assert.ok(result.endsWith('…'))
      const kept = result.slice(0, -1)
      t.assert.ok(value.startsWith(kept))
      const borders = Array.from(segmenter.segment(value), ({ index }) => index)
      t.assert.ok(borders.includes(kept.length), JSON.stringify([value, result]))
    }),
    { numRuns: 500 },
  )
})

test('the same comes of the same, and nothing is cut twice', (t: TestContext) => {
  fc.assert(
    fc.property(fc.constantFrom(...types), text, (type, value) => {
      const result = shorten(type, value)
      t.assert.equal(shorten(type, value), result)
      if (result !== undefined) t.assert.equal(shorten(type, result), result)
    }),
    { numRuns: 500 },
  )
})
