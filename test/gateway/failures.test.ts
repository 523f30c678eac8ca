import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { StorageFailed } from '../../src/engines/embedded/embedded.ts'
import { StorageBusy } from '../../src/engines/embedded/ledger.ts'
import { problemOf, unconfirmed } from '../../src/gateway/failures.ts'
import { Problem } from '../../src/gateway/problems.ts'

suite('what was thrown becomes a problem', () => {
  const full = new StorageFailed('database or disk is full')
  const cases: readonly [name: string, problem: Problem, code: string][] = [
    ['a problem is itself', problemOf(new Problem('not-found')), 'not-found'],
    ['a store that failed while reading', problemOf(new StorageFailed('disk I/O error')), 'try-later'],
    ['too many searches', problemOf(new StorageBusy()), 'try-later'],
    ['what nobody expected', problemOf(new TypeError('x is undefined')), 'internal'],
    ['a publish that failed', unconfirmed(new StorageFailed('disk I/O error')), 'in-doubt'],
    ['a publish that found no room', unconfirmed(full), 'storage-full'],
    ['a publish that broke', unconfirmed(new TypeError('x is undefined')), 'in-doubt'],
  ]
  for (const [name, problem, code] of cases) test(name, () => assert.equal(problem.code, code))
})
