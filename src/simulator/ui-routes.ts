/** What the page asks of the simulator: JSON in, JSON out, by method and path under `/_ui/`. */
import type { AdminAnswer, AdminRoute } from './admin-routes.ts'
import { demoAccounts } from './demo.ts'
import { parseRule } from './faults.ts'
import type { Captured } from './inbox.ts'
import { detailView, rowView, searchRow } from './inbox-view.ts'
import { BadInput, needed, readInput } from './input.ts'
import { matchesSearch, parseSearch } from './page-search.ts'
import type { World } from './world.ts'

export interface UiWorld {
  readonly world: World
  readonly adminUrl: string
  /** The routes of the admin API. The page may use some of them, under `/_ui/sim/`. */
  readonly admin: ReadonlyMap<string, AdminRoute>
}

export const uiRoutes = ({ world, adminUrl, admin }: UiWorld): ReadonlyMap<string, AdminRoute> =>
  new Map<string, AdminRoute>([
    ['GET /_ui/messages', ({ query }) => ok(listMessages(world, query))],
    ['GET /_ui/message', ({ query }) => oneMessage(world, query)],
    ['POST /_ui/read', ({ body }) => ok(markRead(world, body))],
    ['POST /_ui/clear', () => ok(clear(world))],
    ['GET /_ui/state', () => ok(stateOf(world, adminUrl, admin))],
    ['GET /_ui/recipient', ({ query }) => ok(recipientOf(world, query))],
    ['GET /_ui/faults', () => ok(faultsOf(world))],
    ['POST /_ui/faults', ({ body }) => ok(changeFaults(world, body))],
    ...lent(admin),
  ])

const ok = (json: unknown): AdminAnswer => ({ status: 200, json })

/** Part of the admin API, as far as this simulator has it. */
const lentNames = ['recipients', 'clock', 'grants', 'events'] as const

const lent = (admin: UiWorld['admin']): readonly (readonly [string, AdminRoute])[] =>
  lentNames.flatMap((name) =>
    ['GET', 'POST'].flatMap((method) => {
      const route = admin.get(`${method} /_sim/${name}`)
      return route === undefined ? [] : [[`${method} /_ui/sim/${name}`, route] as const]
    }),
  )

const pageLength = 100

/** The rows that a search line wants. */
export const wantedBy = (world: World, line: string) => {
  const search = parseSearch(line)
  const wanted = (row: Captured): boolean =>
    search.terms.length === 0 || matchesSearch(searchRow(world, row), search)
  return { wanted, unreadable: search.unreadable }
}

/** Newest first: up to 100 below the id `before`. */
const listMessages = (world: World, query: URLSearchParams): unknown => {
  const { wanted, unreadable } = wantedBy(world, query.get('q') ?? '')
  const before = Number(query.get('before') ?? Infinity)
  const found: Captured[] = []
  const all = world.inbox.after(0)
  for (let i = all.length - 1; i >= 0 && found.length <= pageLength; i--) {
    const row = all[i]
    if (row !== undefined && row.id < before && wanted(row)) found.push(row)
  }
  return {
    rows: found.slice(0, pageLength).map((row) => rowView(world, row)),
    more: found.length > pageLength,
    unreadable,
    /** Where the events go on from here. */
    after: `${world.inbox.epoch()}:${all.at(-1)?.id ?? 0}`,
    ...world.inbox.counts(),
  }
}

const oneMessage = (world: World, query: URLSearchParams): AdminAnswer => {
  const row = world.inbox.find(Number(query.get('id')))
  return row === undefined
    ? { status: 404, json: { error: 'this message is not kept any more' } }
    : ok(detailView(world, row))
}

/** One message, or all that a search wants. */
const markRead = (world: World, body: unknown): unknown => {
  const input = readInput(body, ['id', 'q'])
  const id = input.number('id', { min: 0, integer: true })
  const { wanted } = wantedBy(world, input.text('q') ?? '')
  world.inbox.markRead(id === undefined ? wanted : (row) => row.id === id)
  return world.inbox.counts()
}

/** Empties the list. The ledgers and the truth stay as they are. */
const clear = ({ inbox }: World): unknown => {
  inbox.clear()
  return inbox.counts()
}

const stateOf = (world: World, adminUrl: string, admin: UiWorld['admin']): unknown => ({
  admin: adminUrl,
  keeps: world.keepsBodies,
  offers: lentNames.filter((name) => admin.has(`POST /_sim/${name}`)),
  accounts: Array.from(world.accounts.list(), ({ name, appid, secret, kind }) => ({
    name,
    appid,
    kind: kind ?? 'any',
    // Only secrets that are none: who configures accounts of his own may have put real ones there.
    secret: demoAccounts.some((demo) => demo.secret === secret) ? secret : null,
  })).slice(0, accountsShown),
  demo: demoOf(world),
})

const accountsShown = 100

/** What the commands of an empty list are made of, where a demo account is there to send with. */
const demoOf = ({ accounts }: World): unknown => {
  const demo = demoAccounts.find(({ appid, secret }) => accounts.known(appid)?.secret === secret)
  const [template] = demo?.templates ?? []
  if (demo === undefined || template === undefined) return null
  const data = Object.entries(template.example ?? {}).map(([key, value]) => [key, { value }])
  return {
    appid: demo.appid,
    secret: demo.secret,
    message: {
      touser: demo.openids[0],
      template_id: template.template_id,
      client_msg_id: 'hello-1',
      url: 'https://example.com/orders/1',
      data: Object.fromEntries(data),
    },
  }
}

const recipientOf = ({ recipients }: World, query: URLSearchParams): unknown => {
  const appid = needed('appid', query.get('appid') ?? undefined)
  const touser = needed('touser', query.get('touser') ?? undefined)
  return { appid, touser, ...recipients.stateOf(appid, touser) }
}

const faultsOf = ({ faults }: World): unknown => ({
  rules: faults.list().map(({ id, given, hits, count }) => ({ id, given, hits, spent: hits >= count })),
})

const rulesAtMost = 100

/** One of: `add` a rule in front of the others, `remove` one by its id, `clear` all. Other rules keep their hits. */
const changeFaults = (world: World, body: unknown): unknown => {
  const input = readInput(body, ['add', 'remove', 'clear'])
  const rules = world.faults.list()
  const remove = input.number('remove', { min: 0, integer: true })
  if (input.flag('clear')) world.faults.clear()
  if (remove !== undefined) world.faults.replace(rules.filter(({ id }) => id !== remove))
  if (input.given.add !== undefined) {
    if (rules.length >= rulesAtMost) throw new BadInput(`there are ${rulesAtMost} rules already`)
    const id = Math.max(0, ...rules.map((rule) => rule.id)) + 1
    world.faults.replace([parseRule(input.given.add, id), ...rules])
  }
  return faultsOf(world)
}
