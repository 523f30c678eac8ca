/** The gateway as the CLI sees it: signed requests in, JSON out, and two ways of going wrong. */
import { randomBytes } from 'node:crypto'
import { authorizationOf } from '../signing.ts'
import { ApiFailure, type Finding, type Refusal, Unreachable } from './api-failure.ts'
import { say } from './say.ts'

export interface ApiOptions {
  /** Origin of the gateway. */
  readonly url: string
  readonly keyId: string
  readonly keySecret: string
  readonly signal?: AbortSignal
}

/** Every method answers the parsed body, or throws `ApiFailure` or `Unreachable`. */
export interface Api {
  get(path: string): Promise<unknown>
  post(path: string, body?: unknown, headers?: Headers): Promise<unknown>
  patch(path: string, body: unknown): Promise<unknown>
  /** `lines` go as they are, each with its line feed. */
  postNdjson(path: string, lines: Uint8Array, headers?: Headers): Promise<unknown>
  delete(path: string): Promise<unknown>
}

type Headers = Readonly<Record<string, string>>

/** How long a request may take, beside the time it asked the gateway to wait. */
const deadlineMs = 60_000

export const createApi = (options: ApiOptions): Api => {
  const json = { 'Content-Type': 'application/json' }
  const ndjson = { 'Content-Type': 'application/x-ndjson' }
  return {
    get: (path) => request(options, 'GET', path),
    post: (path, body, headers = {}) =>
      body === undefined
        ? request(options, 'POST', path, undefined, headers)
        : request(options, 'POST', path, JSON.stringify(body), { ...json, ...headers }),
    patch: (path, body) => request(options, 'PATCH', path, JSON.stringify(body), json),
    postNdjson: (path, lines, headers = {}) =>
      request(options, 'POST', path, lines, { ...ndjson, ...headers }),
    delete: (path) => request(options, 'DELETE', path),
  }
}

const request = async (
  { url, keyId, keySecret, signal }: ApiOptions,
  method: string,
  path: string,
  body?: string | Uint8Array,
  headers: Headers = {},
): Promise<unknown> => {
  const target = new URL(path, url)
  const parts = {
    method,
    path: target.pathname + target.search,
    timestamp: String(Math.floor(Date.now() / 1000)),
    nonce: newNonce(),
    body: body ?? '',
  }
  const overall = AbortSignal.timeout(deadlineMs + waitMsOf(headers))
  try {
    const response = await fetch(target, {
      method,
      headers: {
        Accept: 'application/json',
        'Accept-Language': say('zh', 'en'),
        ...headers,
        Authorization: authorizationOf(keyId, keySecret, parts),
      },
      // A redirect would need another signature, and no gateway of ours sends one.
      redirect: 'manual',
      signal: signal ? AbortSignal.any([overall, signal]) : overall,
      ...(body !== undefined && { body: body as NonNullable<RequestInit['body']> }),
    })
    return answerOf(response, await response.text(), url)
  } catch (error) {
    throw signal?.aborted ? signal.reason : failureOf(error, url)
  }
}

/** 22 characters: 128 bits. */
export const newNonce = (): string => randomBytes(16).toString('base64url')

const waitMsOf = ({ Prefer = '' }: Headers): number => Number(/wait=(\d+)/.exec(Prefer)?.[1] ?? 0) * 1000

const answerOf = (response: Response, text: string, url: string): unknown => {
  if (response.ok && text === '') return undefined
  const value = parsed(text)
  if (response.ok && value !== undefined) return value
  if (response.ok)
    throw new Unreachable(url, say('应答的不是鸿雁网关', 'what answers there is not a Hongyan gateway'))
  throw new ApiFailure(refusalOf(response, (value ?? {}) as Readonly<Record<string, unknown>>))
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const refusalOf = (
  { status, statusText, headers }: Response,
  body: Readonly<Record<string, unknown>>,
): Refusal => {
  const { code, title, detail, request_id, errors } = body
  const retryAfter = headers.get('Retry-After')
  return {
    status,
    code: typeof code === 'string' ? code : `http-${status}`,
    title: typeof title === 'string' ? title : `HTTP ${status} ${statusText}`,
    errors: Array.isArray(errors) ? (errors as Finding[]) : [],
    ...(typeof detail === 'string' && { detail }),
    ...(typeof request_id === 'string' && { requestId: request_id }),
    ...(retryAfter !== null && /^\d+$/.test(retryAfter) && { retryAfterMs: Number(retryAfter) * 1000 }),
  }
}

const failureOf = (error: unknown, url: string): unknown => {
  if (error instanceof ApiFailure || error instanceof Unreachable) return error
  if ((error as Error).name === 'TimeoutError')
    return new Unreachable(url, say('超时', 'it took too long'), error)
  const { code, message } = ((error as Error).cause ?? error) as { code?: string; message: string }
  return new Unreachable(url, code ?? message, error)
}
