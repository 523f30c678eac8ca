/** Looks at everything that an account needs in order to send, by asking WeChat. Each question is asked once. */
import type { AccountFinding } from '../account-check.ts'
import { channelTraits, defaultChannel } from '../channels.ts'
import type { Account } from '../directory.ts'
import { type Bilingual, errcodeOf } from '../errcodes.ts'
import { explain } from '../explain.ts'
import type { WechatClient } from './client.ts'
import { rivalryText } from './rivalry.ts'
import type { TokenResult } from './token.ts'
import { parseTokenBody, type TokenBody } from './token-answer.ts'
import type { TokenCentre } from './token-centre.ts'

export interface AccountCheckParts {
  readonly client: Pick<WechatClient, 'call'>
  readonly tokens: Pick<TokenCentre, 'retry' | 'heal' | 'notes'>
  readonly accountOf: (appid: string) => Account | undefined
}

/** The findings, in the order in which one depends on the other. Never rejects. */
export type CheckAccount = (appid: string) => Promise<readonly AccountFinding[]>

export const createAccountCheck =
  ({ client, tokens, accountOf }: AccountCheckParts): CheckAccount =>
  async (appid) => {
    const account = accountOf(appid)
    if (account === undefined) return [reasonFinding('account', 'account-unknown')]
    if (account.kind === 'webhook') return [noWechat]
    const first = await tokens.retry(appid)
    const rivals = rivalFindings(account, tokens)
    if (first.kind !== 'token') return [tokenFault(first, tokens.notes(appid).refusal?.detail), ...rivals]
    if (account.kind === 'component') return [tokenOk, ...rivals]

    let token = first.token
    const ask = (path: string, body: object) =>
      client
        .call({
          method: 'POST',
          path: `${path}?access_token=${encodeURIComponent(token)}`,
          body: JSON.stringify(body),
        })
        .then(parseTokenBody)

    const { path } = channelTraits[defaultChannel(account.kind)!]
    const askQuota = () => ask('/cgi-bin/openapi/quota/get', { cgi_path: path })
    let quota = await askQuota()
    if (isAboutToken(quota)) {
      const healed = await tokens.heal(appid, token)
      if (healed.kind !== 'token') return [tokenFault(healed, undefined), ...rivals]
      token = healed.token
      quota = await askQuota()
    }
    if (isAboutToken(quota)) return [errcodeFinding('token', 'fault', quota.errcode, ''), ...rivals]
    const findings = [tokenOk, quotaFinding(quota), ...rivals]
    if (account.callback === undefined) return findings
    const callback = await ask('/cgi-bin/callback/check', { action: 'all', check_operator: 'DEFAULT' })
    return [...findings, callbackFinding(callback)]
  }

type Refused = Extract<TokenBody, { kind: 'refused' }>
type Check = AccountFinding['check']
type Level = AccountFinding['level']

const isAboutToken = (body: TokenBody): body is Refused =>
  body.kind === 'refused' && errcodeOf(body.errcode).action === 'token'

const tokenOk: AccountFinding = {
  check: 'token',
  level: 'ok',
  about: { zh: '能取得 access_token。', en: 'There is an access_token.' },
}

const noWechat: AccountFinding = {
  check: 'account',
  level: 'skipped',
  about: {
    zh: 'Webhook 不经过微信，没有可检查的。',
    en: 'A webhook does not go by WeChat; there is nothing to ask.',
  },
}

const tokenFault = (
  { error, errcode }: Extract<TokenResult, { kind: 'unavailable' }>,
  detail = '',
): AccountFinding =>
  errcode === undefined
    ? reasonFinding('token', error, detail)
    : errcodeFinding('token', 'fault', errcode, detail)

/** WeChat tells the address that it saw: `invalid ip 203.0.113.9 ipv6 ::ffff:203.0.113.9, not in whitelist`. */
const addressIn = (errmsg: string): string | undefined =>
  /\binvalid ip ([0-9a-fA-F.:]{2,45})/.exec(errmsg)?.[1]

