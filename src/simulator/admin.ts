/** The admin API: JSON in, JSON out, `{error}` with 400 or 404 for what cannot be done. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type AdminAnswer, type AdminRoute, adminRoutes } from './admin-routes.ts'
import type { Listener } from './api.ts'
import { BadInput } from './input.ts'
import { readBody } from './read-body.ts'
import type { Played } from './scenario.ts'
import type { World } from './world.ts'

export const createAdmin = (
  world: World,
  played: Played,
  more: ReadonlyMap<string, AdminRoute>,
): Listener => {
  const routes = new Map([...adminRoutes(world, played), ...more])
  return (req, res) => {
    const { pathname, searchParams } = new URL(req.url ?? '/', 'http://admin')
    const route = routes.get(`${req.method} ${pathname}`)
    if (route === undefined) return write(res, { status: 404, json: { error: unknownPath(req, pathname) } })
    readBody(req, async (body) => {
      try {
        write(res, await route({ query: searchParams, body: parseJson(body), signal: hangUp(res) }))
      } catch (cause) {
        if (!(cause instanceof BadInput)) process.emitWarning(cause instanceof Error ? cause : String(cause))
        const status = cause instanceof BadInput ? 400 : 500
        write(res, { status, json: { error: cause instanceof Error ? cause.message : String(cause) } })
      }
    })
  }
}

const unknownPath = (req: IncomingMessage, path: string): string => `there is no ${req.method} ${path}`

/** Nothing sent is an empty object. */
const parseJson = (body: string | undefined): unknown => {
  if (body === undefined) throw new BadInput('the body is too long')
  if (body === '') return {}
  try {
    return JSON.parse(body)
  } catch {
    throw new BadInput('the body is not JSON')
  }
}

/** Aborts when the caller is gone or has been answered. */
const hangUp = (res: ServerResponse): AbortSignal => {
  const controller = new AbortController()
  res.once('close', () => controller.abort())
  return controller.signal
}

const write = (res: ServerResponse, { status, json }: AdminAnswer): void => {
  if (res.destroyed) return
  const body = JSON.stringify(json)
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  res.end(body)
}
