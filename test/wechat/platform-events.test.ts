import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CallbackContent } from '../../src/callback-event.ts'
import type { Observation } from '../../src/observe.ts'
import type { Authorization } from '../../src/wechat/platform.ts'
import { createPlatformEvents } from '../../src/wechat/platform-events.ts'
import { anAccount, appid } from './token-api.ts'

const plat = anAccount({ appid: 'wx00000000000000bb', kind: 'component' })

/** What the platform is asked to do, and what was observed. */
const open = (authorization: Authorization | Error = { kind: 'authorized', appid }) => {
  const done: unknown[][] = []
  const alerts: Observation[] = []
  const events = createPlatformEvents({
    platforms: {
      async putTicket(...args) {
        done.push(['ticket', ...args])
        return 'taken'
      },
      async authorize(...args) {
        done.push(['authorize', ...args])
        if (authorization instanceof Error) throw authorization
        return authorization
      },
      async withdraw(...args) {
        done.push(['withdraw', ...args])
      },
    },
    observe: (observation) => alerts.push(observation),
  })
  const push = async (content: CallbackContent, account = plat) => {
    await events(account, { toUser: '', openid: '', at: 7, key: 'k', ...content })
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { done, alerts, push }
}

const authorized = { kind: 'authorized', appid, code: 'code-1', updated: false } as const

test('each event of a platform is passed on, a repeated code once', async () => {
  const { push, done, alerts } = open()
  await push({ kind: 'component-ticket', ticket: 'T' })
  await push(authorized)
  await push(authorized)
  await push({ kind: 'unauthorized', appid })
  await push({ kind: 'follow' })
  assert.deepEqual(done, [
    ['ticket', plat.appid, 'T', 7],
    ['authorize', plat.appid, 'code-1'],
    ['withdraw', plat.appid, appid],
  ])
  assert.deepEqual(alerts, [])
})

test('events of a platform that come to another account change nothing', async () => {
  const { push, done } = open()
  for (const content of [{ kind: 'component-ticket', ticket: 'T' } as const, authorized])
    await push(content, anAccount())
  assert.deepEqual(done, [])
})

const failures: readonly (Authorization | Error)[] = [
  { kind: 'failed', error: 'code is expired', errcode: 61010 },
  { kind: 'unknown-account', appid },
  new Error('the disk is full'),
]
for (const failure of failures)
  test(`an exchange that fails is told: ${failure instanceof Error ? failure.message : failure.kind}`, async () => {
    const { push, alerts } = open(failure)
    await push(authorized)
    assert.partialDeepStrictEqual(alerts, [{ kind: 'alert', code: 'authorization-failed', account: appid }])
  })
