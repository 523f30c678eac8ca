/** The APIs of third-party platforms: /cgi-bin/component/*. */
import { type Account, ipAllowed } from './account.ts'
import { type Call, queryValue, textField } from './call.ts'
import { type Authorized, codeLifeMs } from './components.ts'
import { type Reply, success } from './reply.ts'
import type { Route } from './route.ts'
import type { World } from './world.ts'

/** By path. */
export const componentRoutes = (world: World): [path: string, route: Route][] => [
  ['/cgi-bin/component/api_start_push_ticket', secretRoute(world, 'component_secret', startPush)],
  ['/cgi-bin/component/api_component_token', secretRoute(world, 'component_appsecret', componentToken)],
  ['/cgi-bin/component/api_create_preauthcode', tokenRoute(world, preAuthCode)],
  ['/cgi-bin/component/api_query_auth', tokenRoute(world, queryAuth)],
  ['/cgi-bin/component/api_authorizer_token', tokenRoute(world, authorizerToken)],
  ['/cgi-bin/component/api_get_authorizer_info', tokenRoute(world, authorizerInfo)],
  ['/cgi-bin/component/api_get_authorizer_list', tokenRoute(world, authorizerList)],
]

interface Asked {
  readonly world: World
  /** The platform. */
  readonly platform: Account
  readonly json: Readonly<Record<string, unknown>>
}

type Answer = (asked: Asked) => Reply

/** The platform that a call names, with the checks that come before any secret or token of it. */
const platformOf = ({ accounts, refuse }: World, { json, clientIp }: Call): Account | Reply => {
  if (typeof json === 'number') return refuse(json)
  const appid = textField(json, 'component_appid')
  if (!appid) return refuse(41018)
  const platform = accounts.get(appid)
  if (platform === undefined || platform.kind === 'official' || platform.kind === 'miniprogram')
    return refuse(40013)
  if (!ipAllowed(platform.flags, clientIp)) return refuse(61004)
  return platform
}

const isPlatform = (found: Account | Reply): found is Account => 'templates' in found

/** Proved by the secret. */
const secretRoute = (world: World, field: string, answer: Answer): Route => ({
  method: 'POST',
  handle: (call) => {
    const platform = platformOf(world, call)
    if (!isPlatform(platform)) return platform
    const json = call.json as Readonly<Record<string, unknown>>
    if (!world.accounts.acceptAny && json[field] !== platform.secret) return world.refuse(40125)
    return answer({ world, platform, json })
  },
})

/** Proved by the component_access_token, which newer pages also call access_token. */
const tokenRoute = (world: World, answer: Answer): Route => ({
  method: 'POST',
  handle: (call) => {
    const { refuse, tokens } = world
    const text = queryValue(call.search, 'component_access_token') ?? queryValue(call.search, 'access_token')
    if (!text) return refuse(41021)
    const { errcode, world: kind, appid } = tokens.check(text)
    if (errcode !== 0) return refuse(errcode === 42001 ? 42006 : errcode)
    if (kind !== 'component') return refuse(61014)
    const platform = platformOf(world, call)
    if (!isPlatform(platform)) return platform
    if (platform.appid !== appid) return refuse(40094)
    return answer({ world, platform, json: call.json as Readonly<Record<string, unknown>> })
  },
})

/** The ticket that is good now is pushed once more, to whoever the platform has told of its callback. */
const startPush: Answer = ({ world, platform: { appid } }) => {
  world.happened({ kind: 'ticket', appid, ticket: world.components.ticket(appid).text })
  return success()
}

const componentToken: Answer = ({ world, platform, json }) => {
  const ticket = textField(json, 'component_verify_ticket') ?? ''
  const errcode = world.accounts.acceptAny ? 0 : world.components.checkTicket(platform.appid, ticket)
  if (errcode !== 0) return world.refuse(errcode)
  const { token, expiresIn } = world.tokens.renewComponent(platform.appid)
  return bare({ component_access_token: token, expires_in: expiresIn })
}

/** A success without an errcode (D). */
const bare = (fields: object): Reply => ({ errcode: 0, body: JSON.stringify(fields) })

const preAuthCode: Answer = ({ world, platform }) =>
  bare({
    pre_auth_code: world.components.preAuthCode(platform.appid).code,
    expires_in: codeLifeMs / 1000,
  })

const queryAuth: Answer = ({ world, platform, json }) => {
  const code = textField(json, 'authorization_code') ?? ''
  const found = world.components.redeem(platform.appid, code)
  return typeof found === 'number'
    ? world.refuse(found)
    : bare({ authorization_info: { ...freshToken(world, found), func_info: funcInfo(found) } })
}

const freshToken = (world: World, { appid, component, refreshToken }: Authorized) => {
  const { token, expiresIn } = world.tokens.renewAuthorizer(appid, component)
  return {
    authorizer_appid: appid,
    authorizer_access_token: token,
    expires_in: expiresIn,
    authorizer_refresh_token: refreshToken,
  }
}

/** Of an account that has given everything: what concerns messages. */
const everyFunc = [7, 18, 89, 100, 101]

const funcInfo = ({ funcs = everyFunc }: Authorized) => funcs.map((id) => ({ funcscope_category: { id } }))

const authorizerToken: Answer = ({ world, platform, json }) => {
  const found = world.components.find(platform.appid, textField(json, 'authorizer_appid') ?? '')
  if (found === undefined) return world.refuse(61003)
  if (json.authorizer_refresh_token !== found.refreshToken) return world.refuse(61023)
  const { authorizer_appid: _appid, ...answer } = freshToken(world, world.components.refreshed(found))
  return bare(answer)
}

const authorizerInfo: Answer = ({ world, platform, json }) => {
  const found = world.components.find(platform.appid, textField(json, 'authorizer_appid') ?? '')
  if (found === undefined) return world.refuse(61003)
  return bare({
    authorizer_info: { nick_name: world.accounts.get(found.appid)?.name ?? found.appid },
    authorization_info: {
      authorizer_appid: found.appid,
      authorizer_refresh_token: found.refreshToken,
      func_info: funcInfo(found),
    },
  })
}

const longestList = 500

const authorizerList: Answer = ({ world, platform, json }) => {
  const { offset = 0, count = longestList } = json
  if (typeof offset !== 'number' || typeof count !== 'number') return world.refuse(40035)
  const all = world.components.list(platform.appid)
  return bare({
    total_count: all.length,
    list: all.slice(offset, offset + Math.min(count, longestList)).map(({ appid, refreshToken, at }) => ({
      authorizer_appid: appid,
      refresh_token: refreshToken,
      auth_time: Math.floor(at / 1000),
    })),
  })
}
