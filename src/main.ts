/** Joins the parts into a running service. Nothing else knows all of them. */
import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { uptime } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from './clock.ts'
import { type Config, longestSendMs } from './config.ts'
import { type Directory, openDirectory, whenNoGrant } from './directory.ts'
import { startDirectoryWatch } from './directory-watch.ts'
import { assertFolderFree } from './engines/embedded/embedded.ts'
import { startGateway } from './gateway/gateway.ts'
import type { Readiness } from './gateway/health.ts'
import { createHolds } from './holds.ts'
import { keptMasterKey } from './home/master-key.ts'
import { type Membership, startMembership } from './membership.ts'
import { createObserver, type Observer } from './observe.ts'
import { type Foundation, openEngine, openStore } from './open-engine.ts'
import { openGates, openWechat } from './open-wechat.ts'
import { defaultRetryPolicy } from './retry.ts'
import { createServiceClock } from './service-clock.ts'
import type { Policy } from './settlement.ts'
import type { Machine } from './steady-clock.ts'
import { createLog, logObservations } from './telemetry/log.ts'
import { watchProcessLoad } from './telemetry/process-load.ts'
import { createTemplateWatch } from './template-watch.ts'
import { createVault } from './vault.ts'
import { version } from './version.ts'
import { checkUrl, readCallback } from './wechat/callback.ts'
import { createPlatformEvents } from './wechat/platform-events.ts'
import { createTemplateList } from './wechat/templates.ts'
import { startWorker } from './worker.ts'

export { openExport } from './engines/embedded/export.ts'
export type { PostgresFacts } from './engines/postgres/examine.ts'
export type { RedisFacts } from './engines/redis/examine.ts'
export { bearerOf } from './gateway/auth.ts'
export { newKey } from './gateway/keys.ts'
export { readPrivateFile, writePrivateFile } from './home/private-file.ts'
export { openImport } from './open-engine.ts'
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
  let store: Foundation['store'] | undefined
  try {
    store = await openStore({ config, engine, clock, observer })
    return await assemble({ config, engine, store, clock, observer, log })
  } catch (error) {
    await store?.close()
    await engine.close()
    throw error
  }
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
