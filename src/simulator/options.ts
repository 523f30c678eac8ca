import type { SimulatedAccount } from './account.ts'
import { demoAccounts } from './demo.ts'
import { type Latency, usualLatency } from './latency.ts'
import type { Scenario } from './scenario.ts'
import { type Switches, usualSwitches } from './switches.ts'

export interface SimulatorOptions {
  /** Where the simulated WeChat listens; port 0 is any free one. */
  readonly api: Address
  /** Where the admin API listens. */
  readonly admin: Address
  /** Default: `demoAccounts`. */
  readonly accounts?: readonly SimulatedAccount[]
  /** Accepts any appid, secret, openid and template. Tokens, quotas and field rules still hold. */
  readonly anyAccount?: boolean
  /** Folder of the truth journal. Without it the truth lives in memory. */
  readonly home?: string
  /** Same seed, same order of calls: same delays and faults. Default 1. */
  readonly seed?: number
  /** Default: log-normal, median 60 ms, p99 400 ms. */
  readonly latency?: Latency
  /** All rules, but no delays, no quotas unless set, no journal, and no bodies kept. */
  readonly benchmark?: boolean
  readonly switches?: Partial<Switches>
  /** The same as the switch of this name. */
  readonly grants?: Switches['grants']
  /** Where the play begins, as a scenario file has it; other options come before it. Throws if it is wrong. */
  readonly scenario?: unknown
  /** Cuts a kept-alive socket after it was idle this long. WeChat does so too, unannounced (C). Default 30 s. */
  readonly idleMs?: number
  /** Closes the socket of a call that a `hang` fault leaves without an answer. Default 60 s. */
  readonly hangMs?: number
  /** Of the API's answers; the real one varies (C). */
  readonly contentType?: string
}

export interface Address {
  readonly host: string
  readonly port: number
}

export type ResolvedOptions = Required<
  Omit<SimulatorOptions, 'home' | 'switches' | 'scenario' | 'grants'>
> & {
  readonly home: string | undefined
  readonly switches: Switches
}

export const resolveOptions = (options: SimulatorOptions, scenario?: Scenario): ResolvedOptions => ({
  api: options.api,
  admin: options.admin,
  accounts: options.accounts ?? scenario?.accounts ?? demoAccounts,
  anyAccount: options.anyAccount ?? scenario?.anyAccount ?? false,
  home: options.home,
  seed: options.seed ?? scenario?.seed ?? 1,
  benchmark: options.benchmark ?? false,
  latency: options.benchmark ? { fixedMs: 0 } : (options.latency ?? scenario?.latency ?? usualLatency),
  switches: {
    ...usualSwitches,
    ...scenario?.switches,
    ...options.switches,
    ...(options.grants && { grants: options.grants }),
  },
  idleMs: options.idleMs ?? 30_000,
  hangMs: options.hangMs ?? 60_000,
  contentType: options.contentType ?? 'application/json; encoding=utf-8',
})
