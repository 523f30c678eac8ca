import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { AccessKey } from '../src/directory.ts'
import { isLive, liveSecrets, olderSecretUntil, rotated } from '../src/keys.ts'

const aKey = (overrides: Partial<AccessKey> = {}): AccessKey => ({
  id: 'key_demo',
  tenant: 'acme',
  name: 'orders',
  scopes: ['send'],
  secrets: ['first'],
  createdAt: 0,
  ...overrides,
})

suite('the secrets of a key that count', () => {
  const cases: readonly [name: string, key: Partial<AccessKey>, now: number, live: readonly string[]][] = [
    ['one', {}, 1000, ['first']],
    [
      'two of which nobody has said when one ends',
      { secrets: ['second', 'first'] },
      1000,
      ['second', 'first'],
    ],
    [
      'both in the overlap',
      { secrets: ['second', 'first'], olderSecretUntil: 1001 },
      1000,
      ['second', 'first'],
    ],
    [
      'the newer one from its end on',
      { secrets: ['second', 'first'], olderSecretUntil: 1000 },
      1000,
      ['second'],
    ],
    ['one before the key runs out', { expiresAt: 1001 }, 1000, ['first']],
    ['none from then on', { expiresAt: 1000 }, 1000, []],
    [
      'none, in an overlap or not',
      { secrets: ['b', 'a'], olderSecretUntil: 5000, expiresAt: 1000 },
      1000,
      [],
    ],
  ]
  for (const [name, key, now, live] of cases)
    test(name, () => assert.deepEqual(liveSecrets(aKey(key), now), live))

  test('a key without an end never runs out', () => assert.ok(isLive(aKey(), Number.MAX_SAFE_INTEGER)))
})

suite('a rotation', () => {
  test('keeps the secret before it for the overlap', () => {
    const key = rotated(aKey(), { secret: 'second', now: 1000, overlapMs: 500 })
    assert.deepEqual(key, aKey({ secrets: ['second', 'first'], olderSecretUntil: 1500 }))
    assert.deepEqual([olderSecretUntil(key, 1499), olderSecretUntil(key, 1500)], [1500, undefined])
  })

  test('in an overlap drops the oldest', () => {
    const once = rotated(aKey(), { secret: 'second', now: 1000, overlapMs: 500 })
    const twice = rotated(once, { secret: 'third', now: 1100, overlapMs: 100 })
    assert.deepEqual(twice, aKey({ secrets: ['third', 'second'], olderSecretUntil: 1200 }))
  })

  test('without an overlap leaves the new secret alone', () => {
    const once = rotated(aKey(), { secret: 'second', now: 1000, overlapMs: 500 })
    assert.deepEqual(
      rotated(once, { secret: 'third', now: 1100, overlapMs: 0 }),
      aKey({ secrets: ['third'] }),
    )
  })
})
