/** Joins the parts into a running service. Nothing else knows all of them. */
import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { uptime } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from './clock.ts'
import { type Config, longestPostMs, longestSendMs } from './config.ts'
import type { Shelf } from './coordination.ts'
import { type Directory, openDirectory, type Vault, whenNoGrant } from './directory.ts'
import { startDirectoryWatch } from './directory-watch.ts'
import { assertFolderFree, type Engine as EmbeddedEngine, openEmbedded } from './engines/embedded/embedded.ts'
import type { RecordsOverHistory } from './engines/postgres/history.ts'
import type { ImportOptions } from './engines/redis/import.ts'
import type { RedisEngine } from './engines/redis/redis.ts'
import { createGates, type Gates } from './gates.ts'
import { startGateway } from './gateway/gateway.ts'
import type { Readiness } from './gateway/health.ts'
import { createHolds, type Holds } from './holds.ts'
import { epochFile } from './home/epoch-file.ts'
import { keptMasterKey } from './home/master-key.ts'
import { type Membership, startMembership } from './membership.ts'
import { createObserver, type Observer } from './observe.ts'
import { createQuotaWatch } from './quota-watch.ts'
import { defaultRetryPolicy } from './retry.ts'
import { senderByChannel } from './sender.ts'
import { createServiceClock } from './service-clock.ts'
import type { Policy } from './settlement.ts'
import type { Machine, SteadyClock } from './steady-clock.ts'
import { createLog, type Log, logObservations } from './telemetry/log.ts'
import { watchProcessLoad } from './telemetry/process-load.ts'
import { createTemplateWatch } from './template-watch.ts'
import type { Import } from './transfer.ts'
import { createVault } from './vault.ts'
import { version } from './version.ts'
import { createWebhookAddresses } from './webhooks/address.ts'
import { createWebhookSender } from './webhooks/sender.ts'
import { createAccountCheck } from './wechat/account-check.ts'
import { checkUrl, readCallback } from './wechat/callback.ts'
import { createWechatClient, type WechatClient } from './wechat/client.ts'
import { fallbackOrigins } from './wechat/hosts.ts'
import { createPlatforms } from './wechat/platform.ts'
import { createPlatformEvents } from './wechat/platform-events.ts'
import { createQuotaReader } from './wechat/quota.ts'
import { createSender } from './wechat/sender.ts'
import { createSharedAsk } from './wechat/shared-token.ts'
import { createTemplateList } from './wechat/templates.ts'
import { createTokenCentre, type TokenCentre } from './wechat/token-centre.ts'
import { createTokenEndpoints } from './wechat/token-endpoint.ts'
import { createTokenSource } from './wechat/token-source.ts'
import { startWorker } from './worker.ts'

export { openExport } from './engines/embedded/export.ts'
export type { PostgresFacts } from './engines/postgres/examine.ts'
export type { RedisFacts } from './engines/redis/examine.ts'
export { bearerOf } from './gateway/auth.ts'
export { newKey } from './gateway/keys.ts'
export { readPrivateFile, writePrivateFile } from './home/private-file.ts'
export { demoAccounts, type SimulatedAccount, startSimulator } from './simulator/simulator.ts'
export { assertFolderFree, createVault }

/** Looks at servers without changing them; their clients are loaded by those alone who ask. */
export const examiners = {
  redis: () => import('./engines/redis/examine.ts'),
  postgres: () => import('./engines/postgres/examine.ts'),
}

export interface Service {
  /** Base address of the gateway, without a trailing slash; empty without that role. */
  readonly url: string
  readonly directory: Directory
  readonly observer: Observer
  /** Takes nothing new, finishes or hands back what is under way, and closes everything. */
  stop(): Promise<void>
}

export const systemClock: Clock = { now: Date.now, sleep: (ms, signal) => systemMachine.sleep(ms, signal) }

export const systemMachine: Machine = {
  wall: Date.now,
  monotonic: () => performance.now(),
  uptime: () => 1000 * uptime(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}),
}

/**
 * Starts what the roles say, on one engine. Throws when it cannot: the folder is in use, the
 * address is taken, the store does not open. `onFailure` is told of a store that fails later; the process should
 * end then.
 */
export const startService = async (
  config: Config,
  onFailure: (error: Error) => void,
  machine: Machine = systemMachine,
): Promise<Service> => {
  mkdirSync(config.home, { recursive: true, mode: 0o700 })
  const observer = createObserver()
  const log = createLog(config.logLevel)
  observer.subscribe(logObservations(log))
  const follows = config.engine.kind === 'embedded' ? 'machine' : 'store'
  const clock = createServiceClock({ machine, follows, observe: observer.observe })

  const engine = await openEngine({ config, clock, observer }, machine, onFailure)
  let store: RecordsOverHistory | undefined
  try {
    store = await openStore({ config, engine, clock, observer })
    return await assemble({ config, engine, store, clock, observer, log })
  } catch (error) {
    await store?.close()
    await engine.close()
    throw error
  }
}

