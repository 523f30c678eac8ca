/**
 * The page for people, on the same port as the simulated API: `/` and everything under `/_ui/`, which no
 * path of WeChat begins with. Files come from memory, nothing comes from anywhere else.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AdminAnswer, AdminRoute } from './admin-routes.ts'
import { rowView } from './inbox-view.ts'
import { BadInput } from './input.ts'
import { readBody } from './read-body.ts'
import { readUiFiles } from './ui-files.ts'
import { refusalOf } from './ui-guard.ts'
import { uiRoutes, wantedBy } from './ui-routes.ts'
import { createStream } from './ui-stream.ts'
import type { World } from './world.ts'

export interface UiParts {
  readonly world: World
  /** The name or address the simulator was told to listen on. */
  readonly ownHost: string
  readonly adminUrl: string
  /** Everything the admin API can do; the page is lent some of it. */
  readonly admin: ReadonlyMap<string, AdminRoute>
}

/** Answers what is meant for the page; `false`: the request is one to WeChat. */
export type Ui = (req: IncomingMessage, res: ServerResponse) => boolean

export const createUi = ({ world, ownHost, adminUrl, admin }: UiParts): Ui => {
  const files = readUiFiles()
  const routes = uiRoutes({ world, adminUrl, admin })
  const stream = createStream({ inbox: world.inbox, view: (row) => rowView(world, row) })

  const answer = (req: IncomingMessage, res: ServerResponse, url: URL): void => {
    const file = files.get(url.pathname)
    if (file !== undefined && isRead(req)) {
      res.writeHead(200, { 'Content-Type': file.type, 'Content-Length': file.bytes.length })
      res.end(req.method === 'HEAD' ? undefined : file.bytes)
      return
    }
    if (url.pathname === '/_ui/events' && req.method === 'GET') {
      const after = String(req.headers['last-event-id'] ?? url.searchParams.get('after') ?? '')
      const { wanted } = wantedBy(world, url.searchParams.get('q') ?? '')
      stream.open(req, res, { after, wanted })
      return
    }
    const route = routes.get(`${req.method} ${url.pathname}`)
    if (route === undefined) write(res, { status: 404, json: { error: 'there is no such page' } })
    else readBody(req, (body) => void run(res, route, { body, query: url.searchParams }))
  }

  return (req, res) => {
    const path = req.url ?? '/'
    const isPage = isRead(req) && (path === '/' || path.startsWith('/?'))
    if (!isPage && !path.startsWith('/_ui/')) return false
    for (const [name, value] of headers) res.setHeader(name, value)
    // A link from elsewhere may open the page: it is what the page may do that is guarded.
    const refusal = isPage ? undefined : refusalOf(req, ownHost)
    if (refusal === undefined) answer(req, res, new URL(path, 'http://page'))
    else write(res, { status: 403, json: { error: refusal } })
    return true
  }
}

const isRead = ({ method }: IncomingMessage): boolean => method === 'GET' || method === 'HEAD'

const headers: readonly (readonly [string, string])[] = [
  [
    'Content-Security-Policy',
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
  ],
  ['X-Content-Type-Options', 'nosniff'],
  ['Referrer-Policy', 'no-referrer'],
  ['Cross-Origin-Opener-Policy', 'same-origin'],
  ['Cross-Origin-Resource-Policy', 'same-origin'],
  ['Cache-Control', 'no-cache'],
]

interface Asked {
  readonly body: string | undefined
  readonly query: URLSearchParams
}

const run = async (res: ServerResponse, route: AdminRoute, { body, query }: Asked): Promise<void> => {
  const gone = new AbortController()
  res.once('close', () => gone.abort())
  try {
    write(res, await route({ query, body: parseJson(body), signal: gone.signal }))
  } catch (cause) {
    if (!(cause instanceof BadInput)) process.emitWarning(cause instanceof Error ? cause : String(cause))
    const status = cause instanceof BadInput ? 400 : 500
    write(res, { status, json: { error: cause instanceof Error ? cause.message : String(cause) } })
  }
}

/** Nothing sent is an empty object. */
const parseJson = (body: string | undefined): unknown => {
  if (body === undefined) throw new BadInput('the body is too long')
  try {
    return body === '' ? {} : JSON.parse(body)
  } catch {
    throw new BadInput('the body is not JSON')
  }
}

const write = (res: ServerResponse, { status, json }: AdminAnswer): void => {
  if (res.destroyed) return
  const body = JSON.stringify(json)
  res.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) })
  res.end(body)
}
