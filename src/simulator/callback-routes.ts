import { rowJson } from './admin-ledgers.ts'
import type { AdminAnswer, AdminRequest, AdminRoute } from './admin-routes.ts'
import type { Callbacks } from './callbacks.ts'
import type { Decision, Happening } from './happening.ts'
import { BadInput, type Input, needed, readInput } from './input.ts'
import { parseTarget, targetFields } from './push-target.ts'
import type { World } from './world.ts'

/** By method and path. */
export const callbackRoutes = (world: World, callbacks: Callbacks): ReadonlyMap<string, AdminRoute> =>
  new Map<string, AdminRoute>([
    ['GET /_sim/callbacks', ({ query }) => ok(report(callbacks, query))],
    ['POST /_sim/callbacks', (request) => configure(world, callbacks, request)],
    ['POST /_sim/callbacks/verify', (request) => verify(callbacks, request)],
    ['POST /_sim/events', ({ body }) => ok(sendEvent(world, body))],
  ])

const ok = (json: unknown): AdminAnswer => ({ status: 200, json })

/** All accounts that have a callback, or the one of `appid`, and the last events, oldest first. */
const report = (callbacks: Callbacks, query: URLSearchParams): unknown => {
  const appid = query.get('appid')
  const concerned = (each: string): boolean => appid === null || each === appid
  return {
    waiting: callbacks.waiting(),
    callbacks: [...callbacks.lines()]
      .filter(([each]) => concerned(each))
      .map(([each]) => lineJson(callbacks, each)),
    recent: [...callbacks.recent()].filter((row) => concerned(row.appid)).map(rowJson),
  }
}

const lineJson = (callbacks: Callbacks, appid: string): unknown => {
  const line = callbacks.line(appid)
  if (line === undefined) return { appid, url: null }
  const { url, mode, format } = line.target
  const pausedUntil = line.pausedUntil()
  return {
    appid,
    url,
    mode,
    format,
    counters: line.counters,
    paused_until: pausedUntil === 0 ? null : new Date(pausedUntil).toISOString(),
  }
}

const knownAppid = (world: World, input: Input): string => {
  const appid = needed('appid', input.text('appid'))
  if (world.accounts.get(appid) === undefined) throw new BadInput(`${appid} is not an account`)
  return appid
}

/**
 * Changes what is given and keeps the rest; `off` removes it. As in WeChat's console, an address that does not
 * pass the check is not taken; `verify: false` leaves the check out.
 */
const configure = async (
  world: World,
  callbacks: Callbacks,
  { body }: AdminRequest,
): Promise<AdminAnswer> => {
  const input = readInput(body, [...targetFields, 'off', 'verify'])
  const appid = knownAppid(world, input)
  if (input.flag('off')) {
    callbacks.configure(appid, undefined)
    return ok(lineJson(callbacks, appid))
  }
  const before = callbacks.line(appid)?.target
  const target = parseTarget(input, before)
  const isNew = before?.url !== target.url || before.token !== target.token
  if (isNew && (input.flag('verify') ?? true)) {
    const result = await callbacks.verify(appid, target)
    if (!result.verified) throw new BadInput(`the address did not pass the check: ${result.why}`)
  }
  callbacks.configure(appid, target)
  return ok(lineJson(callbacks, appid))
}

const verify = async (callbacks: Callbacks, { body }: AdminRequest): Promise<AdminAnswer> => {
  const appid = needed('appid', readInput(body, ['appid']).text('appid'))
  const line = callbacks.line(appid)
  if (line === undefined) throw new BadInput(`${appid} has no callback`)
  return ok({ appid, ...(await callbacks.verify(appid, line.target)) })
}

const kinds = [
  'follow',
  'unfollow',
  'popup',
  'change',
  'message',
  'click',
  'view',
  'scan',
  'session',
  'ticket',
  'authorized',
  'updateauthorized',
  'unauthorized',
] as const

const eventFields = [
  'appid',
  'touser',
  'kind',
  'scene',
  'accepted',
  'refused',
  'text',
  'key',
  'ticket',
  'authoriser',
  'code',
]

/** One event by hand. `pushed` is false for an account without a callback. */
const sendEvent = (world: World, body: unknown): unknown => {
  const input = readInput(body, eventFields)
  const appid = knownAppid(world, input)
  const kind = needed('kind', input.choice('kind', kinds))
  return { appid, kind, pushed: world.happened(happeningOf(appid, kind, input)) }
}

const happeningOf = (appid: string, kind: (typeof kinds)[number], input: Input): Happening => {
  const authoriser = () => needed('authoriser', input.text('authoriser'))
  switch (kind) {
    case 'ticket':
      return { kind, appid, ticket: needed('ticket', input.text('ticket')) }
    case 'authorized':
    case 'updateauthorized':
      return { kind, appid, authoriser: authoriser(), code: needed('code', input.text('code')) }
    case 'unauthorized':
      return { kind, appid, authoriser: authoriser() }
  }
  const user = { appid, touser: needed('touser', input.text('touser')) }
  switch (kind) {
    case 'follow': {
      const scene = input.text('scene')
      return { ...user, kind, ...(scene !== undefined && { scene }) }
    }
    case 'unfollow':
    case 'session':
      return { ...user, kind }
    case 'popup':
      return { ...user, kind, decisions: decisionsOf(input) }
    case 'change':
      return { ...user, kind, refused: needed('refused', input.texts('refused')) }
    case 'message':
      return { ...user, kind, text: input.text('text') ?? '你好' }
    case 'click':
    case 'view':
    case 'scan':
      return { ...user, kind, key: needed('key', input.text('key')) }
  }
}

const decisionsOf = (input: Input): readonly Decision[] => {
  const decisions = (['accepted', 'refused'] as const).flatMap((name) =>
    (input.texts(name) ?? []).map((templateId) => ({ templateId, accepted: name === 'accepted' })),
  )
  if (decisions.length === 0) throw new BadInput('accepted or refused must name a template')
  return decisions
}