const followWallEveryMs = 1000

/** Whatever keeps queue and records; `telling` where the records of what is past are kept elsewhere. */
type Engine = EmbeddedEngine & Pick<RedisEngine, 'telling'>

const openEngine = async (
  { config, clock, observer }: Pick<Foundation, 'config' | 'observer'> & { readonly clock: SteadyClock },
  machine: Machine,
  onFailure: (error: Error) => void,
): Promise<Engine> => {
  const { engine, home, leaseMs, retentionMs } = config
  if (engine.kind === 'embedded') {
    await clock.follow(machine.wall)
    const embedded = await openEmbedded({ folder: engine.folder, clock, leaseMs, retentionMs, onFailure })
    const following = setInterval(() => void clock.follow(machine.wall), followWallEveryMs).unref()
    return {
      ...embedded,
      async close() {
        clearInterval(following)
        await embedded.close()
      },
    }
  }
  // Its client costs memory, so it is loaded by those alone who use it.
  const { openRedis } = await import('./engines/redis/redis.ts')
  const onAlert = ({ kind, detail }: { readonly kind: string; readonly detail: string }) =>
    observer.observe({ kind: 'alert', code: `redis-${kind}`, detail })
  const { url, shards, replicas } = engine
  const followTime = clock.follow
  const hasHistory = config.history !== undefined
  const memory = epochFile(home)
  return openRedis({
    ...{ url, shards, replicas, clock, followTime, leaseMs, retentionMs, onAlert, hasHistory, memory },
  })
}

/** Where a migration goes. */
export const openImport = async (options: Omit<ImportOptions, 'clock'>): Promise<Import> =>
  (await import('./engines/redis/import.ts')).openImport({ ...options, clock: systemClock })

/** What is asked of the service: of the engine alone, or of engine and history where there is one. */
const openStore = async ({ config, engine, clock, observer }: Omit<Foundation, 'log' | 'store'>) => {
  const { history: url, retentionMs } = config
  const { queue, ledger, telling } = engine
  if (url === undefined || telling === undefined) return { queue, ledger, close: async () => {} }
  // Only those who have a history load its client.
  const { openHistory } = await import('./engines/postgres/history.ts')
  const { observe } = observer
  const parts = { queue, recent: ledger, ...telling, clock, random: Math.random, observe }
  return openHistory({ url, retentionMs, ...parts })
}

interface Foundation {
  readonly config: Config
  readonly engine: Engine
  readonly store: RecordsOverHistory
  readonly clock: Clock
  readonly observer: Observer
  readonly log: Log
}

const assemble = async ({ config, engine, store, clock, observer, log }: Foundation): Promise<Service> => {
  const masterKey = config.masterKey ?? (await keptMasterKey(config, engine.directoryRecords))
  const vault = createVault(masterKey, config.formerMasterKey)
  const { directoryRecords: records } = engine
  const directory = await openDirectory(records, vault)
  const { observe } = observer
  const watch =
    records.shared && (await startDirectoryWatch({ directory, shared: records.shared, clock, observe }))
  const readiness: Readiness = { started: false, draining: false, fault: () => engine.fault?.() }
  const { endedAmong, recipients, coordination, pending } = engine
  const { queue, ledger } = store
  const holds = createHolds()

  const { client, tokens, platforms, sender, checkAccount, addresses } = openWechat({
    ...{ config, directory, clock, observer, vault },
    shelf: coordination.shelf,
  })
  const accountOf = directory.account
  const templates = createTemplateWatch({
    directory,
    list: createTemplateList({ client, tokens }),
    // A claim is like a nonce: it is good once.
    ...(records.shared && {
      claim: (nonce, until) => coordination.claimNonce({ keyId: 'template-sync', nonce, until }),
    }),
    clock,
    random: Math.random,
    observe: observer.observe,
  })
  const onPlatformEvent = createPlatformEvents({ platforms, observe: observer.observe })

  const policy: Policy = {
    retry: { ...defaultRetryPolicy, receiptWaitMs: config.receiptWaitMs },
    callMs: longestSendMs(config.callTimeoutMs),
    whenNoGrant: (message) => whenNoGrant(accountOf(message.account), message),
  }
  const gates = config.roles.includes('worker')
    ? openGates({ config, engine, clock, observer, directory, client, tokens, policy, holds })
    : undefined
  // What stands is known before anything is sent.
  await coordination.bulletin?.listen((notice) => (gates ?? holds).hear(notice, clock.now()))

  const joined = Promise.withResolvers<Membership>()
  const openGateway = () => {
    const { bearer: allowBearer, lifeMs: defaultLifeMs } = config
    const settings = {
      version,
      allowBearer,
      defaultLifeMs,
      syncTemplates: templates.sync,
      facadeKeys: vault.keysFor('facade-token'),
    }
    return startGateway(
      {
        ...{ queue, ledger, endedAmong, recipients, coordination, pending },
        ...{ directory, observer, clock, readiness },
        historyLag: store.lag,
        holdOver: gates?.over ?? holds.over,
        quotas: gates,
        nodes: joined.promise,
        webhookFault: addresses.fault,
        checkAccount,
        callbacks: { reader: { checkUrl, readCallback }, onPlatformEvent },
        ...settings,
      },
      config.http,
    )
  }
  const openWorker = () =>
    startWorker({
      queue,
      sender,
      policy,
      clock,
      random: Math.random,
      observe: observer.observe,
      holds,
      concurrency: config.concurrency,
      ...(gates && { gates }),
    })
  const unwatched = async (error: unknown) => {
    await watch?.stop()
    throw error
  }
  const gateway = config.roles.includes('gateway') ? await openGateway().catch(unwatched) : undefined
  // Until it has heard of the others, a worker takes from everywhere.
  const worker = config.roles.includes('worker') ? openWorker() : undefined
  const { roles, concurrency, balance, node: name } = config
  const membership = await startMembership({
    ...{ sharing: engine.sharing, clock, observe: observer.observe, balance, worker },
    self: { id: `node_${randomUUID()}`, name, roles, concurrency },
    processLoad: watchProcessLoad(),
    onDraining: (draining) => Object.assign(readiness, { draining }),
  })
  joined.resolve(membership)
  // Who takes messages is who checks them.
  if (gateway && config.templateSync) templates.start()
  const url = gateway?.url ?? ''
  readiness.started = true
  log.info({ roles: config.roles, url, wechat: config.wechat }, 'started')

  return {
    url,
    directory,
    observer,
    async stop() {
      readiness.draining = true
      // A call that outlives the drain is left to its lease: the next start finds it and knows it is in doubt.
      const drained = new AbortController()
      const drain = membership.drain().then(() => worker?.stop())
      await Promise.race([drain, clock.sleep(config.drainMs, drained.signal)])
      drained.abort()
      await templates.stop()
      await gateway?.close()
      await watch?.stop()
      await membership.leave()
      await sender.close()
      await store.close()
      await engine.close()
      log.info('stopped')
    },
  }
}

