import type { FastifyInstance, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { templateIdOf } from '../directory.ts'
import type { LedgerQuery } from '../ledger.ts'
import { type MessageId, type MessageRecord, parseMessageId } from '../message.ts'
import { parseTime } from './accept.ts'
import { type RouteParts, requires } from './gateway.ts'
import { Problem } from './problems.ts'
import { queryOf } from './query.ts'
import { MessageListQuery, MessagePage, MessageView, problemAnswers, security } from './schemas.ts'
import { sendRoute } from './send.ts'
import { queryValidator } from './validate.ts'
import { summaryOf, viewOf } from './view.ts'

const listQuery = queryValidator(MessageListQuery, ['limit'])
export const messageRoutes = (app: FastifyInstance, parts: RouteParts): void => {
  const { queue, ledger, directory, observer } = parts

  sendRoute(app, parts)

  app.get('/v1/messages', { schema: listSchema, preValidation: requires(parts, 'read') }, async (request) => {
    const { batch, ...asked } = listQuery(queryOf(request))
    // There are no batches yet, so no message belongs to one.
    if (batch !== undefined) return { data: [], next_cursor: null, has_more: false }
    const query = ledgerQuery(asked, request, parts)
    const { records, nextCursor } = await ledger.search(query)
    return {
      data: records.map((record) => summaryOf(record, directory)),
      next_cursor: nextCursor ?? null,
      has_more: nextCursor !== undefined,
    }
  })

  app.get(
    '/v1/messages/:id',
    { schema: getSchema, preValidation: requires(parts, 'read') },
    async (request) => viewOf(await recordOf(request, parts), directory),
  )

  app.post(
    '/v1/messages/:id/cancel',
    { schema: cancelSchema, preValidation: requires(parts, 'send') },
    async (request) => {
      const id = idOf(request)
      const result = await queue.cancel({ tenant: request.caller.tenant, id })
      switch (result.kind) {
        case 'missing':
          throw new Problem('not-found')
        case 'in-flight':
          throw new Problem('in-flight')
        case 'final':
          if (result.state !== 'cancelled')
            throw new Problem('not-cancellable', { members: { state: result.state } })
          return { id, state: result.state }
        case 'cancelled':
          observer.observe({ kind: 'cancelled', id, state: result.state })
          return { id, state: result.state }
      }
    },
  )
}

const idOf = (request: FastifyRequest): MessageId => {
  const id = parseMessageId((request.params as { id: string }).id)
  if (id === undefined) throw new Problem('not-found')
  return id
}

const recordOf = async (request: FastifyRequest, { ledger }: RouteParts): Promise<MessageRecord> => {
  const record = await ledger.find({ tenant: request.caller.tenant, id: idOf(request) })
  if (!record) throw new Problem('not-found')
  return record
}

const ledgerQuery = (
  query: Omit<MessageListQuery, 'batch'>,
  { caller: { tenant } }: FastifyRequest,
  { directory }: RouteParts,
): LedgerQuery => {
  const { account: name, template_id, from, to, limit = 50, ...rest } = query
  const account = name === undefined ? undefined : directory.accountOf(tenant, name)
  const times = { from: parseTime(from, '/from'), to: parseTime(to, '/to') }
  return {
    ...rest,
    tenant,
    limit,
    ...(name !== undefined && { account: account?.appid ?? name }),
    ...(template_id !== undefined && {
      templateId: account ? templateIdOf(account, template_id) : template_id,
    }),
    ...(times.from !== undefined && { from: times.from }),
    ...(times.to !== undefined && { to: times.to }),
  }
}

const tags = ['messages']

const listSchema = {
  tags,
  security,
  summary: 'Find messages, newest first',
  querystring: MessageListQuery,
  response: { 200: MessagePage, ...problemAnswers },
}

const idParams = Type.Object({ id: Type.String({ description: '`msg_…`' }) })

const getSchema = {
  tags,
  security,
  summary: 'What became of a message, and why',
  params: idParams,
  response: { 200: MessageView, ...problemAnswers },
}

const cancelSchema = {
  tags,
  security,
  summary: 'Stop a message that is not being sent yet',
  params: idParams,
  response: { 200: Type.Object({ id: Type.String(), state: Type.String() }), ...problemAnswers },
}
