import { suite, type TestContext, test } from 'node:test'
import type { FinalRecord } from './checker.ts'
import { createHistory } from './history.ts'
import { reclaimsOf } from './reclaim.ts'

const record: FinalRecord = {
  ...{ id: 'msg_1', key: 'k', channel: 'template', state: 'sent', reason: null },
  timeline: [
    { at: 100, event: 'leased' },
    { at: 10_000, event: 'lease-lost' },
  ],
}

/** Every line stands for one event: when it was, and of whom. */
const historyOf = (events: readonly (readonly [at: number, op: 'kill' | 'ready', name: string])[]) => {
  let now = 0
  const history = createHistory(() => now)
  for (const name of ['worker-1', 'worker-2', 'redis']) add('ready', name)
  for (const [at, op, name] of events) {
    now = at
    add(op, name)
  }
  return history.lines

  function add(op: 'kill' | 'ready', name: string) {
    const victim = name === 'redis' ? 'store' : 'worker'
    history.add({ actor: 'harness', op, key: '', status: 'ok', detail: { victim, name } })
  }
}

suite('the time of a reclaim', () => {
  const cases: readonly [name: string, events: Parameters<typeof historyOf>[0], ms: readonly number[]][] = [
    ['runs from the kill of a worker to the next lease', [[1000, 'kill', 'worker-1']], [9000]],
    ['is of no message that no kill of a worker has cut short', [[1000, 'kill', 'redis']], []],
    [
      'leaves out the time without any worker',
      [
        [1000, 'kill', 'worker-1'],
        [2000, 'kill', 'worker-2'],
        [5000, 'ready', 'worker-1'],
      ],
      [6000],
    ],
    [
      'leaves out the time without Redis',
      [
        [1000, 'kill', 'worker-1'],
        [3000, 'kill', 'redis'],
        [4000, 'ready', 'redis'],
      ],
      [8000],
    ],
  ]
  for (const [name, events, ms] of cases)
    test(name, (t: TestContext) => {
      t.assert.deepEqual(reclaimsOf({ history: historyOf(events), records: [record] }), ms)
    })
})
