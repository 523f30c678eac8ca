import type { FastifyRequest } from 'fastify'
import { signatureParams } from './auth.ts'

/** The query without what signed it. */
export const queryOf = (request: FastifyRequest): Readonly<Record<string, unknown>> => {
  const query = { ...(request.query as Record<string, unknown>) }
  if (query.signature !== undefined) for (const name of signatureParams) delete query[name]
  return query
}

/** One parameter of the query, the first if there are several; nothing when it is empty. */
export const queryText = (request: FastifyRequest, name: string): string | undefined => {
  const [value] = [(request.query as Record<string, unknown>)[name]].flat()
  return typeof value === 'string' && value !== '' ? value : undefined
}
