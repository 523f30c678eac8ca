import { parseFlags, recipientChange, recipientKeys } from './account-input.ts'
import { componentAdminRoutes } from './admin-components.ts'
import { grantRoutes } from './admin-grants.ts'
import { effectJson, listing, parseSelection, rowJson, selectionOf } from './admin-ledgers.ts'
import { messageRoutes, searchOf } from './admin-messages.ts'
import { parseRule } from './faults.ts'
import { BadInput, needed, readInput } from './input.ts'
import { happeningsOf } from './recipients.ts'
import { exportScenario, type Played, parseQuota } from './scenario.ts'
import { selectionKeys } from './selection.ts'
import { parseSwitches } from './switches.ts'
import type { World } from './world.ts'

export interface AdminRequest {
  readonly query: URLSearchParams
  readonly body: unknown
  /** Aborts when the caller hangs up. */
  readonly signal: AbortSignal
}

export interface AdminAnswer {
  readonly status: number
  readonly json: unknown
}

export type AdminRoute = (request: AdminRequest) => AdminAnswer | Promise<AdminAnswer>

/** By method and path. */
export const adminRoutes = (world: World, played: Played): ReadonlyMap<string, AdminRoute> =>
  new Map<string, AdminRoute>([
    ['GET /_sim/effects', ({ query }) => ok(effectsOf(world, query))],
    ['GET /_sim/calls', ({ query }) => ok(callsOf(world, query))],
    ['POST /_sim/wait', (request) => wait(world, request)],
    ['GET /_sim/faults', () => ok({ rules: rulesOf(world) })],
    ['POST /_sim/faults', ({ body }) => ok(replaceFaults(world, body))],
    ['GET /_sim/clock', () => ok(clockOf(world))],
    ['POST /_sim/clock', ({ body }) => ok(moveClock(world, body))],
    ['GET /_sim/accounts', () => ok({ accounts: accountsOf(world) })],
    ['POST /_sim/accounts', ({ body }) => ok(changeFlags(world, body))],
    ['POST /_sim/recipients', ({ body }) => ok(toggleRecipient(world, body))],
    ['POST /_sim/quotas', ({ body }) => ok(setQuota(world, body))],
    ['POST /_sim/tokens/rotate', ({ body }) => ok(rotateToken(world, body))],
    ['GET /_sim/switches', () => ok({ switches: world.switches })],
    ['POST /_sim/switches', ({ body }) => ok(changeSwitches(world, body))],
    ['GET /_sim/scenario', () => ok(exportScenario(world, played))],
    ['POST /_sim/reset', () => ok(reset(world))],
    ...grantRoutes(world),
    ...messageRoutes(world),
    ...componentAdminRoutes(world),
  ])

const ok = (json: unknown): AdminAnswer => ({ status: 200, json })

const effectsOf = ({ effects }: World, query: URLSearchParams): unknown =>
  listing('effects', { ledger: effects, toJson: effectJson }, parseSelection(query))

const callsOf = ({ calls }: World, query: URLSearchParams): unknown =>
  listing('calls', { ledger: calls, toJson: rowJson }, parseSelection(query))

const longestWaitMs = 600_000

/** 200 with the matching effects once there are `count`, 408 with those there are when the time is over. */
const wait = async (world: World, { body, signal }: AdminRequest): Promise<AdminAnswer> => {
  const { effects } = world
  const input = readInput(body, [...selectionKeys, 'q', 'count', 'timeout_ms'])
  const q = input.text('q')
  const selection = {
    ...selectionOf((key) => input.text(key)),
    ...(q && { search: searchOf(world, q) }),
  }
  const count = input.number('count', { min: 0, integer: true }) ?? 1
  const timeoutMs = input.number('timeout_ms', { min: 0, max: longestWaitMs }) ?? 10_000
  const found = await within(timeoutMs, signal, (over) => effects.wait(selection, count, over))
  const rows = found ?? effects.select(selection)
  const json = { total: rows.length, effects: rows.map(effectJson) }
  return found === undefined
    ? { status: 408, json: { error: `there are not ${count} yet`, ...json } }
    : ok(json)
}

