/** The admin API of permissions: `/_sim/grants` and `/_sim/interactions`. */
import { countsGrants } from './acceptance.ts'
import type { Account } from './account.ts'
import type { AdminRoute } from './admin-routes.ts'
import { happeningFor } from './consequences.ts'
import { grantJson, isWindow, parseGrant, parseInteraction } from './grant-input.ts'
import type { Held, Holder } from './grants.ts'
import { BadInput } from './input.ts'
import type { World } from './world.ts'

export const grantRoutes = (world: World): [string, AdminRoute][] => [
  ['GET /_sim/grants', ({ query }) => ({ status: 200, json: grantsOf(world, query) })],
  [
    'POST /_sim/grants',
    ({ body }) => ({ status: 200, json: give(world, parseGrant(body, world.clock.now())) }),
  ],
  ['POST /_sim/interactions', ({ body }) => ({ status: 200, json: interact(world, body) })],
]

const grantsOf = (world: World, query: URLSearchParams): unknown => {
  for (const name of query.keys())
    if (name !== 'appid' && name !== 'touser')
      throw new BadInput(`${name} is not known here; known are appid, touser`)
  const appid = query.get('appid') || undefined
  const touser = query.get('touser') || undefined
  return listing(world, { ...(appid && { appid }), ...(touser && { touser }) })
}

/** What is held, and whether anybody counts it. */
const listing = (world: World, wanted: Partial<Holder>): unknown => {
  const account = wanted.appid === undefined ? undefined : world.accounts.get(wanted.appid)
  const counted = account === undefined ? world.switches.grants === 'counted' : countsGrants(world, account)
  const held = world.grants.list(world.clock.now(), wanted)
  return {
    mode: counted ? 'counted' : 'boundless',
    grants: held.filter((each) => !isWindow(each)).map(grantJson),
    windows: held.filter(isWindow).map(grantJson),
  }
}

/** A user nobody has heard of becomes one of the account's. Answers all that this user has given. */
const give = (world: World, held: Held): unknown => {
  accountOf(world, held.appid).openids.add(held.touser)
  world.give(held)
  return listing(world, holderOf(held))
}

const holderOf = ({ appid, touser }: Holder): Holder => ({ appid, touser })

const accountOf = ({ accounts }: World, appid: string): Account => {
  const account = accounts.get(appid)
  if (account === undefined) throw new BadInput(`${appid} is not an account`)
  return account
}

/** The user does it: the window opens, and whoever the account has told of its callback hears of it. */
const interact = (world: World, body: unknown): unknown => {
  const kindOf = (appid: string) => accountOf(world, appid).kind
  const held = parseInteraction(body, { now: world.clock.now(), kindOf })
  accountOf(world, held.appid).openids.add(held.touser)
  if (held.grant.kind === 'window') world.happened(happeningFor(held, held.grant.what))
  // With a count or an end of the caller's own, it takes the place of the usual one.
  return give(world, held)
}
