import type { FastifyRequest } from 'fastify'
import { signatureParams } from './auth.ts'

/** The query without what signed it. */
export const queryOf = (request: FastifyRequest): Readonly<Record<string, unknown>> => {
  const query = { ...(request.query as Record<string, unknown>) }
  if (query.signature !== undefined) for (const name of signatureParams) delete query[name]
  return query
}
