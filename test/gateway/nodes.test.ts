import { type TestContext, test } from 'node:test'
import type { GatewayParts } from '../../src/gateway/gateway.ts'
import type { SharedNode } from '../../src/membership.ts'
import { openGateway } from '../support/gateway.ts'

const aNode = (id: string, overrides: Partial<SharedNode> = {}): SharedNode => ({
  ...{ id, name: id, roles: ['gateway', 'worker'], startedAt: 0, beats: 1, state: 'live', concurrency: 128 },
  ...{ seenAt: 1000, drainAsked: false, shards: 8, upkeep: true },
  load: { inFlight: 3, waiting: 4, perSecond: 50, cpu: 0.25, loopDelayMs: 2 },
  ...overrides,
})

/** A gateway that knows these nodes, and the orders that reach them. */
const withNodes = async (t: TestContext, ...nodes: readonly SharedNode[]) => {
  const orders: (readonly [id: string, drain: boolean])[] = []
  const order = async (id: string, drain: boolean) => {
    orders.push([id, drain])
    return nodes.some((node) => node.id === id)
  }
  const parts = (): Partial<GatewayParts> => ({ nodes: Promise.resolve({ nodes: () => nodes, order }) })
  const { ask, observer } = await openGateway(t, { parts })
  const audited: unknown[] = []
  observer.subscribe((each) => each.kind === 'audit' && audited.push([each.action, each.target]))
  const asOperator = (method: string, path: string) => ask({ method, path, as: 'operator' })
  return { asOperator, ask, orders, audited }
}

test('operators see the nodes, how they are, and what falls to them', async (t: TestContext) => {
  const busy = aNode('node_1', { speed: 123.456 })
  const gone = aNode('node_2', {
    state: 'missed',
    shards: 0,
    upkeep: false,
    load: { ...busy.load, oldestReadyMs: 70 },
  })
  const { asOperator, ask } = await withNodes(t, busy, gone)
  const { status, json } = await asOperator('GET', '/v1/nodes')
  t.assert.equal(status, 200)
  t.assert.deepEqual(json.data[0], {
    id: 'node_1',
    name: 'node_1',
    roles: ['gateway', 'worker'],
    state: 'live',
    drain_asked: false,
    started_at: '1970-01-01T00:00:00.000Z',
    seen_at: '1970-01-01T00:00:01.000Z',
    shards: 8,
    upkeep: true,
    concurrency: 128,
    speed: 123.5,
    load: { in_flight: 3, waiting: 4, per_second: 50, cpu: 0.25, loop_delay_ms: 2, oldest_ready_ms: null },
  })
  t.assert.partialDeepStrictEqual(json.data[1], {
    state: 'missed',
    speed: null,
    load: { oldest_ready_ms: 70 },
  })
  t.assert.equal((await ask({ method: 'GET', path: '/v1/nodes' })).status, 403)
})

test('a node is asked to drain, and to work again, by its id or by a name that is its own', async (t: TestContext) => {
  const twins = [aNode('node_3', { name: 'twin' }), aNode('node_4', { name: 'twin' })]
  const former = aNode('node_0', { name: 'one', state: 'missed' })
  const { asOperator, orders, audited } = await withNodes(
    t,
    former,
    aNode('node_1', { name: 'one' }),
    ...twins,
  )
  const drained = await asOperator('POST', '/v1/nodes/node_3/drain')
  t.assert.deepEqual([drained.status, drained.json.id, drained.json.drain_asked], [200, 'node_3', true])
  const undone = await asOperator('DELETE', '/v1/nodes/one/drain')
  t.assert.deepEqual([undone.status, undone.json.id, undone.json.drain_asked], [200, 'node_1', false])
  t.assert.deepEqual(orders, [
    ['node_3', true],
    ['node_1', false],
  ])
  t.assert.deepEqual(audited, [
    ['node.drain', 'node/node_3'],
    ['node.undrain', 'node/node_1'],
  ])
  const ambiguous = await asOperator('POST', '/v1/nodes/twin/drain')
  t.assert.equal(ambiguous.status, 404)
  t.assert.match(ambiguous.json.detail, /node_3, node_4/)
  t.assert.equal((await asOperator('POST', '/v1/nodes/nobody/drain')).status, 404)
  t.assert.equal(orders.length, 2)
})
