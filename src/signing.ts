/**
 * The signatures we accept and make. Two schemes, both HMAC-SHA256 with the secret's UTF-8 bytes, both
 * binding method, path, query, time, nonce and body:
 *
 * `v1`, the default: five lines, each ended by one line feed: method, path with query exactly as sent,
 * timestamp (Unix seconds), nonce, lower-case hex sha256 of the raw body (of nothing when there is none).
 * Base64, in the `Authorization` header.
 *
 * `params`, for those who know WeChat Pay v2: all query parameters but `signature`, and with them `method`
 * and `path` (which are signed but not sent), sorted by name, `k=v` joined by `&`, then `&key=` and the
 * secret. Hex, in the parameter `signature`. No name and no value may be empty or hold `&` or `=`, and no
 * parameter may be named `method` or `path`, or two requests could have one text.
 */
import { createHmac, hash, timingSafeEqual } from 'node:crypto'

export const authorizationScheme = 'HONGYAN-HMAC-SHA256'

export interface SignedParts {
  readonly method: string
  /** Path and query exactly as they are sent. */
  readonly path: string
  /** Unix seconds. */
  readonly timestamp: string
  /** 16 to 64 characters of `A-Z a-z 0-9 _ -`. */
  readonly nonce: string
  readonly body: Uint8Array | string
}

export const bodyDigest = (body: Uint8Array | string): string => hash('sha256', body, 'hex')

/** The text that `v1` signs. */
export const canonicalRequest = ({ method, path, timestamp, nonce, body }: SignedParts): string =>
  `${method}\n${path}\n${timestamp}\n${nonce}\n${bodyDigest(body)}\n`

/** The `v1` signature, base64. */
export const signRequest = (secret: string, parts: SignedParts): string =>
  hmac(secret, canonicalRequest(parts)).toString('base64')

/** The whole `Authorization` header. */
export const authorizationOf = (keyId: string, secret: string, parts: SignedParts): string =>
  `${authorizationScheme} key_id="${keyId}",timestamp="${parts.timestamp}",nonce="${parts.nonce}",signature="${signRequest(secret, parts)}"`

/** Whether a `v1` signature was made with one of the secrets. Takes the same time for every wrong one. */
export const verifyRequest = (secrets: readonly string[], parts: SignedParts, signature: string): boolean => {
  const text = canonicalRequest(parts)
  return anyMatches(secrets, (secret) => hmac(secret, text), digestIn(signature, 'base64'))
}

export interface SignedParams {
  readonly method: string
  /** Without the query. */
  readonly path: string
  /** Every parameter but `signature`. */
  readonly params: Readonly<Record<string, string>>
}

/** The text that `params` signs, without the secret's part; undefined when a name or value makes it ambiguous. */
export const sortedParams = ({ method, path, params }: SignedParams): string | undefined => {
  if (Object.hasOwn(params, 'method') || Object.hasOwn(params, 'path')) return undefined
  const pairs = Object.entries({ ...params, method, path })
  if (!pairs.every(([name, value]) => unambiguous.test(name) && unambiguous.test(value))) return undefined
  return pairs
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

const unambiguous = /^[^&=]+$/

/** The `params` signature, lower-case hex. Throws when the parameters have no unambiguous text. */
export const signParams = (secret: string, parts: SignedParams): string => {
  const text = sortedParams(parts)
  if (text === undefined)
    throw new Error('A parameter that is signed this way may neither be empty nor hold & or =')
  return hmac(secret, `${text}&key=${secret}`).toString('hex')
}

/** Whether a `params` signature (hex, either case) was made with one of the secrets. */
export const verifyParams = (secrets: readonly string[], parts: SignedParams, signature: string): boolean => {
  const text = sortedParams(parts)
  const given = digestIn(signature.toLowerCase(), 'hex')
  return anyMatches(secrets, (secret) => hmac(secret, `${text}&key=${secret}`), given) && text !== undefined
}

/** Whether two texts are equal, in a time that does not tell where they differ. */
export const sameSecret = (one: string, other: string): boolean =>
  timingSafeEqual(hash('sha256', one, 'buffer'), hash('sha256', other, 'buffer'))

const hmac = (secret: string, text: string): Buffer => createHmac('sha256', secret).update(text).digest()

const digestBytes = 32
const noDigest = Buffer.alloc(digestBytes)

/** The digest that a text stands for. Decoders skip what they do not know, so only the one right spelling counts. */
const digestIn = (text: string, encoding: 'base64' | 'hex'): Buffer | undefined => {
  const bytes = Buffer.from(text, encoding)
  return bytes.length === digestBytes && bytes.toString(encoding) === text ? bytes : undefined
}

const anyMatches = (
  secrets: readonly string[],
  expected: (secret: string) => Buffer,
  given: Buffer | undefined,
): boolean => {
  let matches = false
  for (const secret of secrets) matches = timingSafeEqual(expected(secret), given ?? noDigest) || matches
  return matches && given !== undefined
}
