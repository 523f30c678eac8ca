import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { languageOf, Problem, type ProblemCode, problemBody, problems } from './problems.ts'

/** Fastify's own refusals in our words. */
const frameworkCodes: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'media-type-unsupported',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'request-malformed',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'json-malformed',
  FST_ERR_BAD_URL: 'path-invalid',
  FST_ERR_MAX_PARAM_LENGTH: 'not-found',
  FST_ERR_ASYNC_CONSTRAINT: 'internal',
}

/** What the storage says, by the name and marks of its error: the gateway knows no engine's types. */
const engineProblem = (error: { name?: string; full?: boolean }): ProblemCode | undefined =>
  error.name === 'StorageFailed' ? (error.full ? 'storage-full' : 'in-doubt') : undefined

/** The refusal for anything that was thrown. What is not known is `internal`: its text is never shown. */
export const problemOf = (error: unknown): Problem => {
  if (error instanceof Problem) return error
  const { code, statusCode } = error as Partial<FastifyError>
  const known = engineProblem(error as object) ?? frameworkCodes[code ?? '']
  if (known) return new Problem(known)
  if (statusCode === 408 || code === 'ECONNRESET') return new Problem('timeout')
  if (statusCode === 400) return new Problem('request-malformed')
  return new Problem('internal', { members: {} })
}

export const answerProblem = (problem: Problem, request: FastifyRequest, reply: FastifyReply): void => {
  const { status } = problems[problem.code]
  const { retryAfterSeconds } = problem.extras
  if (retryAfterSeconds !== undefined) reply.header('Retry-After', retryAfterSeconds)
  else if (status === 503) reply.header('Retry-After', 1)
  if (status === 401) reply.header('WWW-Authenticate', 'HONGYAN-HMAC-SHA256, Bearer')
  // The rest of such a body is not read, so the connection cannot serve another request.
  if (problem.code === 'too-large') reply.header('Connection', 'close')
  reply
    .code(status)
    .header('Content-Type', 'application/problem+json; charset=utf-8')
    .serializer(JSON.stringify)
    .send(problemBody(problem, request.id, languageOf(request.headers['accept-language'])))
}
