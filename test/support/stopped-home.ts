import type { TestContext } from 'node:test'
import { createApi } from '../../src/cli/api.ts'
import { readConfig } from '../../src/config.ts'
import { demoAccounts, newKey, startService, startSimulator } from '../../src/main.ts'
import { atEnd } from './at-end.ts'
import { temporaryFolder } from './folder.ts'
import { goodBody } from './running.ts'
import { anAccount, tenant } from './system.ts'

export interface StoppedHome {
  readonly home: string
  /** What works at every gateway of this home. */
  readonly key: { readonly keyId: string; readonly keySecret: string }
  /** What was accepted and not sent. */
  readonly waiting: readonly Accepted[]
  readonly simulator: { readonly url: string; readonly adminUrl: string }
  /** The callers' keys of what users have got, in their order. */
  arrived(): Promise<readonly string[]>
}

export interface Accepted {
  readonly id: string
  readonly client_msg_id: string
}

/** A home whose service has taken messages in and was stopped before any of them was sent. */
export const stoppedHome = async (t: TestContext, count: number): Promise<StoppedHome> => {
  const anyPort = { host: '127.0.0.1', port: 0 }
  const simulator = await startSimulator({ api: anyPort, admin: anyPort, latency: { fixedMs: 0 } })
  atEnd(t, simulator.close)
  const home = temporaryFolder(t)
  const service = await startService(
    readConfig({
      HONGYAN_HOME: home,
      HONGYAN_HTTP: '127.0.0.1:0',
      HONGYAN_LOG: 'silent',
      HONGYAN_ROLES: 'gateway',
    }),
    (error) => {
      throw error
    },
  )
  const { appid, name, secret, templates } = demoAccounts[0]!
  const known = templates.map(({ template_id: templateId, alias = '' }) => ({ templateId, alias }))
  await service.directory.putAccount(anAccount(appid, { name, secret, templates: known }))
  const made = newKey({ tenant, name: 'test', scopes: ['send', 'read'], now: Date.now() })
  await service.directory.putKey(made)
  const key = { keyId: made.id, keySecret: made.secrets[0]! }
  const api = createApi({ url: service.url, ...key })
  const waiting: Accepted[] = []
  for (let n = 0; n < count; n++) waiting.push((await api.post('/v1/messages', aBody(n))) as Accepted)
  await service.stop()
  return {
    ...{ home, key, waiting, simulator },
    async arrived() {
      const answer = await fetch(`${simulator.adminUrl}/_sim/effects?limit=1000`)
      const { effects } = (await answer.json()) as { effects: readonly { data: Data }[] }
      return effects.map(({ data }) => data.character_string1.value)
    },
  }
}

type Data = { readonly character_string1: { readonly value: string } }

export const aBody = (n: number): Readonly<Record<string, unknown>> => ({
  ...goodBody,
  account: demoAccounts[0]!.appid,
  data: { ...goodBody.data, character_string1: `order-${n}` },
  client_msg_id: `order-${n}`,
})
