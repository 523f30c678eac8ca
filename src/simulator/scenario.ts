/**
 * A scenario: where a play begins, as a JSON file. Accounts with their templates, what users have allowed and
 * refused, limits, switches, faults and the clock. The simulator stands so at its start and after every reset.
 */
import type { Account, SimulatedAccount } from './account.ts'
import { parseAccount, recipientChange, recipientKeys } from './account-input.ts'
import { type FaultRule, parseRule } from './faults.ts'
import { grantJson, isWindow, parseGrant, parseInteraction } from './grant-input.ts'
import { BadInput, needed, readInput, readList, readTime, within } from './input.ts'
import type { Latency } from './latency.ts'
import { type CallbackTarget, targetJson } from './push-target.ts'
import type { OwnLimit } from './quota.ts'
import type { Toggled } from './recipients.ts'
import { parseSwitches, type Switches } from './switches.ts'
import type { World } from './world.ts'

export interface Scenario {
  readonly accounts?: readonly SimulatedAccount[]
  readonly anyAccount?: boolean
  readonly seed?: number
  readonly latency?: Latency
  readonly switches: Partial<Switches>
  readonly clock: { readonly now?: number; readonly speed?: number }
  readonly recipients: readonly (Partial<Toggled> & Pick<Toggled, 'appid' | 'touser'>)[]
  /** As they were written: when a form id or a window ends depends on when the play begins. */
  readonly grants: readonly unknown[]
  readonly interactions: readonly unknown[]
  readonly quotas: readonly OwnLimit[]
  readonly faults: readonly unknown[]
}

const scenarioFields = [
  'accounts',
  'anyAccount',
  'seed',
  'latency',
  'switches',
  'clock',
  'recipients',
  'grants',
  'interactions',
  'quotas',
  'faults',
]

/** Throws `BadInput` that names the place, such as `accounts[0].templates[1]: content is missing`. */
export const parseScenario = (value: unknown): Scenario => {
  const input = readInput(value, scenarioFields)
  const { given } = input
  const accounts =
    given.accounts === undefined ? undefined : readList('accounts', given.accounts, parseAccount)
  const anyAccount = input.flag('anyAccount')
  const seed = input.number('seed', { min: 0, integer: true })
  const scenario: Scenario = {
    ...(accounts && { accounts }),
    ...(anyAccount !== undefined && { anyAccount }),
    ...(seed !== undefined && { seed }),
    ...(given.latency !== undefined && { latency: within('latency', () => parseLatency(given.latency)) }),
    switches: within('switches', () => parseSwitches(given.switches ?? {})),
    clock: within('clock', () => parseClock(given.clock ?? {})),
    recipients: readList('recipients', given.recipients, parseRecipient),
    grants: readList(
      'grants',
      given.grants,
      checked((item) => parseGrant(item, 0)),
    ),
    interactions: readList('interactions', given.interactions, (item) => item),
    quotas: readList('quotas', given.quotas, parseQuota),
    faults: readList(
      'faults',
      given.faults,
      checked((item) => parseRule(item, 0)),
    ),
  }
  if (accounts !== undefined && !anyAccount) checkAppids(scenario, accounts)
  return scenario
}

const checked =
  (check: (item: unknown) => unknown) =>
  (item: unknown): unknown => {
    check(item)
    return item
  }

/** Whatever names an account must name one that is there. */
const checkAppids = (scenario: Scenario, accounts: readonly SimulatedAccount[]): void => {
  const kinds = new Map(accounts.map(({ appid, kind }) => [appid, kind]))
  const check = (place: string) => (item: unknown, index: number) => {
    const { appid } = item as { readonly appid: string }
    if (!kinds.has(appid))
      throw new BadInput(`${appid} is not one of the accounts`, `${place}[${index}].appid`)
  }
  for (const place of ['recipients', 'grants', 'interactions', 'quotas'] as const)
    scenario[place].forEach(check(place))
  const kindOf = (appid: string) => kinds.get(appid)
  readList('interactions', scenario.interactions, (item) => parseInteraction(item, { now: 0, kindOf }))
}

const parseLatency = (value: unknown): Latency => {
  const input = readInput(value, ['fixedMs', 'medianMs', 'p99Ms'])
  const bounds = { min: 0, max: 3_600_000 }
  const fixedMs = input.number('fixedMs', bounds)
  if (fixedMs !== undefined) return { fixedMs }
  const medianMs = needed('medianMs', input.number('medianMs', bounds))
  const p99Ms = needed('p99Ms', input.number('p99Ms', bounds))
  if (medianMs <= 0 || p99Ms < medianMs) throw new BadInput('0 < medianMs ≤ p99Ms must hold')
  return { medianMs, p99Ms }
}

