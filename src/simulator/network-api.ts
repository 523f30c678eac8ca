/** The two lists of addresses, and the check of the way from WeChat to a callback server. */
import { textField } from './call.ts'
import type { Reply } from './reply.ts'
import { success } from './reply.ts'
import { type Business, businessRoute, type Route } from './route.ts'
import type { World } from './world.ts'

/** By path. */
export const networkRoutes = (world: World): [path: string, route: Route][] => [
  addressesRoute(world, '/cgi-bin/getcallbackip'),
  addressesRoute(world, '/cgi-bin/get_api_domain_ip'),
  [
    '/cgi-bin/callback/check',
    businessRoute(world, { path: '/cgi-bin/callback/check', handle: (business) => check(world, business) }),
  ],
]

/** The simulator calls from this machine. The lists carry no errcode (D). */
const addressesRoute = (world: World, path: string): [string, Route] => [
  path,
  businessRoute(world, {
    path,
    method: 'GET',
    handle: () => ({ errcode: 0, body: JSON.stringify({ ip_list: ['127.0.0.1', '::1'] }) }),
  }),
]

const actions = ['dns', 'ping', 'all']
const operators = ['CHINANET', 'UNICOM', 'CAP', 'DEFAULT']

/** Always in good health: nothing is looked up and nobody is called. */
const check = ({ refuse }: World, { json }: Business): Reply => {
  const action = textField(json, 'action') ?? ''
  const operator = textField(json, 'check_operator') ?? 'DEFAULT'
  if (!actions.includes(action)) return refuse(40202)
  if (!operators.includes(operator)) return refuse(40203)
  const dns = [{ ip: '127.0.0.1', real_operator: operator }]
  const ping = [{ ip: '127.0.0.1', from_operator: operator, package_loss: '0%', time: '1ms' }]
  return success({ ...(action !== 'ping' && { dns }), ...(action !== 'dns' && { ping }) })
}
