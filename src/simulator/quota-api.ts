/** The APIs about the API: quota/get, clear_quota and rid/get. */
import { textField } from './call.ts'
import { success } from './reply.ts'
import { businessRoute, type Route } from './route.ts'
import type { World } from './world.ts'

export const quotaGetPath = '/cgi-bin/openapi/quota/get'
export const clearQuotaPath = '/cgi-bin/clear_quota'
export const ridGetPath = '/cgi-bin/openapi/rid/get'

/** A path without a known daily limit is answered with 76021, as one that does not exist (D). */
export const quotaGetRoute = (world: World): Route =>
  businessRoute(world, {
    path: quotaGetPath,
    handle: ({ account, json }) => {
      const path = textField(json, 'cgi_path') ?? ''
      const { limit, usedToday } = world.quota.usage(account.appid, path, world.limitsOf(account))
      if (limit.daily === undefined) return world.refuse(76021)
      const remain = Math.max(0, limit.daily - usedToday)
      const rate = { rate_limit: { call_count: limit.minute, refresh_second: 60 } }
      return success({
        quota: { daily_limit: limit.daily, used: usedToday, remain },
        ...(limit.minute === undefined ? {} : rate),
      })
    },
  })

export const clearQuotaRoute = (world: World): Route =>
  businessRoute(world, {
    path: clearQuotaPath,
    handle: ({ account, json }) => {
      if (json.appid !== account.appid) return world.refuse(40013)
      return world.quota.clearDay(account.appid) ? success() : world.refuse(48006)
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
