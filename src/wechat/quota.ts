/**
 * Asks WeChat how much of an API's daily quota is left: `POST /cgi-bin/openapi/quota/get` with `{"cgi_path": "/…"}`.
 * The answer (documented): `{"errcode":0,"quota":{"daily_limit":100000,"used":1234,"remain":98766},
 * "rate_limit":{"call_count":4200000,"refresh_second":60}}`, where `rate_limit` may be absent. 76021 says that the path
 * has no quota that is told.
 */
import type { QuotaAnswer } from '../quota.ts'
import { errcodeReason } from '../verdict.ts'
import type { Answer } from './call.ts'
import type { WechatClient } from './client.ts'
import { parseErrcode, parseObject, statusReason } from './reply.ts'
import type { TokenCentre } from './token-centre.ts'

export interface QuotaReaderParts {
  readonly client: Pick<WechatClient, 'call'>
  readonly tokens: Pick<TokenCentre, 'get'>
}

/** Never rejects. A token that is rejected here is not healed: the next message does that. */
export const createQuotaReader =
  ({ client, tokens }: QuotaReaderParts) =>
  async (appid: string, path: string): Promise<QuotaAnswer> => {
    const result = await tokens.get(appid)
    if (result.kind !== 'token') return unknown(result.error)
    const token = encodeURIComponent(result.token)
    return parseQuotaAnswer(
      await client.call({
        method: 'POST',
        path: `/cgi-bin/openapi/quota/get?access_token=${token}`,
        body: JSON.stringify({ cgi_path: path }),
      }),
    )
  }

export const parseQuotaAnswer = (answer: Answer): QuotaAnswer => {
  if (answer.kind !== 'answered') return unknown(answer.error)
  if (answer.status !== 200) return unknown(statusReason(answer.status))
  const object = parseObject(answer.body.toString('utf8'))
  const errcode = parseErrcode(object?.errcode)
  if (errcode !== undefined && errcode !== 0) return unknown(errcodeReason(errcode))
  const quota = fieldsOf(object?.quota)
  const daily = countOf(quota?.daily_limit)
  const used = countOf(quota?.used)
  if (daily === undefined || used === undefined) return unknown('junk-reply')
  const perMinute = perMinuteOf(fieldsOf(object?.rate_limit))
  return perMinute === undefined ? { kind: 'known', daily, used } : { kind: 'known', daily, used, perMinute }
}

type Fields = Readonly<Record<string, unknown>>

const perMinuteOf = (rate: Fields | undefined): number | undefined => {
  const calls = countOf(rate?.call_count)
  const seconds = countOf(rate?.refresh_second)
  if (!calls || !seconds) return undefined
  return Math.max(1, Math.floor((calls * 60) / seconds))
}

const fieldsOf = (value: unknown): Fields | undefined =>
  typeof value === 'object' && value !== null ? (value as Fields) : undefined

const countOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined

const unknown = (error: string): QuotaAnswer => ({ kind: 'unknown', error })
