/** All of it in one process: simulator, gateway, engine and worker, with a caller and a hand on the simulator. */
import type { TestContext } from 'node:test'
import { type Api, createApi } from '../../src/cli/api.ts'
import { readConfig } from '../../src/config.ts'
import type { Account } from '../../src/directory.ts'
import { newKey, type Service, startService, startSimulator } from '../../src/main.ts'
import type { MessageId } from '../../src/message.ts'
import type { Observation } from '../../src/observe.ts'
import type { SimulatorOptions } from '../../src/simulator/simulator.ts'
import { atEnd } from './at-end.ts'
import { temporaryFolder } from './folder.ts'
import { soon } from './waiting.ts'

export const tenant = 'default'
const anyPort = { host: '127.0.0.1', port: 0 }

export interface System {
  readonly service: Service
  readonly api: Api
  /** Base address of the gateway. */
  readonly url: string
  readonly simulator: { readonly url: string; readonly adminUrl: string }
  /** Asks the simulator's admin API; `body` makes it a POST. */
  sim<Answer>(path: string, body?: object): Promise<Answer>
  /** The first settlement of a message, which should come at once. */
  settled(id: MessageId): Promise<Observation & { readonly kind: 'settled' }>
  readonly seen: readonly Observation[]
}

export const openSystem = async (
  t: TestContext,
  {
    simulator: options = {},
    env = {},
  }: { simulator?: Partial<SimulatorOptions>; env?: Readonly<Record<string, string>> } = {},
): Promise<System> => {
  const simulator = await startSimulator({
    api: anyPort,
    admin: anyPort,
    latency: { fixedMs: 0 },
    ...options,
  })
  atEnd(t, simulator.close)
  const config = readConfig({
    HONGYAN_HOME: temporaryFolder(t),
    HONGYAN_HTTP: '127.0.0.1:0',
    HONGYAN_LOG: 'silent',
    HONGYAN_WECHAT: simulator.url,
    HONGYAN_DRAIN_MS: '1000',
    ...env,
  })
  const service = await startService(config, (error) => {
    throw error
  })
  atEnd(t, service.stop)
  const scopes = ['send', 'read', 'admin'] as const
  const key = newKey({ tenant, name: 'test', scopes, now: Date.now() })
  await service.directory.putKey(key)
  const seen: Observation[] = []
  const waiting = new Map<string, (observation: Observation & { kind: 'settled' }) => void>()
  service.observer.subscribe((observation) => {
    seen.push(observation)
    if (observation.kind === 'settled') waiting.get(observation.delivery.message.id)?.(observation)
  })
  return {
    service,
    url: service.url,
    simulator,
    seen,
    api: createApi({ url: service.url, keyId: key.id, keySecret: secretOf(key) }),
    sim: (path, body) => ask(`${simulator.adminUrl}${path}`, body),
    settled: (id) =>
      soon(
        new Promise((resolve) => {
          const found = seen.find(
            (each): each is Observation & { kind: 'settled' } =>
              each.kind === 'settled' && each.delivery.message.id === id,
          )
          if (found) resolve(found)
          else waiting.set(id, resolve)
        }),
        `${id} is settled`,
      ),
  }
}

const secretOf = ({ secrets }: { readonly secrets: readonly unknown[] }): string => {
  const [first] = secrets
  return typeof first === 'string' ? first : (first as { secret: string }).secret
}

const ask = async <Answer>(url: string, body?: object): Promise<Answer> => {
  const response = await fetch(url, body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) })
  const text = await response.text()
  if (!response.ok) throw new Error(`${url}: ${response.status} ${text}`)
  return JSON.parse(text) as Answer
}

/** An account like any other. */
export const anAccount = (appid: string, overrides: Partial<Account> = {}): Account => ({
  ...{ appid, tenant, name: appid, kind: 'official', secret: 'any-secret', tokenApi: 'stable' },
  templates: [],
  ...overrides,
})
