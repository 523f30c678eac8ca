import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runMutations } from './callback-mutations.ts'

test('of 20,000 damaged and forged callbacks none is accepted, none throws, and each is met as it must be', () => {
  const { accepted, thrown, otherwise, originalsRefused, examples, met } = runMutations({
    count: 20_000,
    seed: 7,
  })
  assert.deepEqual(
    { accepted, thrown, otherwise, originalsRefused, examples },
    { accepted: 0, thrown: 0, otherwise: 0, originalsRefused: 0, examples: [] },
  )
  assert.ok(Object.keys(met).length > 20)
})
