import { suite, type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { type Drift, driftOf, driftText } from '../src/template-drift.ts'

suite('how a text has changed', () => {
  const cases: readonly [name: string, before: string, after: string, drift: readonly Drift[]][] = [
    ['not at all', 'A:{{thing1.DATA}}', 'A:{{thing1.DATA}}\n', []],
    ['another order', 'A:{{thing1.DATA}}\nB:{{time2.DATA}}', 'B:{{time2.DATA}}\nA:{{thing1.DATA}}', []],
    [
      'a field more',
      'A:{{thing1.DATA}}',
      'A:{{thing1.DATA}}\nB:{{time2.DATA}}',
      [{ kind: 'added', key: 'time2', label: 'B' }],
    ],
    ['a field less', 'A:{{thing1.DATA}}', '', [{ kind: 'removed', key: 'thing1', label: 'A' }]],
    [
      'another label',
      'A:{{thing1.DATA}}',
      'B:{{thing1.DATA}}',
      [{ kind: 'renamed', key: 'thing1', from: 'A', to: 'B' }],
    ],
    [
      'another type',
      'A:{{thing1.DATA}}',
      'A:{{phrase1.DATA}}',
      [{ kind: 'retyped', label: 'A', from: 'thing1', to: 'phrase1' }],
    ],
    [
      'fields without labels are never taken for each other',
      '{{first.DATA}}',
      '{{thing1.DATA}}',
      [
        { kind: 'removed', key: 'first', label: '' },
        { kind: 'added', key: 'thing1', label: '' },
      ],
    ],
  ]
  for (const [name, before, after, drift] of cases)
    test(name, (t: TestContext) => t.assert.deepEqual(driftOf(before, after), drift))
})

const reversed = (drift: Drift): Drift => {
  switch (drift.kind) {
    case 'added':
      return { ...drift, kind: 'removed' }
    case 'removed':
      return { ...drift, kind: 'added' }
    default:
      return { ...drift, from: drift.to, to: drift.from }
  }
}

const sorted = (drift: readonly Drift[]) =>
  drift.map((each) => JSON.stringify(each, Object.keys(each).sort())).sort()

const content = fc
  .array(
    fc.tuple(
      fc.constantFrom('', 'A', 'B', 'C'),
      fc.constantFrom('thing1', 'thing2', 'phrase1', 'date3', 'keyword1', 'time4'),
    ),
    { maxLength: 8 },
  )
  .map((fields) => fields.map(([label, key]) => `${label}:{{${key}.DATA}}\n`).join(''))

test('the way back is the way there, turned round', (t: TestContext) => {
  fc.assert(
    fc.property(content, content, (before, after) => {
      t.assert.deepEqual(sorted(driftOf(after, before)), sorted(driftOf(before, after).map(reversed)))
    }),
  )
})

test('nothing has changed from a text to itself', (t: TestContext) => {
  fc.assert(fc.property(content, (text) => t.assert.deepEqual(driftOf(text, text), [])))
})

test('a change is told on one line', (t: TestContext) => {
  const before = 'A:{{thing1.DATA}}\nB:{{thing2.DATA}}\nC:{{date3.DATA}}'
  const after = 'A:{{phrase1.DATA}}\nX:{{thing2.DATA}}\nD:{{time4.DATA}}'
  t.assert.equal(driftText(driftOf(before, after)), 'thing2: B → X, thing1 → phrase1, -date3, +time4')
})
