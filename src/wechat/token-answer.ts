/** How a token is asked for, and what comes back. Pure. */
import type { Account } from '../directory.ts'
import type { Answer } from './call.ts'
import type { WechatRequest } from './client.ts'
import { parseErrcode, parseErrmsg, parseObject, statusReason } from './reply.ts'

const seconds = 1000
const hours = 3_600_000

/** WeChat's two token APIs, by the account's own secret. */
export const tokenRequest = ({ appid, secret, tokenApi }: Account, forced: boolean): WechatRequest => {
  const grant_type = 'client_credential'
  if (tokenApi === 'plain')
    return { method: 'GET', path: `/cgi-bin/token?${new URLSearchParams({ grant_type, appid, secret })}` }
  const body = JSON.stringify({ grant_type, appid, secret, force_refresh: forced })
  return { method: 'POST', path: '/cgi-bin/stable_token', body }
}

/** What became of a question for a token. */
export type TokenAnswer =
  | (SourceAnswer & {
      /** Another process has asked, and this is what it was answered; `forced`: it had the token replaced by force. */
      readonly shared?: 'asked' | 'forced'
      /** For how long a refusal of another process keeps this one from asking itself, at most. */
      readonly newsMs?: number
    })
  /**
   * Nobody was asked, because there was nothing to ask with or it was not our turn. Nobody asks again before `until`:
   * milliseconds since 1970 UTC.
   */
  | {
      readonly kind: 'lacking'
      readonly error: string
      readonly until: number
      readonly errcode?: number
      readonly detail?: string
    }

/** What a source of tokens has said. */
export type SourceAnswer =
  | { readonly kind: 'token'; readonly token: string; readonly lifeMs: number }
  | { readonly kind: 'refused'; readonly errcode: number; readonly errmsg: string }
  /** There was no answer, or none that can be used. */
  | { readonly kind: 'failed'; readonly error: string; readonly detail?: string }

export interface TokenField {
  /** `access_token` by default. */
  readonly name?: string
  /** How many seconds a token lives whose answer does not say so. By default such an answer is of no use. */
  readonly unstatedLife?: number
}

export const isShared = (answer: TokenAnswer): boolean =>
  answer.kind !== 'lacking' && answer.shared !== undefined

/** The APIs answer `{"access_token":"…","expires_in":7200}`, seconds, with an errcode only when something is wrong. */
export const parseTokenAnswer = (answer: Answer, field: TokenField = {}): TokenAnswer => {
  const body = parseTokenBody(answer)
  return body.kind === 'body' ? readToken(body.object, field) : body
}

export type TokenBody =
  | { readonly kind: 'body'; readonly object: Readonly<Record<string, unknown>> }
  | Extract<TokenAnswer, { kind: 'refused' | 'failed' }>

/** What every API of WeChat has in common: an object, or an errcode that is not 0. */
export const parseTokenBody = (answer: Answer): TokenBody => {
  if (answer.kind !== 'answered') return { kind: 'failed', error: answer.error }
  if (answer.status !== 200) return { kind: 'failed', error: statusReason(answer.status) }
  const object = parseObject(answer.body.toString('utf8'))
  if (object === undefined) return junk
  const errcode = parseErrcode(object.errcode)
  return errcode !== undefined && errcode !== 0
    ? { kind: 'refused', errcode, errmsg: parseErrmsg(object.errmsg).errmsg }
    : { kind: 'body', object }
}

/** The token in an answer that is no refusal. */
export const readToken = (
  object: Readonly<Record<string, unknown>>,
  { name = 'access_token', unstatedLife }: TokenField = {},
): TokenAnswer => {
  const token = object[name]
  const life = object.expires_in ?? unstatedLife
  if (!isToken(token) || typeof life !== 'number' || !(life > 0)) return junk
  return { kind: 'token', token, lifeMs: Math.min(life * seconds, maxLifeMs) }
}

/** A token goes into addresses, where half a surrogate pair could not be written. WeChat says: at least 512 characters. */
export const isToken = (value: unknown): value is string =>
  typeof value === 'string' && /^[\x20-\x7e]{1,1024}$/.test(value)

const junk = { kind: 'failed', error: 'junk-reply' } as const
const maxLifeMs = 24 * hours
