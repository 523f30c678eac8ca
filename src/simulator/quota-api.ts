/** The APIs about the API: quota/get, the three ways of clearing quotas, and rid/get. */
import type { Account, AccountKind } from './account.ts'
import { queryValue, textField } from './call.ts'
import { success } from './reply.ts'
import { businessRoute, type Route } from './route.ts'
import { claimant, isAccount } from './token-api.ts'
import type { World } from './world.ts'

export const quotaGetPath = '/cgi-bin/openapi/quota/get'
export const clearQuotaPath = '/cgi-bin/clear_quota'
export const clearQuotaV2Path = '/cgi-bin/clear_quota/v2'
export const clearPathPath = '/cgi-bin/openapi/quota/clear'
export const ridGetPath = '/cgi-bin/openapi/rid/get'

/** By path: an API that exists has an entry, which names whose it is. */
export type KnownPaths = ReadonlyMap<string, AccountKind | undefined>

/** A path without a known daily limit is answered with 76021, as one that does not exist (D). */
export const quotaGetRoute = (world: World, paths: () => KnownPaths): Route =>
  businessRoute(world, {
    path: quotaGetPath,
    handle: ({ account, json, call }) => {
      const path = textField(json, 'cgi_path') ?? ''
      if (isOthers(account, paths().get(path))) return world.refuse(76022)
      const { limit, usedToday } = world.quota.usage(account.appid, path, world.limitsOf(account))
      if (limit.daily === undefined) return world.refuse(76021)
      const remain = Math.max(0, limit.daily - usedToday)
      const byComponent = call.token?.component === undefined ? undefined : limit.component
      return success({
        quota: { daily_limit: limit.daily, used: usedToday, remain },
        ...(limit.minute !== undefined && { rate_limit: aMinute(limit.minute) }),
        ...(byComponent !== undefined && { component_rate_limit: aMinute(byComponent) }),
      })
    },
  })

const aMinute = (callCount: number) => ({ call_count: callCount, refresh_second: 60 })

const isOthers = ({ kind }: Account, owner: AccountKind | undefined): boolean =>
  kind !== undefined && owner !== undefined && owner !== kind

export const clearQuotaRoute = (world: World): Route =>
  businessRoute(world, {
    path: clearQuotaPath,
    handle: ({ account, json, call }) => {
      const appid = textField(json, 'appid') ?? queryValue(call.search, 'appid')
      if (appid !== account.appid) return world.refuse(40013)
      return world.quota.clearDay(account.appid) ? success() : world.refuse(48006)
    },
  })

/** The same without a token. The page's sample has both fields in the query; we take either place (I). */
export const clearQuotaV2Route = (world: World): Route => ({
  method: 'POST',
  handle: (call) => {
    const field = (name: string) => textField(call.json, name) ?? queryValue(call.search, name)
    const account = claimant(world, {
      grantType: 'client_credential',
      appid: field('appid'),
      secret: field('appsecret'),
      clientIp: call.clientIp,
    })
    if (!isAccount(account)) return account
    return world.quota.clearDay(account.appid) ? success() : world.refuse(48006)
  },
})

/** One API only, fifty times a month (D). */
export const clearPathRoute = (world: World, paths: () => KnownPaths): Route =>
  businessRoute(world, {
    path: clearPathPath,
    handle: ({ account, json }) => {
      const path = textField(json, 'cgi_path') ?? ''
      if (!paths().has(path)) return world.refuse(76021)
      if (isOthers(account, paths().get(path))) return world.refuse(76022)
      return world.quota.clearPath(account.appid, path) ? success() : world.refuse(45009)
    },
  })

export const ridGetRoute = (world: World): Route =>
  businessRoute(world, {
    path: ridGetPath,
    handle: ({ call, account, json }) => {
      const found = world.ridLog.find(textField(json, 'rid') ?? '', call.at)
      if (found === undefined) return world.refuse(76001)
      if (found.appid !== account.appid) return world.refuse(76002)
      return success({
        request: {
          invoke_time: Math.floor(found.at / 1000),
          cost_in_ms: 1,
          request_url: found.url,
          request_body: found.body,
          response_body: found.response,
          client_ip: found.clientIp,
        },
      })
    },
  })