/** Everything that sends, and what it needs of WeChat. */
const openWechat = ({
  config,
  directory,
  clock,
  observer: { observe },
  vault,
  shelf,
}: Pick<Foundation, 'config' | 'clock' | 'observer'> & {
  readonly directory: Directory
  readonly vault: Vault
  readonly shelf: Shelf | undefined
}) => {
  const client = createWechatClient({
    origin: config.wechat,
    fallbacks: fallbackOrigins(config.wechat, config.wechatFallbacks),
    connections: config.concurrency,
    timeoutMs: config.callTimeoutMs,
    clock,
    observe,
  })
  const accountOf = directory.account
  const endpoints = createTokenEndpoints({ clock, timeoutMs: Math.min(config.callTimeoutMs, 5000) })
  const platforms = createPlatforms({ client, directory, clock, observe }, () => tokens)
  const ask = createTokenSource({ client, askEndpoint: endpoints.ask, ...platforms })
  const callMs = config.callTimeoutMs
  const tokens = createTokenCentre({
    ask: shelf ? createSharedAsk({ ask, shelf, vault, clock, newId: randomUUID, callMs }) : ask,
    inSteps: shelf !== undefined,
    accountOf,
    clock,
    random: Math.random,
    observe,
    patienceMs: callMs,
  })
  const addresses = createWebhookAddresses(config.webhookHosts)
  const sender = senderByChannel({
    wechat: createSender({ client, tokens, accountOf, clock }),
    webhook: createWebhookSender({
      accountOf,
      addresses,
      clock,
      timeoutMs: longestPostMs(config.callTimeoutMs),
    }),
  })
  return {
    addresses,
    client,
    tokens,
    platforms,
    checkAccount: createAccountCheck({ client, tokens, accountOf }),
    sender: {
      ...sender,
      close: async () => {
        await Promise.all([sender.close(), endpoints.close()])
      },
    },
  }
}

/** What deliveries pass before their call, with the books of what accounts may send. */
const openGates = (
  parts: Omit<Foundation, 'log' | 'store'> & {
    readonly directory: Directory
    readonly client: WechatClient
    readonly tokens: TokenCentre
    readonly policy: Policy
    readonly holds: Holds
  },
): Gates => {
  const { config, engine, clock, observer, directory, client, tokens, policy, holds } = parts
  const { calls, bulletin } = engine.coordination
  const watch = createQuotaWatch({
    askQuota: createQuotaReader({ client, tokens }),
    mayAsk: calls?.mayAsk,
    release: engine.queue.release,
    clock,
    observe: observer.observe,
  })
  const limitsOf = (appid: string) => directory.account(appid)?.limits
  const { concurrency } = config
  const sharing = calls && bulletin && { calls, bulletin, clock }
  return createGates({ policy, random: Math.random, concurrency, holds, limitsOf, watch, sharing })
}