const parseClock = (value: unknown): Scenario['clock'] => {
  const input = readInput(value, ['now', 'speed'])
  const now = readTime('now', input.text('now'))
  const speed = input.number('speed', { min: 0, max: 100_000 })
  return { ...(now !== undefined && { now }), ...(speed !== undefined && { speed }) }
}

const parseRecipient = (value: unknown): Scenario['recipients'][number] => {
  const input = readInput(value, recipientKeys)
  const appid = needed('appid', input.text('appid'))
  return { appid, touser: needed('touser', input.text('touser')), ...recipientChange(input) }
}

/** The limits of one API of one account. */
export const parseQuota = (value: unknown): OwnLimit => {
  const input = readInput(value, ['appid', 'path', 'daily', 'minute', 'component'])
  const appid = needed('appid', input.text('appid'))
  const limit: { daily?: number; minute?: number; component?: number } = {}
  for (const name of ['daily', 'minute', 'component'] as const) {
    const calls = input.number(name, { min: 0, integer: true })
    if (calls !== undefined) limit[name] = calls
  }
  return { appid, path: needed('path', input.text('path')), ...limit }
}

export interface Stage {
  /** Puts everything where the scenario wants it; answers by how much the clock jumped, in milliseconds. */
  set(parts: StageParts): number
  /** Whether the scenario says what time it is. */
  readonly movesClock: boolean
}

export type StageParts = Pick<World, 'clock' | 'recipients' | 'accounts' | 'grants' | 'quota' | 'faults'>

export const stageOf = (scenario: Scenario | undefined): Stage => ({
  movesClock: scenario !== undefined && Object.keys(scenario.clock).length > 0,
  set: (parts) => (scenario === undefined ? 0 : setStage(scenario, parts)),
})

const setStage = (scenario: Scenario, parts: StageParts): number => {
  const { clock, accounts } = parts
  const jump = scenario.clock.now === undefined ? 0 : scenario.clock.now - clock.now()
  clock.advance(jump)
  if (scenario.clock.speed !== undefined) clock.setSpeed(scenario.clock.speed)
  for (const { appid, touser, ...change } of scenario.recipients) {
    parts.recipients.toggle(appid, touser, change)
    accounts.get(appid)?.openids.add(touser)
  }
  const now = clock.now()
  const kindOf = (appid: string) => accounts.get(appid)?.kind
  for (const item of scenario.grants) giveTo(parts, parseGrant(item, now))
  for (const item of scenario.interactions) giveTo(parts, parseInteraction(item, { now, kindOf }))
  for (const { appid, path, ...limit } of scenario.quotas) parts.quota.setLimit(appid, path, limit)
  parts.faults.replace(scenario.faults.map((rule, index): FaultRule => parseRule(rule, index + 1)))
  return jump
}

const giveTo = ({ grants }: StageParts, held: ReturnType<typeof parseGrant>): void =>
  grants.give(held, held.grant)

export interface Played {
  readonly seed: number
  readonly latency: Latency
  /** Where the events of an account go, as it stands now. */
  readonly targetOf: (appid: string) => CallbackTarget | undefined
}

/** The scenario that begins where the world stands now. What was sent is not part of it. */
export const exportScenario = (world: World, { seed, latency, targetOf }: Played): unknown => {
  const now = world.clock.now()
  const held = world.grants.list(now)
  return {
    seed,
    latency,
    anyAccount: world.accounts.acceptAny,
    clock: { now: new Date(now).toISOString(), speed: world.clock.speed() },
    switches: world.switches,
    accounts: Array.from(world.accounts.list(), (account) => {
      const target = targetOf(account.appid)
      return { ...accountJson(world, account), ...(target && { callback: targetJson(target) }) }
    }),
    recipients: world.recipients.list(),
    grants: held.filter((each) => !isWindow(each)).map(grantJson),
    interactions: held.filter(isWindow).map(grantJson),
    quotas: world.quota.ownLimits(),
    faults: world.faults.list().map(({ given }) => given),
  }
}

const accountJson = (
  { components }: World,
  { name, appid, secret, kind, templates, openids, flags }: Account,
) => {
  const authorized = components.list(appid).map(({ appid, funcs }) => ({ appid, ...(funcs && { funcs }) }))
  return {
    name,
    appid,
    // What a stranger of the "accept any" mode is stays open.
    secret: secret || 'any',
    kind: kind ?? 'official',
    templates: templates.list(),
    openids: [...openids],
    flags,
    ...(authorized.length > 0 && { authorized }),
  }
}
