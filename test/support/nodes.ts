/** Several processes' worth of services on one Redis, in this process, against one simulator. */
import type { TestContext } from 'node:test'
import { type Api, createApi } from '../../src/cli/api.ts'
import { readConfig } from '../../src/config.ts'
import type { AccessKey, Account } from '../../src/directory.ts'
import { demoAccounts, newKey, type Service, startService, startSimulator } from '../../src/main.ts'
import type { Observation } from '../../src/observe.ts'
import type { Machine } from '../../src/steady-clock.ts'
import { newMasterKey } from '../../src/vault.ts'
import { atEnd } from './at-end.ts'
import { temporaryFolder } from './folder.ts'
import { startRedis } from './redis.ts'
import { anAccount, tenant } from './system.ts'

export interface Node {
  readonly service: Service
  readonly seen: readonly Observation[]
  /** Of a key that every node knows. */
  readonly api: Api
}

type Settings = Readonly<Record<string, string>>

export const openNodes = async (t: TestContext) => {
  const redis = await startRedis(t)
  const anyPort = { host: '127.0.0.1', port: 0 }
  const simulator = await startSimulator({ api: anyPort, admin: anyPort, latency: { fixedMs: 0 } })
  atEnd(t, simulator.close)
  const masterKey = newMasterKey()
  const scopes = ['send', 'read', 'admin'] as const
  const key = newKey({ tenant, name: 'test', scopes, now: Date.now() })

  const start = async (settings: Settings = {}, machine?: Machine): Promise<Service> => {
    const config = readConfig({
      ...{ HONGYAN_HOME: temporaryFolder(t), HONGYAN_HTTP: '127.0.0.1:0', HONGYAN_LOG: 'silent' },
      ...{ HONGYAN_WECHAT: simulator.url, HONGYAN_DRAIN_MS: '1000', HONGYAN_TEMPLATE_SYNC: 'off' },
      ...{ HONGYAN_ENGINE: redis.url, HONGYAN_MASTER_KEY: masterKey, ...settings },
    })
    const fail = (error: Error) => {
      throw error
    }
    const service = await startService(config, fail, machine)
    atEnd(t, service.stop)
    return service
  }

  return {
    redis,
    simulator,
    masterKey,
    key,
    start,
    /** A service with an account and a key, and what it has seen since. */
    async open(settings: Settings = {}, machine?: Machine): Promise<Node> {
      const service = await start(settings, machine)
      const seen: Observation[] = []
      service.observer.subscribe((observation) => seen.push(observation))
      await service.directory.putKey(key)
      await service.directory.putAccount(() => service.directory.account(account.appid) ?? account)
      const api = createApi({ url: service.url, keyId: key.id, keySecret: key.secrets[0]! })
      return { service, seen, api }
    },
    /** Asks the simulator's admin API; `body` makes it a POST. */
    async sim<Answer>(path: string, body?: object): Promise<Answer> {
      const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
      const response = await fetch(`${simulator.adminUrl}${path}`, init)
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
      return (await response.json()) as Answer
    },
  }
}

const [{ appid, name, secret, templates }] = demoAccounts as [(typeof demoAccounts)[number]]

/** The demo account, as every node gets it. */
export const account: Account = anAccount(appid, {
  name,
  secret,
  templates: templates.map(({ template_id: templateId, alias }) => ({ templateId, ...(alias && { alias }) })),
})

/** What a bare request with this key is answered. */
export const statusAt = async ({ url }: Service, { id, secrets }: AccessKey): Promise<number> => {
  const headers = { Authorization: `Bearer ${id}.${secrets[0]}` }
  const response = await fetch(`${url}/v1/accounts`, { headers })
  await response.arrayBuffer()
  return response.status
}
