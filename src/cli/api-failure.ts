/** The two ways in which a request goes wrong. */
import { say } from './say.ts'

/** One finding in a refused body. */
export interface Finding {
  readonly pointer: string
  readonly code: string
  readonly message: string
}

/** What a problem+json says, and its headers. */
export interface Refusal {
  readonly status: number
  readonly code: string
  readonly title: string
  readonly detail?: string
  readonly requestId?: string
  readonly errors: readonly Finding[]
  readonly retryAfterMs?: number
}

/** The gateway answered, and refused. */
export class ApiFailure extends Error implements Refusal {
  readonly status: number
  readonly code: string
  readonly title: string
  readonly detail?: string
  readonly requestId?: string
  readonly errors: readonly Finding[]
  readonly retryAfterMs?: number
  constructor(refusal: Refusal) {
    super(refusal.detail ?? refusal.title)
    this.name = 'ApiFailure'
    this.status = refusal.status
    this.code = refusal.code
    this.title = refusal.title
    this.errors = refusal.errors
    if (refusal.detail !== undefined) this.detail = refusal.detail
    if (refusal.requestId !== undefined) this.requestId = refusal.requestId
    if (refusal.retryAfterMs !== undefined) this.retryAfterMs = refusal.retryAfterMs
  }
}

/** No answer of a gateway came: it does not run, is somewhere else, or takes too long. */
export class Unreachable extends Error {
  readonly url: string
  constructor(url: string, why: string, cause?: unknown) {
    super(say(`${url} 没有应答：${why}`, `No answer from ${url}: ${why}`), { cause })
    this.name = 'Unreachable'
    this.url = url
  }
}
