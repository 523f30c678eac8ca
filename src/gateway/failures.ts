import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { HistoryAway } from '../history.ts'
import type { Observer } from '../observe.ts'
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

/** The gateway knows no engine's types, only the name and the marks of what it throws. */
const isStorageFailure = (error: unknown): error is { readonly full?: boolean } =>
  ['StorageFailed', 'StorageBusy', 'RedisFailed'].includes((error as { name?: string }).name ?? '')

/** The refusal for anything that was thrown. What is not known is `internal`: its text is never shown. */
export const problemOf = (error: unknown): Problem => {
  if (error instanceof Problem) return error
  if (error instanceof HistoryAway) return new Problem('history-away', { cause: error })
  if (isStorageFailure(error)) return new Problem('try-later', { cause: error })
  const { code, statusCode } = error as Partial<FastifyError>
  const known = frameworkCodes[code ?? '']
  if (known) return new Problem(known)
  if (statusCode === 408) return new Problem('timeout')
  if (statusCode === 400) return new Problem('request-malformed')
  return new Problem('internal', { cause: error })
}

/** The refusal when an engine rejects a `publish`: whatever the reason, the messages may be there. */
export const unconfirmed = (error: unknown): Problem =>
  new Problem(isStorageFailure(error) && error.full ? 'storage-full' : 'in-doubt', { cause: error })

/** Tells whoever looks after us of a fault of ours. The caller is told nothing but the request's id. */
export const createFaultReport =
  ({ observe }: Observer) =>
  ({ code, cause }: Problem, { id, method, routeOptions }: FastifyRequest): void => {
    if (cause === undefined) return
    const text = cause instanceof Error ? cause.stack : String(cause)
    observe({
      kind: 'alert',
      code: `gateway-${code}`,
      detail: `${id} ${method} ${routeOptions.url}: ${text}`,
    })
  }

export const problemType = 'application/problem+json; charset=utf-8'

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
    .header('Content-Type', problemType)
    .serializer(JSON.stringify)
    .send(problemBody(problem, request.id, languageOf(request.headers['accept-language'])))
}
