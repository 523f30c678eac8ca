import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import {
  assignShards,
  balances,
  leastLoaded,
  type Node,
  type NodeLoad,
  shardsToHelp,
  weightsOf,
} from '../src/nodes.ts'

const idle: NodeLoad = { inFlight: 0, waiting: 0, perSecond: 0, cpu: 0, loopDelayMs: 0 }

const aNode = (
  id: string,
  overrides: Partial<Omit<Node, 'load'>> & { load?: Partial<NodeLoad> } = {},
): Node => ({
  ...{ id, name: id, roles: ['worker'], startedAt: 0, beats: 1, state: 'live', concurrency: 128 },
  ...{ seenAt: 0, drainAsked: false },
  ...overrides,
  load: { ...idle, ...overrides.load },
})

const ids = fc.uniqueArray(fc.uuid(), { minLength: 1, maxLength: 12 })
const speeds = fc.array(fc.option(fc.double({ min: 0, max: 1e5, noNaN: true }), { nil: undefined }), {
  minLength: 12,
  maxLength: 12,
})
const withSpeeds = (names: readonly string[], measured: readonly (number | undefined)[]): readonly Node[] =>
  names.map((id, index) => aNode(id, measured[index] === undefined ? {} : { speed: measured[index] }))

const countsOf = (owners: readonly (string | undefined)[]): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>()
  for (const owner of owners) if (owner !== undefined) counts.set(owner, (counts.get(owner) ?? 0) + 1)
  return counts
}

suite('shards are assigned', () => {
  test('each to one live worker, by every policy, whatever the speeds', () => {
    fc.assert(
      fc.property(
        ids,
        speeds,
        fc.integer({ min: 1, max: 256 }),
        fc.constantFrom(...balances),
        (some, fast, count, balance) => {
          const owners = assignShards(withSpeeds(some, fast), count, balance)
          assert.equal(owners.length, count)
          for (const owner of owners) assert.ok(some.includes(owner!))
        },
      ),
    )
  })

  test('the same by every process, in whatever order it knows the nodes', () => {
    fc.assert(
      fc.property(ids, speeds, fc.constantFrom(...balances), (some, fast, balance) => {
        const nodes = withSpeeds(some, fast)
        assert.deepEqual(assignShards(nodes.toReversed(), 16, balance), assignShards(nodes, 16, balance))
      }),
    )
    // What a process of another version or machine would have to answer.
    const three = ['node_a', 'node_b', 'node_c'].map((id) => aNode(id))
    assert.equal(
      assignShards(three, 8, 'weighted')
        .map((owner) => owner!.at(-1))
        .join(''),
      'acabbcaa',
    )
  })

  test('to nobody who drains, is missed, or does not send', () => {
    const nodes = [
      aNode('a', { state: 'draining' }),
      aNode('b', { state: 'drained' }),
      aNode('c', { state: 'missed' }),
      aNode('d', { roles: ['gateway', 'scheduler'] }),
    ]
    for (const balance of balances) {
      assert.deepEqual(assignShards(nodes, 3, balance), [undefined, undefined, undefined])
      assert.deepEqual(assignShards([...nodes, aNode('e')], 3, balance), ['e', 'e', 'e'])
    }
  })

  test('to nobody much more than to others, when all are equal', () => {
    fc.assert(
      fc.property(ids, fc.constantFrom('weighted', 'least-loaded'), (some, balance) => {
        const count = 64
        const most = Math.max(...countsOf(assignShards(withSpeeds(some, []), count, balance)).values())
        assert.ok(most <= Math.ceil((1.15 * count) / some.length))
      }),
    )
  })

  test('by speed: a node five times slower looks after about a fifth of what the others do', () => {
    for (let round = 0; round < 50; round++) {
      const nodes = [100, 100, 100, 20].map((speed, n) => aNode(`node-${round}-${n}`, { speed }))
      const counts = countsOf(assignShards(nodes, 64, 'weighted'))
      // Its even share is 4 of 64; the others' is 20.
      assert.ok((counts.get(`node-${round}-3`) ?? 0) <= 5)
      assert.ok(Math.max(...counts.values()) <= 23)
    }
  })

  test('by speed: within bounds, and as the fastest while nothing is known', () => {
    const speedOf = (...measured: (number | undefined)[]) =>
      weightsOf(measured.map((speed) => (speed === undefined ? {} : { speed })))
    assert.deepEqual(speedOf(100, 50, 1, undefined), [1, 0.5, 1 / 8, 1])
    assert.deepEqual(speedOf(undefined, undefined), [1, 1])
    assert.deepEqual(speedOf(0, 0), [1, 1])
  })

  test('in turns, whatever the load', () => {
    const nodes = [aNode('b', { speed: 1 }), aNode('a', { speed: 100 })]
    assert.deepEqual(assignShards(nodes, 5, 'round-robin'), ['a', 'b', 'a', 'b', 'a'])
  })
})

