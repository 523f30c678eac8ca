import { type TestContext, test } from 'node:test'
import { demoAccounts } from '../../src/main.ts'
import { type Running, startRunning } from '../support/running.ts'

const [official, miniprogram] = demoAccounts

type Account = (typeof demoAccounts)[number]

const credentials = ({ appid, secret }: Account) =>
  `grant_type=client_credential&appid=${appid}&secret=${secret}`

// biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of an answer by looking into it
const jsonFrom = (response: Response): Promise<any> => response.json()

/** What a client of WeChat's does, with nothing of ours but the host. */
const send = async (host: string, account: Account, path: string, body: object) => {
  const token = await jsonFrom(await fetch(`${host}/cgi-bin/token?${credentials(account)}`))
  const response = await fetch(`${host}/cgi-bin/message/${path}?access_token=${token.access_token}`, {
    method: 'POST',
    body: JSON.stringify(body),
  })
  return response.text()
}

const bodyFor = ({ openids, templates }: Account, rest: object = {}) => ({
  touser: openids![0]!,
  template_id: templates[0]!.template_id,
  data: Object.fromEntries(Object.entries(templates[0]!.example!).map(([key, value]) => [key, { value }])),
  ...rest,
})

/** What the user sees, once it is there. */
const effects = async ({ simulator }: Running, { touser }: { touser: string }, count: number) => {
  const response = await fetch(`${simulator.adminUrl}/_sim/wait`, {
    method: 'POST',
    body: JSON.stringify({ touser, count, timeout_ms: 15_000 }),
  })
  return (await jsonFrom(response)).effects
}

const accepted = /^\{"errcode":0,"errmsg":"ok","msgid":\d{18}\}$/

test('what comes in through the facade is seen by the user', async (t: TestContext) => {
  const running = await startRunning(t)
  for (const [account, path] of [
    [official!, 'template/send'],
    [miniprogram!, 'subscribe/send'],
  ] as const) {
    const body = bodyFor(account)
    t.assert.match(await send(running.url, account, path, body), accepted)
    const [effect] = await effects(running, body, 1)
    t.assert.partialDeepStrictEqual(effect, { appid: account.appid, touser: body.touser, data: body.data })
  }
})

test('the same program runs against WeChat and against us, and its repeat is one message', async (t: TestContext) => {
  const running = await startRunning(t)
  const [direct, through] = [running.simulator.url, running.url]
  for (const [host, touser] of [
    [direct, official!.openids![1]!],
    [through, official!.openids![2]!],
  ] as const) {
    const body = bodyFor(official!, { touser, client_msg_id: 'order-1' })
    const answers = [
      await send(host, official!, 'template/send', body),
      await send(host, official!, 'template/send', body),
    ]
    t.assert.match(answers[0]!, /^\{"errcode":0,"errmsg":"ok","msgid":\d{18,19}\}$/)
    t.assert.equal((await effects(running, body, 1)).length, 1, host)
  }
})

test('while WeChat does not answer the facade takes messages, and they arrive when it does', async (t: TestContext) => {
  const running = await startRunning(t)
  await running.faults({ path: '/cgi-bin/message/template/send', reset: true, count: 1 })
  const body = bodyFor(official!)
  t.assert.match(await send(running.url, official!, 'template/send', body), accepted)
  const [effect] = await effects(running, body, 1)
  t.assert.equal(effect.touser, body.touser)
})
