import { type TestContext, test } from 'node:test'
import { padded, plain, widthOf, wrapped } from '../../src/cli/terminal.ts'
import { durationText, timeArgument } from '../../src/cli/times.ts'

test('Chinese takes two columns, marks none', (t: TestContext) => {
  const widths = ['abc', '鸿雁', '¥1', '，', 'é', '🚚'].map(widthOf)
  t.assert.deepEqual(widths, [3, 4, 2, 2, 1, 2])
  t.assert.equal(padded('鸿雁', 6), '鸿雁  ')
})

test('lines break between words and between Chinese characters, never before their punctuation', (t: TestContext) => {
  t.assert.deepEqual(wrapped('one two three', 9), ['  one two', '  three'])
  t.assert.deepEqual(wrapped('消息没有发出，不再试', 13, '', ''), ['消息没有发', '出，不再试'])
  t.assert.deepEqual(wrapped('a_word_that_is_longer x', 8, '', ''), ['a_word_that_is_longer', 'x'])
  t.assert.deepEqual(wrapped('', 8), ['  '])
})

test('control characters are shown, not obeyed', (t: TestContext) => {
  t.assert.equal(plain('a\u001b[31mb\nc\td\u2028'), 'a\ufffd[31mb\ufffdc\ufffdd\ufffd')
})

test('durations are short', (t: TestContext) => {
  const texts = [0, 999, 1000, 2345, 60_000, 90_000, 3_600_000, 9_000_000].map(durationText)
  t.assert.deepEqual(texts, ['0 ms', '999 ms', '1 s', '2.35 s', '1 min', '1.5 min', '1 h', '2.5 h'])
})

test('times are absolute, local, or away from now', (t: TestContext) => {
  const now = Date.parse('2026-05-01T00:00:00Z')
  t.assert.equal(timeArgument('+10m', now), '2026-05-01T00:10:00.000Z')
  t.assert.equal(timeArgument('-2h', now), '2026-04-30T22:00:00.000Z')
  t.assert.equal(timeArgument('2026-12-01T09:00:00+08:00'), '2026-12-01T01:00:00.000Z')
  t.assert.equal(timeArgument('2026-12-01T09:00'), new Date(2026, 11, 1, 9).toISOString())
  for (const text of ['10m', 'now', '2026-12-01', '2026-13-01T09:00', ''])
    t.assert.throws(() => timeArgument(text), text)
})
