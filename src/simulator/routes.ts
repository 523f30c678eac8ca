/** Every path of the simulated WeChat. */
import type { AccountKind } from './account.ts'
import { componentRoutes } from './component-api.ts'
import { customSendPath, customSendRoute } from './custom-send.ts'
import { formSendPath, formSendRoute, uniformSendPath, uniformSendRoute } from './form-send.ts'
import { networkRoutes } from './network-api.ts'
import { newtmplRoutes } from './newtmpl-api.ts'
import { onceSendPath, onceSendRoute } from './once-send.ts'
import {
  clearPathPath,
  clearPathRoute,
  clearQuotaPath,
  clearQuotaRoute,
  clearQuotaV2Path,
  clearQuotaV2Route,
  quotaGetPath,
  quotaGetRoute,
  ridGetPath,
  ridGetRoute,
} from './quota-api.ts'
import type { Route } from './route.ts'
import {
  bizsend,
  bizsendPath,
  sendRoute,
  subscribeSend,
  subscribeSendPath,
  templateSend,
  templateSendPath,
} from './send.ts'
import { templateRoutes } from './template-api.ts'
import { stableTokenPath, stableTokenRoute, tokenPath, tokenRoute } from './token-api.ts'
import type { World } from './world.ts'

export const routesOf = (world: World): ReadonlyMap<string, Route> => {
  const routes: ReadonlyMap<string, Route> = new Map<string, Route>([
    [tokenPath, tokenRoute(world)],
    [stableTokenPath, stableTokenRoute(world)],
    [templateSendPath, sendRoute(world, templateSend)],
    [subscribeSendPath, sendRoute(world, subscribeSend)],
    [bizsendPath, sendRoute(world, bizsend)],
    [onceSendPath, onceSendRoute(world)],
    [customSendPath, customSendRoute(world)],
    [formSendPath, formSendRoute(world)],
    [uniformSendPath, uniformSendRoute(world)],
    ...templateRoutes(world),
    ...newtmplRoutes(world),
    [quotaGetPath, quotaGetRoute(world, () => owners)],
    [clearQuotaPath, clearQuotaRoute(world)],
    [clearQuotaV2Path, clearQuotaV2Route(world)],
    [clearPathPath, clearPathRoute(world, () => owners)],
    [ridGetPath, ridGetRoute(world)],
    ...networkRoutes(world),
    ...componentRoutes(world),
  ])
  const owners: ReadonlyMap<string, AccountKind | undefined> = new Map(
    Array.from(routes, ([path, { kind }]) => [path, kind]),
  )
  return routes
}
