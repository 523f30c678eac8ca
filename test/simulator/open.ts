/** A simulator on free ports for one test, and the calls a client would make. */
import type { TestContext } from 'node:test'
import { Agent, request } from 'undici'
import {
  demoAccounts,
  type SimulatedAccount,
  type SimulatorOptions,
  startSimulator,
} from '../../src/simulator/simulator.ts'

export const [official, miniprogram] = demoAccounts as [(typeof demoAccounts)[0], (typeof demoAccounts)[0]]

export const templateSend = '/cgi-bin/message/template/send'
export const subscribeSend = '/cgi-bin/message/subscribe/send'

export interface Answer {
  readonly status: number
  readonly text: string
  /** For fields that JavaScript can carry. */
  readonly json: Record<string, unknown>
  /** Taken from the text, as a client must. */
  readonly msgid: string | undefined
}

/** Quick unless a test asks for delays. */
export type OpenOptions = Partial<SimulatorOptions>

export const openSimulator = async (t: TestContext, options: OpenOptions = {}) => {
  const free = { host: '127.0.0.1', port: 0 }
  const simulator = await startSimulator({ api: free, admin: free, latency: { fixedMs: 0 }, ...options })
  const dispatcher = new Agent()
  t.after(async () => {
    await dispatcher.destroy()
    await simulator.close()
  })
  const ask = (address: string, method: 'GET' | 'POST', body?: unknown): Promise<Answer> =>
    request(address, {
      method,
      dispatcher,
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    }).then(async (response) => answerOf(response.statusCode, await response.body.text()))

  const api = (path: string, body?: unknown, method: 'GET' | 'POST' = 'POST') =>
    ask(simulator.url + path, method, body)
  const admin = async (path: string, body?: unknown) =>
    ask(`${simulator.adminUrl}/_sim/${path}`, body === undefined ? 'GET' : 'POST', body)
  const tokenOf = async ({ appid, secret } = official): Promise<string> => {
    const claim = { grant_type: 'client_credential', appid, secret }
    const { json } = await api('/cgi-bin/stable_token', claim)
    return String(json.access_token)
  }
  const plainToken = async ({ appid, secret } = official): Promise<Answer> =>
    api(`/cgi-bin/token?grant_type=client_credential&appid=${appid}&secret=${secret}`, undefined, 'GET')
  const effects = async (query = ''): Promise<Row[]> =>
    (await admin(`effects?${query}`)).json.effects as Row[]
  const calls = async (query = ''): Promise<Row[]> => (await admin(`calls?${query}`)).json.calls as Row[]
  const advance = (advance_ms: number) => admin('clock', { advance_ms })
  const faults = (...rules: object[]) => admin('faults', { rules })
  /** A good template message, changed as given. */
  const send = (token: string, change: object = {}) =>
    api(`${templateSend}?access_token=${token}`, aMessage(change))
  /** A call with the account's own token; its body makes it a POST. */
  const as = async (account: Pick<SimulatedAccount, 'appid' | 'secret'>, path: string, body?: unknown) => {
    const token = await tokenOf({ ...official, ...account })
    const mark = path.includes('?') ? '&' : '?'
    return api(`${path}${mark}access_token=${token}`, body, body === undefined ? 'GET' : 'POST')
  }
  return { ...simulator, as, api, admin, tokenOf, plainToken, effects, calls, advance, faults, send }
}

export type Row = Readonly<Record<string, unknown>>

export const answerOf = (status: number, text: string): Answer => {
  let json: Record<string, unknown> = {}
  try {
    json = JSON.parse(text)
  } catch {}
  return { status, text, json, msgid: /"msgid":(\d+)/.exec(text)?.[1] }
}

export const dataOf = (example: Readonly<Record<string, string>> = {}): Record<string, { value: string }> =>
  Object.fromEntries(Object.entries(example).map(([key, value]) => [key, { value }]))

const [shipped] = official.templates

export const aMessage = (change: object = {}) => ({
  touser: official.openids[0],
  template_id: shipped?.template_id,
  data: dataOf(shipped?.example),
  ...change,
})

export const aSubscribeMessage = (change: object = {}) => ({
  touser: miniprogram.openids[0],
  template_id: miniprogram.templates[0]?.template_id,
  data: dataOf(miniprogram.templates[0]?.example),
  ...change,
})
