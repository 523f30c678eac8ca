import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { quotasOf } from '../../src/engines/redis/leases.ts'

/** Of a shard: what is ready in the lanes, and how much of it are leases that have run out. */
const shard = (ready: readonly number[], runOut: readonly number[] = [0, 0, 0]) => ({ ready, runOut })

suite('how many messages are taken from each shard', () => {
  const cases: readonly [
    what: string,
    seen: readonly ReturnType<typeof shard>[],
    max: number,
    quotas: readonly (readonly number[])[],
  ][] = [
    [
      'is what there is',
      [shard([1, 2, 3]), shard([0, 4, 0])],
      100,
      [
        [1, 2, 3],
        [0, 4, 0],
      ],
    ],
    [
      'is no more than was asked for, from the first that has it',
      [shard([0, 8, 0]), shard([0, 8, 0])],
      10,
      [
        [0, 8, 0],
        [0, 2, 0],
      ],
    ],
    [
      'is the urgent of all before the rest',
      [shard([0, 9, 9]), shard([4, 9, 0])],
      6,
      [
        [0, 2, 0],
        [4, 0, 0],
      ],
    ],
    [
      'is what a dead process held, before what is fresh in any shard',
      [shard([0, 10, 0]), shard([0, 10, 0], [0, 3, 0])],
      10,
      [
        [0, 7, 0],
        [0, 3, 0],
      ],
    ],
    [
      'is the urgent before what a dead process held',
      [shard([2, 0, 0]), shard([0, 5, 0], [0, 5, 0])],
      4,
      [
        [2, 0, 0],
        [0, 2, 0],
      ],
    ],
  ]
  for (const [what, seen, max, quotas] of cases)
    test(what, () => assert.deepEqual(quotasOf(seen, max), quotas))
})
