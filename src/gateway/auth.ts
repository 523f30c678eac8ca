/**
 * Who is asking. The order of the checks matters: shape, time, key and signature, and only then the nonce;
 * a nonce stored for a bad signature would let strangers fill the store and burn the nonces of others.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { Clock } from '../clock.ts'
import type { Coordination } from '../coordination.ts'
import type { AccessKey, Directory, Scope } from '../directory.ts'
import { liveSecrets } from '../keys.ts'
import { authorizationScheme, bodyDigest, sameSecret, verifyParams, verifyRequest } from '../signing.ts'
import type { FailureLimit } from './failure-limit.ts'
import type { KeyUse } from './key-use.ts'
import { Problem } from './problems.ts'

export interface Caller {
  readonly tenant: string
  readonly keyId: string
}

/** What is needed of a request, raw: nothing of it has been parsed before it is trusted. */
export interface RawRequest {
  readonly method: string
  /** Path and query exactly as they came. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer | undefined
  readonly address: string
}

export interface AuthParts {
  readonly directory: Directory
  readonly coordination: Coordination
  readonly clock: Clock
  readonly keyUse: KeyUse
  readonly failures: FailureLimit
  /** Whether `Authorization: Bearer` is taken. */
  readonly allowBearer: boolean
}

export type Authenticate = (request: RawRequest, scope: Scope) => Promise<Caller>

/** Names of the query parameters of the `params` scheme. */
export const signatureParams = [
  'signature_method',
  'key_id',
  'timestamp',
  'nonce',
  'body_sha256',
  'signature',
] as const

const windowSeconds = 300
/** A nonce is remembered for as long as its timestamp could be accepted, seen from either side. */
const nonceLifeMs = 2 * windowSeconds * 1000 + 60_000

const nobody = new Uint8Array()
/** Unknown keys cost as much time as known ones. */
const dummySecrets = ['dummy-secret-dummy-secret-dummy-secret']

export const createAuthenticate = ({
  directory,
  coordination,
  clock,
  keyUse,
  failures,
  allowBearer,
}: AuthParts): Authenticate => {
  /** The secrets of a key that count now: of one that has run out, or whose tenant is disabled, none. */
  const secretsOf = (key: AccessKey): readonly string[] =>
    directory.tenant(key.tenant)?.disabled ? [] : liveSecrets(key, clock.now())

  /** The key, if what was shown was made with one of its secrets. Takes as long whether or not there is such a key. */
  const provenKey = (id: string, proven: (secrets: readonly string[]) => boolean): AccessKey => {
    const key = directory.key(id)
    const secrets = key ? secretsOf(key) : []
    const isProven = proven(secrets.length > 0 ? secrets : dummySecrets)
    if (!key || secrets.length === 0 || !isProven) throw new Problem('auth-invalid')
    return key
  }

  /** A request that cannot be told from a replay is not served. */
  const claimNonce = async (claim: Parameters<Coordination['claimNonce']>[0]): Promise<boolean> => {
    try {
      return await coordination.claimNonce(claim)
    } catch (cause) {
      throw new Problem('try-later', { cause })
    }
  }

  const identify = async (request: RawRequest): Promise<AccessKey> => {
    const header = request.headers.authorization
    const proof = header === undefined ? paramsProof(request) : headerProof(header, request)
    if (proof.kind === 'bearer') {
      if (!allowBearer) throw new Problem('auth-invalid')
      const [id, secret] = bearerParts(proof.token)
      return provenKey(id, (secrets) => secrets.some((live) => sameSecret(live, secret)))
    }
    checkTimeShape(proof.timestamp)
    checkNonceShape(proof.nonce)
    const now = clock.now()
    if (Math.abs(now / 1000 - Number(proof.timestamp)) > windowSeconds)
      throw new Problem('timestamp-out-of-range')
    const key = provenKey(proof.keyId, proof.verify)
    const isNew = await claimNonce({ keyId: key.id, nonce: proof.nonce, until: now + nonceLifeMs })
    if (!isNew) throw new Problem('replayed')
    return key
  }

  return async (request, scope) => {
    failures.check(request.address)
    try {
      const key = await identify(request)
      if (!key.scopes.includes(scope))
        throw new Problem('forbidden', { detail: `The key lacks the scope ${scope}` })
      keyUse.note(key.id)
      return { tenant: key.tenant, keyId: key.id }
    } catch (error) {
      if (error instanceof Problem && error.code === 'auth-invalid') failures.count(request.address)
      throw error
    }
  }
}

