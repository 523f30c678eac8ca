/** `GET /cgi-bin/token` and `POST /cgi-bin/stable_token` of the facade. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Account } from '../directory.ts'
import { sameSecret } from '../signing.ts'
import { Refusal } from './facade-reply.ts'
import { type FacadeParts, frozen } from './facade-send.ts'
import { parseLenientJson } from './json.ts'
import { queryText } from './query.ts'

export const tokenHandler = (parts: FacadeParts) => (request: FastifyRequest, reply: FastifyReply) => {
  const account = claimant(request, parts, (name) => queryText(request, name))
  return parts.answers.token(reply, parts.tokens.fresh(account, parts.clock.now()))
}

/** A forced refresh gives a new token and, unlike WeChat's, leaves the former one alive: nothing of ours is revoked. */
export const stableTokenHandler = (parts: FacadeParts) => (request: FastifyRequest, reply: FastifyReply) => {
  const body = request.body as Buffer | undefined
  if (body === undefined || body.length === 0) throw new Refusal(44002)
  const value = parseLenientJson(body)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Refusal(47001)
  const fields = value as Readonly<Record<string, unknown>>
  const account = claimant(request, parts, (name) => fields[name])
  const now = parts.clock.now()
  const token =
    fields.force_refresh === true ? parts.tokens.fresh(account, now) : parts.tokens.stable(account, now)
  return parts.answers.token(reply, token)
}

/**
 * The account that may have a token. Wrong secrets count against the address they come from, never against the
 * appid: an appid is public, and whoever knows one could lock its owner out.
 */
const claimant = (
  { ip }: FastifyRequest,
  { failures, directory }: FacadeParts,
  field: (name: string) => unknown,
): Account => {
  failures.check(ip)
  if (field('grant_type') !== 'client_credential') throw new Refusal(40002)
  const [appid, secret] = [field('appid'), field('secret')]
  if (typeof appid !== 'string' || appid === '') throw new Refusal(41002)
  if (typeof secret !== 'string' || secret === '') throw new Refusal(41004)
  const account = directory.account(appid)
  if (!account || !['official', 'miniprogram'].includes(account.kind)) throw new Refusal(40013)
  if (!sameSecret(account.secret, secret)) {
    failures.count(ip)
    throw new Refusal(40125)
  }
  if (directory.tenant(account.tenant)?.disabled) throw new Refusal(frozen)
  return account
}
