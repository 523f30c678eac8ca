/**
 * One request as the simulated WeChat understands it. Everything that can be told before any rule is
 * applied is told here, so that faults can pick their calls and the ledger can name them.
 */

import type { TokenState } from './tokens.ts'

export interface Call {
  readonly method: string
  readonly path: string
  /** The query as it stood in the URL, without its question mark. */
  readonly search: string
  readonly clientIp: () => string
  readonly body: string
  readonly at: number
  /** The body as an object, or why it is none. */
  readonly json: Record<string, unknown> | BodyErrcode
  /** Of the access_token in the query, if there was one. */
  readonly token: TokenState | undefined
  /** Whose call it is, as far as token, query or body tell. */
  readonly appid: string | undefined
  readonly touser: string | undefined
  readonly templateId: string | undefined
  /** Of its X-Tags header. */
  readonly tags: readonly string[] | undefined
}

/** 44002 nothing there · 47001 not a JSON object · 47002 Chinese written as \uXXXX (D: send UTF-8 text). */
export type BodyErrcode = 44002 | 47001 | 47002

/** The value of one query parameter, decoded. */
export const queryValue = (search: string, name: string): string | undefined => {
  let from = 0
  while (from < search.length) {
    const next = search.indexOf('&', from)
    const end = next < 0 ? search.length : next
    if (search.startsWith(name, from) && search.charCodeAt(from + name.length) === equalsSign)
      return decode(search.slice(from + name.length + 1, end))
    from = end + 1
  }
  return undefined
}

const equalsSign = 61

const decode = (text: string): string => {
  if (!text.includes('%') && !text.includes('+')) return text
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}

/** A backslash that is not itself escaped, `u`, and a code of at least 0x80. */
const escapedText = /(?<!\\)(?:\\\\)*\\u(?!00[0-7])[0-9a-fA-F]{4}/

export const parseBody = (body: string): Call['json'] => {
  if (body === '') return 44002
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch {
    return 47001
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return 47001
  if (body.includes('\\u') && escapedText.test(body)) return 47002
  return parsed as Record<string, unknown>
}

/** A field of the body, if it is a text. */
export const textField = (json: Call['json'], name: string): string | undefined => {
  if (typeof json === 'number') return undefined
  const value = json[name]
  return typeof value === 'string' ? value : undefined
}
