import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { version } from '../src/version.ts'

test('the version is that of package.json', () => {
  const { version: expected } = JSON.parse(readFileSync('package.json', 'utf8'))
  assert.equal(version, expected)
})
