/** A simulator, the processes of a service that has two accounts, and a caller with its key. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SimulatedAccount } from '../../src/simulator/simulator.ts'
import { newMasterKey } from '../../src/vault.ts'
import { freePort } from '../support/free-port.ts'
import { until } from '../support/waiting.ts'
import { type Caller, createCaller } from './caller.ts'
import type { Actor, Life } from './cast.ts'
import type { Owner } from './child-process.ts'
import { createService, type Service } from './service-process.ts'
import { miniprogram, official, type Simulator, startSimulatorProcess } from './simulator-process.ts'
import { createStore, type Store } from './store-process.ts'

export type EngineName = 'embedded' | 'redis'

export interface Stage {
  readonly simulator: Simulator
  /** Every process that may be killed. */
  readonly cast: readonly Actor[]
  readonly caller: Caller
}

export interface StageOptions {
  readonly seed?: number
  /** Of WeChat's answers. */
  readonly latencyMs?: number
  /** Settings of the service, `HONGYAN_…`. */
  readonly settings?: Readonly<Record<string, string>>
}

/** One process that does everything, on the embedded engine. `first`: the life in which the accounts were added; it goes on. */
export const openStage = async (
  owner: Owner,
  { seed = 1, latencyMs = 30, settings = {} }: StageOptions = {},
): Promise<Stage & { readonly service: Service; readonly first: Life }> => {
  const home = temporaryHome(owner)
  const simulator = await startSimulatorProcess(owner, { home, seed, latencyMs })
  const port = await freePort()
  const service = createService(owner, {
    ...{ kind: 'service', name: 'service', home, port },
    ...{ wechat: simulator.url, settings },
  })
  const first = service.spawn()
  await first.ready
  const caller = createCaller(owner, { urls: [service.url], ...(await adminKey(home)) })
  for (const account of [official, miniprogram]) await addAccount(caller, account)
  return { simulator, cast: [service], caller, service, first }
}

export interface Cluster extends Stage {
  readonly store: Store
  readonly gateways: readonly Service[]
  readonly workers: readonly Service[]
}

export interface ClusterOptions extends StageOptions {
  readonly gateways?: number
  readonly workers?: number
  /** Settings of Redis, as on its command line. */
  readonly redis?: readonly string[]
  /** The address under which a process finds Redis; by default where it is. */
  readonly redisUrl?: (name: string, url: string) => string
}

/** Short, so that a run need not wait long for what a killed worker held; a call is short enough for it. */
export const clusterLeaseMs = 7000

/** Gateways, workers and their Redis, each a process with a home of its own. All are running when this resolves. */
export const openCluster = async (owner: Owner, options: ClusterOptions = {}): Promise<Cluster> => {
  const { seed = 1, latencyMs = 30, gateways = 2, workers = 2, redisUrl = (_, url) => url } = options
  const home = temporaryHome(owner)
  const simulator = await startSimulatorProcess(owner, { home, seed, latencyMs })
  const store = await createStore(owner, options.redis)
  const masterKey = newMasterKey()
  const create = (kind: 'gateway' | 'worker', number: number, port?: number): Service => {
    const name = `${kind}-${number}`
    mkdirSync(join(home, name))
    return createService(owner, {
      ...{ kind, name, home: join(home, name), ...(port && { port }), wechat: simulator.url },
      settings: {
        HONGYAN_ENGINE: redisUrl(name, store.url),
        HONGYAN_MASTER_KEY: masterKey,
        HONGYAN_LEASE_MS: String(clusterLeaseMs),
        HONGYAN_CALL_TIMEOUT_MS: '250',
        HONGYAN_CONCURRENCY: '32',
        HONGYAN_RECEIPT_WAIT_SECONDS: '10',
        ...options.settings,
      },
      mayFail: store.wasAwaySince,
    })
  }
  const ports = await freePorts(gateways)
  const allGateways = ports.map((port, index) => create('gateway', index + 1, port))
  const allWorkers = Array.from({ length: workers }, (_, index) => create('worker', index + 1))
  // Accounts are read at the start, so everybody else starts when they are there.
  const [first, ...others] = allGateways
  await first!.spawn().ready
  const caller = createCaller(owner, {
    urls: allGateways.map(({ url }) => url),
    ...(await adminKey(first!.home)),
  })
  const alone = createCaller(owner, { urls: [first!.url], ...(await adminKey(first!.home)) })
  for (const account of [official, miniprogram]) await addAccount(alone, account)
  await Promise.all([...others, ...allWorkers].map((each) => each.spawn().ready))
  return {
    ...{ simulator, caller, store, gateways: allGateways, workers: allWorkers },
    cast: [...allGateways, ...allWorkers, store],
  }
}

const temporaryHome = (owner: Owner): string => {
  const home = mkdtempSync(join(tmpdir(), 'hongyan-fault-'))
  owner.after(() => rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }))
  return home
}

/** Different ones: each is looked for before the one before it is taken. */
const freePorts = async (count: number): Promise<readonly number[]> => {
  const ports = new Set<number>()
  while (ports.size < count) ports.add(await freePort())
  return [...ports]
}

const addAccount = async (caller: Caller, account: SimulatedAccount): Promise<void> => {
  const { name, appid, secret, kind, templates } = account
  const known = templates.map(({ template_id, alias, title }) => ({ template_id, alias, title }))
  const reply = await caller.post('/v1/accounts', { name, appid, secret, kind, templates: known })
  if (reply.kind !== 'answered' || reply.status !== 201)
    throw new Error(`No account: ${JSON.stringify(reply)}`)
}

const keyFileLimitMs = 10_000

/** The service may answer before it has written the file. */
const adminKey = async (home: string): Promise<{ keyId: string; keySecret: string }> => {
  let key: { key_id: string; key_secret: string } | undefined
  await until(() => {
    key = parsed(join(home, 'admin.json'))
    return key !== undefined
  }, keyFileLimitMs)
  return { keyId: key!.key_id, keySecret: key!.key_secret }
}

const parsed = (file: string) => {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}
