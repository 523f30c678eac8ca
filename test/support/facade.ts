/** Callers of the facade: they know WeChat's API and nothing of ours. */
import type { Account } from '../../src/directory.ts'
import { type Answer, type Ask, mini, shop, type TestGateway } from './gateway.ts'

/** The whole errmsg: its text and WeChat's request id. */
export const errmsgOf = (text: string): RegExp =>
  new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')} rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$`)

export const tokenQuery = ({ appid, secret }: Pick<Account, 'appid' | 'secret'>): Ask => ({
  method: 'GET',
  path: `/cgi-bin/token?grant_type=client_credential&appid=${appid}&secret=${secret}`,
  scheme: 'none',
})

export const tokenOf = async ({ ask }: Pick<TestGateway, 'ask'>, account: Account = shop): Promise<string> =>
  (await ask(tokenQuery(account))).json.access_token

export const openid = 'oABCDEFGHIJKLMNOPQRSTUVWXYZ0'

/** What WeChat's page on template/send shows, in its order. */
export const templateBody = (overrides: Readonly<Record<string, unknown>> = {}) => ({
  touser: openid,
  template_id: 'tpl-shipped',
  data: { thing1: { value: '乌龙茶', color: '#173177' } },
  ...overrides,
})

export const templatePath = '/cgi-bin/message/template/send'
export const subscribePath = '/cgi-bin/message/subscribe/send'

export interface FacadeAsk {
  readonly path?: string
  readonly account?: Account
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** A send with a fresh token of the account. */
export const facadeSend = async (gateway: TestGateway, what: FacadeAsk = {}): Promise<Answer> => {
  const { path = templatePath, account = path === subscribePath ? mini : shop, headers } = what
  const body = 'body' in what ? what.body : templateBody()
  const token = await tokenOf(gateway, account)
  return gateway.ask({
    path: `${path}?access_token=${token}`,
    scheme: 'none',
    body,
    ...(headers && { headers }),
  })
}

/** The msgid as it stands in the answer: as a number of JavaScript's it would be another one. */
export const msgidOf = ({ text }: Answer): string => /"msgid":(\d+)\}$/.exec(text)?.[1] ?? text

/** The messages that `q` finds. */
export const found = async ({ ask }: TestGateway, q: string) =>
  (await ask({ method: 'GET', path: `/v1/messages?q=${encodeURIComponent(q)}` })).json.data
