/** The admin API of messages: what sending APIs were asked for, accepted or not, to be searched and deleted. */
import type { AdminRoute } from './admin-routes.ts'
import type { CallRow } from './calls.ts'
import type { Effect } from './effects.ts'
import { BadInput } from './input.ts'
import { parseSearch, type SearchNames } from './search.ts'
import type { Search } from './selection.ts'
import type { World } from './world.ts'

export const messageRoutes = (world: World): [string, AdminRoute][] => [
  ['GET /_sim/messages', ({ query }) => ({ status: 200, json: messagesOf(world, query) })],
  ['DELETE /_sim/messages', ({ query }) => ({ status: 200, json: forget(world, query) })],
]

/** Of a search text, with the names that this world's accounts and templates go by. */
export const searchOf = (world: World, text: string): Search => parseSearch(text, namesIn(world))

const namesIn = ({ accounts }: World): SearchNames => ({
  accountName: (appid) => accounts.get(appid)?.name,
  templateNames: (appid, templateId) => {
    const source = accounts.get(appid)?.templates.get(templateId)?.source
    return source === undefined ? [] : [source.title, ...(source.alias === undefined ? [] : [source.alias])]
  },
})

const usualLimit = 100
const longestList = 10_000

/** The newest that match, newest last. `total` is how many match among those still kept. */
const messagesOf = (world: World, query: URLSearchParams): unknown => {
  for (const name of query.keys())
    if (name !== 'q' && name !== 'limit') throw new BadInput(`${name} is not known here; known are q, limit`)
  const limit = query.get('limit') || String(usualLimit)
  if (!/^\d{1,9}$/.test(limit)) throw new BadInput('limit must be a whole number')
  const search = searchOf(world, query.get('q') ?? '')
  const found = inOrder(world, search)
  const wanted = Math.min(Number(limit), longestList)
  return {
    total: found.length,
    messages: found.slice(found.length - wanted).map((row) => messageJson(world, row)),
  }
}

type MessageRow = Effect | CallRow

/**
 * Messages that were accepted, and calls to sending APIs that led to none, as they came. The ledger of calls
 * knows the order; messages that are older than it come first.
 */
const inOrder = ({ effects, calls }: World, search: Search): MessageRow[] => {
  const all = calls.select({})
  const places = new Map<string, number>()
  const refused: Placed[] = []
  for (const [place, row] of all.entries()) {
    if (row.msgid !== null) {
      if (!places.has(row.msgid)) places.set(row.msgid, place)
    } else if (row.errcode !== 0 && isSending(row.path) && search(row)) refused.push({ place, row })
  }
  const accepted = effects
    .select({ search })
    .map((row): Placed => ({ place: places.get(row.msgid) ?? -1, row }))
  return [...accepted, ...refused].sort((a, b) => a.place - b.place).map(({ row }) => row)
}

interface Placed {
  readonly place: number
  readonly row: MessageRow
}

const isSending = (path: string): boolean =>
  path.startsWith('/cgi-bin/message/') && /(send|subscribe)$/.test(path)

const messageJson = ({ accounts }: World, row: MessageRow) => ({
  appid: row.appid,
  account: row.appid === null ? null : (accounts.get(row.appid)?.name ?? null),
  touser: row.touser,
  template_id: row.template_id,
  title: titleOf(accounts, row),
  client_msg_id: row.client_msg_id,
  msgid: row.msgid,
  data: row.data,
  at: new Date(row.at).toISOString(),
  path: row.path,
  errcode: 'errcode' in row ? row.errcode : 0,
  fault: 'fault' in row ? row.fault : null,
  receipt: 'receipt' in row ? row.receipt : null,
  tags: row.tags ?? [],
})

const titleOf = (accounts: World['accounts'], { appid, template_id: id }: MessageRow): string | null =>
  (appid !== null && id ? accounts.get(appid)?.templates.get(id)?.source.title : undefined) ?? null

const forget = (world: World, query: URLSearchParams): unknown => {
  if (query.size > 0) throw new BadInput('all messages are deleted at once; leave the query away')
  const deleted = world.effects.total()
  world.forgetMessages()
  return { deleted }
}
