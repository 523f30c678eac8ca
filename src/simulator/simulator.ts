/**
 * A stand-in for WeChat that keeps its rules, misbehaves on request, and remembers the truth: which
 * messages users really saw. One port speaks like api.weixin.qq.com, the other is for whoever
 * conducts the play.
 */
import type { SimulatedAccount } from './account.ts'
import { createAdmin } from './admin.ts'
import { adminRoutes } from './admin-routes.ts'
import { createApi } from './api.ts'
import { callbackRoutes } from './callback-routes.ts'
import { createCallbacks, type Platforms } from './callbacks.ts'
import { listen } from './listen.ts'
import { resolveOptions, type SimulatorOptions } from './options.ts'
import { type CallbackTarget, checkTarget } from './push-target.ts'
import { parseScenario, stageOf } from './scenario.ts'
import { createUi } from './ui.ts'
import { createWorld, type World } from './world.ts'

export type { AccountFlags, AccountKind, Authorization, SimulatedAccount } from './account.ts'
export { demoAccounts } from './demo.ts'
export type { Latency } from './latency.ts'
export type { Address, SimulatorOptions } from './options.ts'
export type { CallbackTarget } from './push-target.ts'
export type { Switches } from './switches.ts'
export type { SimulatedTemplate } from './template.ts'

export interface Simulator {
  /** Base URL of the simulated WeChat, without a trailing slash. */
  readonly url: string
  /** Base URL of the admin API. */
  readonly adminUrl: string
  /** Cuts all connections and closes the journal. A second call waits for the first. */
  close(): Promise<void>
}

export const startSimulator = async (given: SimulatorOptions): Promise<Simulator> => {
  const scenario = given.scenario === undefined ? undefined : parseScenario(given.scenario)
  const options = resolveOptions(given, scenario)
  const targets = targetsOf(options.accounts)
  const world = createWorld(options, stageOf(scenario))
  const callbacks = createCallbacks({ world, seed: options.seed, targets, platforms: platformsOf(world) })
  world.observe(callbacks)
  const played = { ...options, targetOf: (appid: string) => callbacks.line(appid)?.target }
  try {
    const routes = callbackRoutes(world, callbacks)
    const admin = await listen(options.admin, createAdmin(world, played, routes), {})
    const ui = createUi({
      world,
      ownHost: options.api.host,
      adminUrl: admin.url,
      admin: new Map([...adminRoutes(world, played), ...routes]),
    })
    const api = await listen(options.api, createApi({ world, options, ui }), {
      keepAliveTimeout: options.idleMs,
      keepAliveTimeoutBuffer: 0,
    }).catch(async (cause: unknown) => {
      await admin.close()
      throw cause
    })
    let closing: Promise<void> | undefined
    const close = async (): Promise<void> => {
      await Promise.all([api.close(), admin.close(), callbacks.close()])
      world.close()
    }
    return { url: api.url, adminUrl: admin.url, close: () => (closing ??= close()) }
  } catch (cause) {
    await callbacks.close()
    world.close()
    throw cause
  }
}

/** Throws for one that nothing could be pushed to. */
const targetsOf = (accounts: readonly SimulatedAccount[]): ReadonlyMap<string, CallbackTarget> => {
  const targets = new Map<string, CallbackTarget>()
  for (const { appid, callback } of accounts) {
    if (callback === undefined) continue
    checkTarget(callback)
    targets.set(appid, callback)
  }
  return targets
}

const platformsOf = ({ accounts, components }: World): Platforms => ({
  *appids() {
    for (const { appid, kind } of accounts.list()) if (kind === 'component') yield appid
  },
  newTicket: (appid) => components.renewTicket(appid).text,
})
