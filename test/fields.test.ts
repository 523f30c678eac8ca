import { suite, test } from 'node:test'
import { checkField, type FieldReason, type FieldType, fieldRules, fieldType } from '../src/fields.ts'

suite('the type of a key', () => {
  const cases: readonly [key: string, type: FieldType | undefined][] = [
    ['thing1', 'thing'],
    ['thing01', 'thing'],
    ['short_thing12', 'short_thing'],
    ['character_string3', 'character_string'],
    ['enum_string2', 'enum_string'],
    ['phone_number4', 'phone_number'],
    ['first', undefined],
    ['remark', undefined],
    ['keyword1', undefined],
    ['withdrawMoney', undefined],
    ['thing', undefined],
    ['Thing1', undefined],
    ['constructor1', undefined],
    ['', undefined],
  ]
  for (const [key, type] of cases)
    test(`${key || 'nothing'} is ${type ?? 'untyped'}`, (t) => t.assert.equal(fieldType(key), type))
})

suite('every type takes its good examples and refuses its bad ones', () => {
  for (const [type, rule] of fieldRules) {
    for (const value of rule.good)
      test(`${type} takes ${JSON.stringify(value)}`, (t) =>
        t.assert.equal(checkField(`${type}1`, value), undefined))
    for (const value of rule.bad)
      test(`${type} refuses ${JSON.stringify(value)}`, (t) => t.assert.ok(checkField(`${type}1`, value)))
  }
})

suite('the reason of a refusal', () => {
  const cases: readonly [key: string, value: string, reason: FieldReason | undefined][] = [
    ['thing1', '', 'empty'],
    ['thing1', '字'.repeat(20), undefined],
    ['thing1', '字'.repeat(21), 'too-long'],
    ['thing1', '一\t二', 'malformed'],
    ['number1', `${'1'.repeat(16)}.${'2'.repeat(16)}`, undefined],
    ['number1', `${'1'.repeat(17)}.${'2'.repeat(16)}`, 'too-long'],
    ['number1', `-${'1'.repeat(32)}`, undefined],
    ['amount1', '¥1234567890.12元', undefined],
    ['amount1', '￥1', undefined],
    ['phone_number1', '1'.repeat(18), 'too-long'],
    ['name1', '张'.repeat(10), undefined],
    ['name1', '张'.repeat(11), 'too-long'],
    ['name1', `张${'a'.repeat(10)}`, 'too-long'],
    ['name1', 'a'.repeat(20), undefined],
    ['phrase1', '一二三四五六', 'too-long'],
    ['date1', '2019年10月1日 ~ 2019年10月7日', undefined],
    ['time1', '2019-10-01 ~ 2019-10-07', 'malformed'],
    ['keyword1', '', undefined],
    ['first', '字'.repeat(500), undefined],
  ]
  for (const [key, value, reason] of cases)
    test(`${key} ${JSON.stringify(value.slice(0, 24))} is ${reason ?? 'taken'}`, (t) =>
      t.assert.equal(checkField(key, value)?.reason, reason))
})

suite('the unit of a length is a choice', () => {
  const faces = '😀'.repeat(20)
  test('twenty faces are twenty code points', (t) => t.assert.equal(checkField('thing1', faces), undefined))
  test('twenty faces are forty UTF-16 units', (t) =>
    t.assert.deepEqual(checkField('thing1', faces, { lengthUnit: 'utf16' }), { reason: 'too-long' }))
})

suite('approved words', () => {
  const allowed = ['客厅', '卧室']
  test('one of them is taken', (t) =>
    t.assert.equal(checkField('enum_string1', '客厅', { allowed }), undefined))
  test('another is not', (t) =>
    t.assert.deepEqual(checkField('const1', '厨房', { allowed }), { reason: 'not-allowed' }))
  test('a const may stay empty', (t) => t.assert.equal(checkField('const1', '', { allowed }), undefined))
})
