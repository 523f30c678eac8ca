/** A caller of the gateway: signs what it sends, and says of every request whether it may have happened. */
import { randomBytes } from 'node:crypto'
import { Pool } from 'undici'
import { authorizationOf } from '../../src/signing.ts'
import type { Owner } from './child-process.ts'

export type Reply =
  | { readonly kind: 'answered'; readonly status: number; readonly json: Json }
  /** Nobody listened: it certainly did not happen. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'in-doubt'; readonly error: string }

// What comes from the API is as its schemas say; the tests of the gateway hold it to them.
export type Json = Readonly<Record<string, unknown>>

export interface Caller {
  post(path: string, body: unknown): Promise<Reply>
  get(path: string): Promise<Reply>
  /** What a GET answered; rejects if it was not answered with 200. */
  read(path: string): Promise<Json>
}

export interface CallerOptions {
  /** Of every gateway; they are asked in turn. */
  readonly urls: readonly string[]
  readonly keyId: string
  readonly keySecret: string
}

const timeoutMs = 10_000
const connections = 32

export const createCaller = (owner: Owner, { urls, keyId, keySecret }: CallerOptions): Caller => {
  const pools = urls.map(
    (url) => new Pool(url, { connections, pipelining: 1, headersTimeout: timeoutMs, bodyTimeout: timeoutMs }),
  )
  owner.after(() => Promise.all(pools.map((pool) => pool.destroy())))
  let requests = 0

  const ask = async (method: 'GET' | 'POST', path: string, body = ''): Promise<Reply> => {
    const timestamp = String(Math.floor(Date.now() / 1000))
    const nonce = randomBytes(16).toString('base64url')
    const authorization = authorizationOf(keyId, keySecret, { method, path, timestamp, nonce, body })
    const headers = { authorization, ...(body && { 'content-type': 'application/json' }) }
    const pool = pools[requests++ % pools.length]!
    try {
      const response = await pool.request({ method, path, headers, body: body || null })
      return { kind: 'answered', status: response.statusCode, json: (await response.body.json()) as Json }
    } catch (error) {
      const { code, message } = error as { code?: string; message: string }
      // The run is over: whoever repeats until there is an answer must stop.
      if (code === 'UND_ERR_DESTROYED') throw error
      return code === 'ECONNREFUSED' ? { kind: 'refused' } : { kind: 'in-doubt', error: code ?? message }
    }
  }

  return {
    post: (path, body) => ask('POST', path, JSON.stringify(body)),
    get: (path) => ask('GET', path),
    async read(path) {
      const reply = await ask('GET', path)
      if (reply.kind !== 'answered' || reply.status !== 200)
        throw new Error(`GET ${path}: ${JSON.stringify(reply)}`)
      return reply.json
    },
  }
}
