import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createGathering } from '../../src/engines/gathering.ts'

/** A store that doubles numbers and fails whole on a number that it cannot take. */
const open = ({ bad, mayBeOneRow }: { bad?: number; mayBeOneRow?: (error: unknown) => boolean } = {}) => {
  const groups: (readonly number[])[] = []
  const gathering = createGathering<number, number>({
    ...{ maxRows: 4, waitMs: 0, ...(mayBeOneRow && { mayBeOneRow }) },
    async perform(rows) {
      groups.push(rows)
      if (bad !== undefined && rows.includes(bad)) throw new Error(`no room for ${bad}`)
      return rows.map((row) => 2 * row)
    },
  })
  return { gathering, groups }
}

suite('what gathers rows', () => {
  test('sends those of one turn together, and answers everyone for their own', async () => {
    const { gathering, groups } = open()
    const results = await Promise.all([gathering.add([1]), gathering.add([]), gathering.add([2, 3])])
    assert.deepEqual(results, [[2], [], [4, 6]])
    assert.deepEqual(groups, [[1, 2, 3]])
  })

  test('sends what is enough at once, and very many in steps', async () => {
    const { gathering, groups } = open()
    const all = Array.from({ length: 9 }, (_, index) => index)
    const answered = gathering.add(all)
    assert.equal(groups.length, 1, 'it waited although there was enough')
    assert.deepEqual(
      await answered,
      all.map((row) => 2 * row),
    )
    assert.deepEqual(
      groups.map(({ length }) => length),
      [4, 4, 1],
    )
  })

  test('lets the next group grow while as many are under way as may be', async () => {
    const groups: number[] = []
    const answers: (() => void)[] = []
    const gathering = createGathering<number, number>({
      ...{ maxRows: 4, waitMs: 0, groupsAtOnce: 2 },
      perform(rows) {
        groups.push(rows.length)
        return new Promise((resolve) => answers.push(() => resolve(rows)))
      },
    })
    const added = [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12], [13]].map((rows) => gathering.add(rows))
    assert.deepEqual(groups, [4, 4])
    answers.shift()!()
    await added[0]
    await turn()
    assert.deepEqual(groups, [4, 4, 5])
    const drained = gathering.drain()
    for (const answer of answers) answer()
    await Promise.all([drained, ...added])
    assert.equal(gathering.pending(), 0)
  })

  test('drains what it has held back as well', async () => {
    const groups: number[] = []
    const gathering = createGathering<number, number>({
      ...{ maxRows: 2, waitMs: 0, groupsAtOnce: 1 },
      async perform(rows) {
        groups.push(rows.length)
        return rows
      },
    })
    const added = [gathering.add([1, 2]), gathering.add([3, 4])]
    await gathering.drain()
    assert.deepEqual([groups, gathering.pending()], [[2, 2], 0])
    await Promise.all(added)
  })

  test('lets a failure of the store be the failure of all', async () => {
    const { gathering, groups } = open({ bad: 2 })
    const results = await Promise.allSettled([gathering.add([1]), gathering.add([2])])
    assert.deepEqual(
      results.map(({ status }) => status),
      ['rejected', 'rejected'],
    )
    assert.equal(groups.length, 1)
    assert.equal(gathering.pending(), 0)
  })

  test('lets one row that cannot be stored fail nobody else, where that may be the reason', async () => {
    const { gathering } = open({ bad: 2, mayBeOneRow: () => true })
    const results = await Promise.allSettled([gathering.add([1]), gathering.add([2]), gathering.add([3])])
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
    assert.equal(gathering.pending(), 0)
  })

  test('knows what is not answered for, and waits for it', async () => {
    const { gathering, groups } = open()
    const answered = gathering.add([1, 2])
    assert.equal(gathering.pending(), 2)
    await gathering.drain()
    assert.deepEqual(groups, [[1, 2]])
    assert.equal(gathering.pending(), 0)
    await answered
  })
})
