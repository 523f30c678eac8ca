/** The admin API of third-party platforms: tickets, and what the owner of an account does in the console. */
import type { Account } from './account.ts'
import { funcsOf } from './account-input.ts'
import type { AdminRoute } from './admin-routes.ts'
import { BadInput, type Input, needed, readInput } from './input.ts'
import type { World } from './world.ts'

export const componentAdminRoutes = (world: World): [string, AdminRoute][] => [
  ['GET /_sim/component/ticket', ({ query }) => answer(ticketOf(world, query.get('appid') ?? undefined))],
  ['POST /_sim/component/ticket', ({ body }) => answer(renewTicket(world, body))],
  ['POST /_sim/component/authorize', ({ body }) => answer(authorize(world, body))],
  ['POST /_sim/component/unauthorize', ({ body }) => answer(unauthorize(world, body))],
]

const answer = (json: unknown) => ({ status: 200, json })

const platformOf = ({ accounts }: World, appid: string | undefined): Account => {
  const platform = accounts.get(needed('appid', appid))
  if (platform === undefined || platform.kind === 'official' || platform.kind === 'miniprogram')
    throw new BadInput(`${appid} is not a third-party platform`)
  return platform
}

const ticketOf = (world: World, given: string | undefined): unknown => {
  const { appid } = platformOf(world, given)
  const { text, at } = world.components.ticket(appid)
  return { appid, component_verify_ticket: text, at: new Date(at).toISOString() }
}

/** `{appid, ticket?}`: a new ticket, of our own choice unless it is given; it is pushed as well. */
const renewTicket = (world: World, body: unknown): unknown => {
  const input = readInput(body, ['appid', 'ticket'])
  const { appid } = platformOf(world, input.text('appid'))
  const { text } = world.components.renewTicket(appid, input.text('ticket'))
  world.happened({ kind: 'ticket', appid, ticket: text })
  return ticketOf(world, appid)
}

const parties = (world: World, input: Input) => {
  const component = platformOf(world, input.text('component_appid')).appid
  const appid = needed('appid', input.text('appid'))
  if (world.accounts.get(appid) === undefined) throw new BadInput(`${appid} is not an account`)
  return { component, appid }
}

/** `{component_appid, appid, funcs?}`: somebody scans the code; answers what the redirect would bring. */
const authorize = (world: World, body: unknown): unknown => {
  const input = readInput(body, ['component_appid', 'appid', 'funcs'])
  const { component, appid } = parties(world, input)
  const kind = world.components.find(component, appid) === undefined ? 'authorized' : 'updateauthorized'
  const { code, expiresAt } = world.components.authorize(component, { appid, ...funcsOf(input) })
  world.happened({ kind, appid: component, authoriser: appid, code })
  return { auth_code: code, expires_in: Math.ceil((expiresAt - world.clock.now()) / 1000) }
}

const unauthorize = (world: World, body: unknown): unknown => {
  const { component, appid } = parties(world, readInput(body, ['component_appid', 'appid']))
  const unauthorized = world.components.unauthorize(component, appid)
  if (unauthorized) world.happened({ kind: 'unauthorized', appid: component, authoriser: appid })
  return { unauthorized }
}