suite('a node that comes or goes', () => {
  /** The share of shards that move, beyond 1/n, when the last of n nodes goes: the same as when it comes. */
  const excessOf = (round: number, n: number, count: number): number => {
    const all = Array.from({ length: n }, (_, index) => aNode(`node-${round}-${n}-${index}`))
    const before = assignShards(all, count, 'weighted')
    const after = assignShards(all.slice(0, -1), count, 'weighted')
    return before.filter((owner, shard) => owner !== after[shard]).length / count - 1 / n
  }
  const rounds = 60
  const excesses = (count: number): readonly number[] =>
    Array.from({ length: 11 * rounds }, (_, at) =>
      excessOf(at % rounds, 2 + Math.floor(at / rounds), count),
    ).sort((a, b) => a - b)
  const nearlyAll = (sorted: readonly number[]) => sorted[Math.floor(0.99 * sorted.length)]!

  test('moves at most 1/n + 10 % of 64 shards, in 99 of 100 sets of nodes, and never above 1/n + 13 %', () => {
    const sorted = excesses(64)
    assert.ok(nearlyAll(sorted) <= 0.1, String(nearlyAll(sorted)))
    assert.ok(sorted.at(-1)! <= 0.13, String(sorted.at(-1)))
  })

  test('moves at most 1/n + 10 % of 128 shards', () => {
    assert.ok(excesses(128).at(-1)! <= 0.1, String(excesses(128).at(-1)))
  })

  test('moves more of few shards, where chance decides', () => {
    const sorted = excesses(16)
    assert.ok(nearlyAll(sorted) <= 0.3, String(nearlyAll(sorted)))
  })
})

suite('who has nothing to do', () => {
  test('helps where something has waited for a second, the oldest first', () => {
    const nodes = [
      aNode('me', { load: { oldestReadyMs: 9000 } }),
      aNode('old', { load: { oldestReadyMs: 5000 } }),
      aNode('older', { load: { oldestReadyMs: 7000 } }),
      aNode('fine', { load: { oldestReadyMs: 999 } }),
    ]
    const owners = ['old', 'me', 'fine', 'older', 'old', undefined]
    assert.deepEqual(shardsToHelp(nodes, owners, 'me'), [3, 0, 4])
  })
})

suite('an urgent message goes', () => {
  test('to the node that would begin it soonest', () => {
    const busy = aNode('busy', { load: { inFlight: 50 } })
    const waiting = aNode('waiting', { load: { waiting: 60 } })
    const free = aNode('free', { load: { inFlight: 10 } })
    assert.equal(leastLoaded([busy, waiting, free], new Map()), 'free')
    assert.equal(leastLoaded([busy, waiting, free], new Map([['free', 45]])), 'busy')
    assert.equal(leastLoaded([aNode('small', { concurrency: 4 }), busy], new Map([['small', 3]])), 'busy')
    assert.equal(
      leastLoaded([aNode('slow', { speed: 1 }), aNode('fast', { speed: 5 })], new Map([['fast', 2]])),
      'fast',
    )
  })

  test('to no node that is late, drains or does not send, and to none when there is none', () => {
    const late = aNode('late', { load: { loopDelayMs: 1001 } })
    const others = [
      aNode('d', { state: 'draining' }),
      aNode('m', { state: 'missed' }),
      aNode('g', { roles: ['gateway'] }),
    ]
    assert.equal(leastLoaded([late, ...others], new Map()), undefined)
    assert.equal(leastLoaded([late, ...others, aNode('ok')], new Map()), 'ok')
  })
})