type Proof =
  | { readonly kind: 'bearer'; readonly token: string }
  | {
      readonly kind: 'signed'
      readonly keyId: string
      readonly timestamp: string
      readonly nonce: string
      readonly verify: (secrets: readonly string[]) => boolean
    }

const headerProof = (header: string, request: RawRequest): Proof => {
  if (/^Bearer /i.test(header)) return { kind: 'bearer', token: header.slice('Bearer '.length).trim() }
  if (!header.startsWith(`${authorizationScheme} `)) throw new Problem('auth-invalid')
  const fields = authorizationFields(header.slice(authorizationScheme.length + 1))
  const { key_id: keyId, timestamp, nonce, signature } = fields
  if (keyId === undefined || timestamp === undefined || nonce === undefined || signature === undefined)
    throw new Problem('auth-invalid')
  const parts = { method: request.method, path: request.url, timestamp, nonce, body: request.body ?? nobody }
  return {
    kind: 'signed',
    keyId,
    timestamp,
    nonce,
    verify: (secrets) => verifyRequest(secrets, parts, signature),
  }
}

const fieldShape = /([a-z_]+)="([^"]*)"/g

const authorizationFields = (text: string): Readonly<Record<string, string>> => {
  const fields: Record<string, string> = Object.create(null)
  for (const [, name, value] of text.matchAll(fieldShape)) fields[name!] = value!
  return fields
}

const paramsProof = ({ url, method, body }: RawRequest): Proof => {
  const [path = '', query = ''] = split(url)
  const entries = [...new URLSearchParams(query)]
  const params = Object.fromEntries(entries)
  if (params.signature === undefined) throw new Problem('auth-required')
  const { signature, ...rest } = params
  const { key_id: keyId, timestamp, nonce, body_sha256: digest } = rest
  const unique = new Set(entries.map(([name]) => name)).size === entries.length
  if (keyId === undefined || timestamp === undefined || nonce === undefined || !unique)
    throw new Problem('auth-invalid')
  // A body counts as signed only through its digest among the parameters.
  const bodySigned = body === undefined || body.length === 0 ? true : digest === bodyDigest(body)
  return {
    kind: 'signed',
    keyId,
    timestamp,
    nonce,
    verify: (secrets) => verifyParams(secrets, { method, path, params: rest }, signature) && bodySigned,
  }
}

const split = (url: string): readonly [string, string] => {
  const at = url.indexOf('?')
  return at < 0 ? [url, ''] : [url.slice(0, at), url.slice(at + 1)]
}

/** A Bearer token is the key's id and secret, joined by a dot. */
const bearerParts = (token: string): readonly [id: string, secret: string] => {
  const dot = token.indexOf('.')
  return [token.slice(0, Math.max(0, dot)), token.slice(dot + 1)]
}

export const bearerOf = ({ id, secrets }: AccessKey): string => `${id}.${secrets[0]}`

const checkTimeShape = (timestamp: string): void => {
  if (!/^[1-9]\d{9}$/.test(timestamp)) throw new Problem('timestamp-malformed')
}

const checkNonceShape = (nonce: string): void => {
  if (!/^[A-Za-z0-9_-]{16,64}$/.test(nonce)) throw new Problem('nonce-malformed')
}