/** Runs something that stops after `ms`, or when `signal` aborts. */
const within = async <T>(
  ms: number,
  signal: AbortSignal,
  run: (over: AbortSignal) => Promise<T>,
): Promise<T> => {
  const controller = new AbortController()
  const stop = (): void => controller.abort()
  const timer = setTimeout(stop, ms)
  signal.addEventListener('abort', stop)
  try {
    return await run(controller.signal)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}

const rulesOf = ({ faults }: World): unknown[] =>
  faults.list().map(({ id, given, hits }) => ({ id, ...given, hits }))

const replaceFaults = (world: World, body: unknown): unknown => {
  const { rules } = readInput(body, ['rules']).given
  if (!Array.isArray(rules)) throw new BadInput('rules must be a list')
  world.faults.replace(rules.map((rule, index) => parseRule(rule, index + 1)))
  return { rules: rulesOf(world) }
}

const clockOf = ({ clock }: World): unknown => ({
  now: new Date(clock.now()).toISOString(),
  speed: clock.speed(),
})

/** A century: far enough for any expiry, and still a date. */
const farthestMs = 3_155_760_000_000

const moveClock = (world: World, body: unknown): unknown => {
  const input = readInput(body, ['advance_ms', 'speed'])
  const advanceMs = input.number('advance_ms', { min: 0, max: farthestMs })
  const speed = input.number('speed', { min: 0, max: 100_000 })
  if (advanceMs === undefined && speed === undefined) throw new BadInput('advance_ms or speed is needed')
  if (advanceMs !== undefined) world.clock.advance(advanceMs)
  if (speed !== undefined) world.clock.setSpeed(speed)
  world.clockMoved()
  return clockOf(world)
}

const accountsOf = ({ accounts }: World): unknown[] =>
  Array.from(accounts.list(), ({ name, appid, secret, kind, templates, openids, flags }) => ({
    name,
    appid,
    secret,
    kind: kind ?? 'any',
    templates: templates.list(),
    openids: [...openids],
    flags,
  }))

const accountFor = ({ accounts }: World, appid: string | undefined) => {
  const account = accounts.get(needed('appid', appid))
  if (account === undefined) throw new BadInput(`${appid} is not an account`)
  return account
}

/** Changes the flags that are given. */
const changeFlags = (world: World, body: unknown): unknown => {
  const input = readInput(body, ['appid', 'flags'])
  const account = accountFor(world, input.text('appid'))
  account.flags = { ...account.flags, ...parseFlags(input.given.flags) }
  return { appid: account.appid, flags: account.flags }
}

/** A user nobody has heard of becomes one of the account's. */
const toggleRecipient = (world: World, body: unknown): unknown => {
  const input = readInput(body, recipientKeys)
  const account = accountFor(world, input.text('appid'))
  const touser = needed('touser', input.text('touser'))
  const before = world.recipients.stateOf(account.appid, touser)
  const state = world.recipients.toggle(account.appid, touser, recipientChange(input))
  account.openids.add(touser)
  for (const what of happeningsOf(account.kind, before, state))
    world.happened({ appid: account.appid, touser, ...what })
  return { appid: account.appid, touser, ...state }
}

/** The limits of one API of one account; a limit that is not given does not hold. */
const setQuota = (world: World, body: unknown): unknown => {
  const { appid, path, ...limit } = parseQuota(body)
  accountFor(world, appid)
  world.quota.setLimit(appid, path, limit)
  return { appid, path, ...limit }
}

/** Changes the switches that are given. */
const changeSwitches = (world: World, body: unknown): unknown => {
  world.changeSwitches(parseSwitches(body))
  return { switches: world.switches }
}

/** Another system refreshes the token behind our back. */
const rotateToken = (world: World, body: unknown): unknown => {
  const input = readInput(body, ['appid', 'world'])
  const { appid } = accountFor(world, input.text('appid'))
  const tokenWorld = input.choice('world', ['stable', 'plain'] as const) ?? 'stable'
  const { token, expiresIn } = world.tokens.rotate(appid, tokenWorld)
  return { appid, world: tokenWorld, access_token: token, expires_in: expiresIn }
}

const reset = (world: World): unknown => {
  world.reset()
  return { reset: true }
}