const errcodeFinding = (check: Check, level: Level, code: number, errmsg: string): AccountFinding => {
  const { cause, next } = errcodeOf(code)
  const address = addressIn(errmsg)
  const more: Bilingual =
    address === undefined
      ? { zh: '', en: '' }
      : { zh: `要登记的地址：${address}。`, en: ` The address to register: ${address}.` }
  return {
    check,
    level,
    errcode: code,
    about: cause,
    next: { zh: `${next.zh}${more.zh}`, en: `${next.en}${more.en}` },
  }
}

const reasonFinding = (check: Check, reason: string, detail = ''): AccountFinding => {
  const { zh, en, nextStep } = explain({ state: 'parked', reason })
  const said = detail === '' ? '' : ` (${detail})`
  return { check, level: 'fault', about: { zh: `${zh}${said}`, en: `${en}${said}` }, next: nextStep }
}

const rivalFindings = (account: Account, tokens: Pick<TokenCentre, 'notes'>): readonly AccountFinding[] => {
  const { rivalry } = tokens.notes(account.appid)
  return rivalry === undefined
    ? []
    : [{ check: 'rival', level: 'warning', about: rivalryText(account, rivalry) }]
}

const quotaFinding = (body: TokenBody): AccountFinding => {
  if (body.kind !== 'body') return notLookedAt('quota', body)
  const { daily_limit: limit, used, remain } = recordOf(body.object.quota)
  if (typeof limit !== 'number' || typeof used !== 'number' || typeof remain !== 'number')
    return { check: 'quota', level: 'skipped', about: unreadable }
  const usedUp = remain <= 0
  return {
    check: 'quota',
    level: usedUp ? 'fault' : remain < limit / 10 ? 'warning' : 'ok',
    about: {
      zh: `今天已调用 ${used} 次，上限 ${limit} 次，还剩 ${remain} 次。`,
      en: `${used} of today's ${limit} calls are used, ${remain} are left.`,
    },
    ...(usedUp && { next: errcodeOf(45009).next }),
  }
}

/** `{"dns":[…],"ping":[{"package_loss":"0%",…}]}`: whether WeChat reaches our callback address. */
const callbackFinding = (body: TokenBody): AccountFinding => {
  if (body.kind !== 'body') return notLookedAt('callback', body)
  const { dns, ping } = body.object
  const resolved = Array.isArray(dns) && dns.length > 0
  const reached = Array.isArray(ping) && ping.some((each) => recordOf(each).package_loss !== '100%')
  if (resolved && reached)
    return {
      check: 'callback',
      level: 'ok',
      about: { zh: '微信能够访问回调地址。', en: 'WeChat reaches the callback address.' },
    }
  return {
    check: 'callback',
    level: 'warning',
    about: resolved
      ? {
          zh: '微信能解析回调域名，但 ping 不通。',
          en: 'WeChat resolves the callback host but its pings are lost.',
        }
      : { zh: '微信无法解析回调域名。', en: 'WeChat cannot resolve the callback host.' },
    next: {
      zh: '检查回调域名的解析和防火墙；有的服务器不应答 ping，以实际收到的事件为准。',
      en: 'Check its name records and the firewall; some servers answer no ping, so what counts is whether events arrive.',
    },
  }
}

const notLookedAt = (check: Check, body: Exclude<TokenBody, { kind: 'body' }>): AccountFinding => {
  if (body.kind === 'failed') return { ...reasonFinding(check, body.error), level: 'skipped' }
  const { action } = errcodeOf(body.errcode)
  // What pauses an account would pause its messages too; anything else says only that this cannot be asked.
  return errcodeFinding(check, action === 'hold' ? 'fault' : 'skipped', body.errcode, body.errmsg)
}

const recordOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}

const unreadable: Bilingual = { zh: '微信的应答里没有额度。', en: 'WeChat’s answer tells no quota.' }
