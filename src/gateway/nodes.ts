/** The processes of this installation, for whoever operates it. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import type { SharedNode } from '../membership.ts'
import { roles } from '../nodes.ts'
import { audit } from './audit.ts'
import { type RouteParts, requires } from './gateway.ts'
import { Problem } from './problems.ts'
import { oneOf, problemAnswers, security } from './schemas.ts'
import { timeText } from './view.ts'

const nullable = <Schema extends Type.TSchema>(schema: Schema, description: string) =>
  Type.Union([schema, Type.Null()], { description })

const NodeView = Type.Object(
  {
    id: Type.String({ description: 'New at every start of the process.' }),
    name: Type.String(),
    roles: Type.Array(oneOf(roles)),
    state: oneOf(['live', 'draining', 'drained', 'missed'], {
      description:
        '`draining`: it takes nothing new. `drained`: it has nothing in hand any more. `missed`: it has not been heard of for three seconds, and its shards are others’ now.',
    }),
    drain_asked: Type.Boolean({ description: 'Somebody has asked it to drain.' }),
    started_at: Type.String(),
    seen_at: Type.String({ description: 'When this gateway has last heard of it.' }),
    shards: Type.Integer({ description: 'How many shards of the queue it looks after.' }),
    upkeep: Type.Boolean({ description: 'Whether it does the upkeep of the engine.' }),
    concurrency: Type.Integer({ description: 'Calls to WeChat at once, at most.' }),
    speed: nullable(
      Type.Number(),
      'Messages a second while it had more to send than hands; null until it had.',
    ),
    load: Type.Object({
      in_flight: Type.Integer({ description: 'Calls under way.' }),
      waiting: Type.Integer({ description: 'Messages in hand whose call has not begun.' }),
      per_second: Type.Integer({ description: 'Messages settled a second.' }),
      cpu: Type.Number({ description: 'Of one core.' }),
      loop_delay_ms: Type.Integer({ description: 'The longest delay of its event loop in the last second.' }),
      oldest_ready_ms: nullable(
        Type.Integer(),
        'How long the oldest message that is ready in its shards has waited.',
      ),
    }),
  },
  { title: 'Node' },
)

export const nodeRoutes = (app: FastifyInstance, parts: RouteParts): void => {
  const operator = { preValidation: requires(parts, 'operator') }

  app.get('/v1/nodes', { ...operator, schema: listSchema }, async () => ({
    data: ((await parts.nodes)?.nodes() ?? []).map(nodeView),
  }))

  for (const [method, drain] of [
    ['POST', true],
    ['DELETE', false],
  ] as const)
    app.route({
      ...{ ...operator, method, url: '/v1/nodes/:id/drain', schema: drain ? drainSchema : undoSchema },
      async handler(request) {
        const nodes = await parts.nodes
        const node = nodeOf(request, nodes?.nodes() ?? [])
        if (!(await nodes?.order(node.id, drain))) throw new Problem('not-found')
        audit(parts, request, drain ? 'node.drain' : 'node.undrain', `node/${node.id}`)
        return nodeView({ ...node, drainAsked: drain })
      },
    })
}

/** By its id, or by its name when only one node has it. */
const nodeOf = ({ params }: FastifyRequest, all: readonly SharedNode[]): SharedNode => {
  const { id } = params as { id: string }
  const found = all.find((node) => node.id === id)
  if (found) return found
  const named = all.filter(({ name, state }) => name === id && state !== 'missed')
  if (named.length > 1)
    throw new Problem('not-found', {
      detail: `Several nodes are called ${id}; their ids: ${named.map((node) => node.id).join(', ')}`,
    })
  if (!named[0]) throw new Problem('not-found')
  return named[0]
}

const nodeView = (node: SharedNode): Static<typeof NodeView> => ({
  id: node.id,
  name: node.name,
  roles: [...node.roles],
  state: node.state,
  drain_asked: node.drainAsked,
  started_at: timeText(node.startedAt),
  seen_at: timeText(node.seenAt),
  shards: node.shards,
  upkeep: node.upkeep,
  concurrency: node.concurrency,
  speed: node.speed === undefined ? null : Math.round(10 * node.speed) / 10,
  load: {
    in_flight: node.load.inFlight,
    waiting: node.load.waiting,
    per_second: node.load.perSecond,
    cpu: node.load.cpu,
    loop_delay_ms: node.load.loopDelayMs,
    oldest_ready_ms: node.load.oldestReadyMs ?? null,
  },
})

const tags = ['nodes']
const params = Type.Object({ id: Type.String({ description: 'Its id, or its name.' }) })

const listSchema = {
  tags,
  security,
  summary: 'The processes of this installation, how they are, and what falls to them',
  response: { 200: Type.Object({ data: Type.Array(NodeView) }), ...problemAnswers },
}

const drainSchema = {
  tags,
  security,
  summary: 'Ask a node to take nothing new and to finish what it has',
  description: 'It sees this within a second. It stays up until it is stopped, or asked to work again.',
  params,
  response: { 200: NodeView, ...problemAnswers },
}

const undoSchema = {
  tags,
  security,
  summary: 'Ask a node that drains, or has drained, to work again',
  params,
  response: { 200: NodeView, ...problemAnswers },
}
