import { type TestContext, test } from 'node:test'
import { canonicalText, createChecksum } from '../src/checksum.ts'

const digestOf = (...rows: readonly unknown[]): string => {
  const checksum = createChecksum()
  for (const row of rows) checksum.add(canonicalText(row))
  return checksum.digest()
}

test('a checksum depends on the rows, not on their order or that of their names', (t: TestContext) => {
  const [a, b] = [{ x: 1, y: { p: [1, 2], q: '鸿' } }, { x: 2 }]
  t.assert.equal(digestOf(a, b), digestOf(b, { y: { q: '鸿', p: [1, 2] }, x: 1 }))
  t.assert.match(digestOf(a, b), /^[0-9a-f]{32}$/)
  const others = [[a], [a, b, b], [a, a], [{ ...a, x: '1' }, b], [{ ...a, y: { p: [2, 1], q: '鸿' } }, b], []]
  t.assert.equal(
    new Set([digestOf(a, b), ...others.map((rows) => digestOf(...rows))]).size,
    others.length + 1,
  )
})

test('a row that comes twice does not cancel itself out', (t: TestContext) => {
  t.assert.notEqual(digestOf({ x: 1 }, { x: 1 }), digestOf())
  t.assert.notEqual(digestOf({ x: 1 }, { x: 1 }, { x: 2 }), digestOf({ x: 2 }))
})

test('what is absent and what is undefined are the same', (t: TestContext) => {
  t.assert.equal(canonicalText({ a: undefined, b: null }), '{"b":null}')
})
