import { type TestContext, test } from 'node:test'
import { StorageFailed } from '../../src/engines/embedded/embedded.ts'
import { problems } from '../../src/gateway/problems.ts'
import { HistoryAway } from '../../src/history.ts'
import {
  type Answer,
  aBody,
  canary,
  exchangeBytes,
  type GatewayOptions,
  openGateway,
  type TestGateway,
  theirShop,
} from '../support/gateway.ts'
import { type Circumstance, type Refusal, sections } from './refusals.ts'

const rejecting = (error: () => Error) => () => Promise.reject(error())

/** A failure as the engine tells of it; what it says must not reach a caller. */
const storageFailed = () => new StorageFailed(`disk I/O error ${canary}`)
const storageFull = () => new StorageFailed('database or disk is full')
const away = () => new HistoryAway(new Error(`connect ECONNREFUSED ${canary}`))
const fault = () => new TypeError(`Cannot read properties of ${canary}`)

const circumstances: Readonly<Record<Circumstance, GatewayOptions>> = {
  usual: {},
  impatient: { arrival: { headersMs: 500, requestMs: 800, checkEveryMs: 50 } },
  'without bearer': { parts: () => ({ allowBearer: false }) },
  'nonce store down': { parts: () => ({ coordination: { claimNonce: rejecting(fault) } }) },
  'store failed': {
    parts: ({ queue, ledger, directory }) => ({
      queue: { ...queue, publish: rejecting(storageFailed), cancel: rejecting(storageFailed) },
      ledger: { ...ledger, find: rejecting(storageFailed) },
      directory: { ...directory, putKey: rejecting(storageFailed) },
    }),
  },
  'store full': { parts: ({ queue }) => ({ queue: { ...queue, publish: rejecting(storageFull) } }) },
  'history away': {
    parts: ({ ledger }) => ({ ledger: { ...ledger, find: rejecting(away), search: rejecting(away) } }),
  },
  'store at fault': {
    parts: ({ ledger }) => ({ ledger: { ...ledger, find: rejecting(fault), search: rejecting(fault) } }),
  },
  overloaded: { parts: () => ({ pending: () => 1_000_000 }) },
  'under siege': {},
}

interface Place {
  readonly gateway: TestGateway
  /** A message of the other tenant. */
  readonly theirs: string
}

/** One gateway for each circumstance, opened by the first row that needs it. */
const createPlaces = (t: TestContext): ((when: Circumstance) => Promise<Place>) => {
  const places = new Map<Circumstance, Promise<Place>>()
  const open = async (when: Circumstance): Promise<Place> => {
    const gateway = await openGateway(t, circumstances[when])
    const message = await gateway.ask({ as: 'rival', body: aBody({ account: theirShop.name }) })
    if (when === 'under siege') await besiege(gateway)
    return { gateway, theirs: message.json.id }
  }
  return (when) => {
    const place = places.get(when) ?? open(when)
    places.set(when, place)
    return place
  }
}

const besiege = async ({ ask }: TestGateway): Promise<void> => {
  const attackers = Array.from({ length: 20 }, async () => {
    for (let n = 0; n < 50; n++) await ask({ method: 'GET', scheme: 'bearer', secret: 'wrong' })
  })
  await Promise.all(attackers)
}

const send = ({ gateway, theirs }: Place, request: Refusal['request']): Promise<Answer> =>
  'bytes' in request
    ? exchangeBytes(gateway.port, request)
    : gateway.ask({ ...request, ...(request.path && { path: request.path.replace('{theirs}', theirs) }) })

test('the security table', { concurrency: 16 }, async (t) => {
  const placeOf = createPlaces(t)
  const rows = sections.flatMap(({ refusals }) => refusals)
  await Promise.all(
    rows.map(({ row, name, ...refusal }) =>
      t.test(
        `${row.en} · ${name}: ${refusal.status} ${refusal.code ?? ''}`,
        { timeout: 30_000 },
        async (t) => {
          const place = await placeOf(refusal.when ?? 'usual')
          if (refusal.first) await place.gateway.ask(refusal.first)
          const answer = await send(place, refusal.request)
          t.assert.deepEqual(
            { status: answer.status, code: answer.json?.code },
            { status: refusal.status, code: refusal.code },
            answer.text,
          )
          if (refusal.answer) t.assert.partialDeepStrictEqual(answer.json, refusal.answer)
          for (const [header, shape] of Object.entries(refusal.headers ?? {}))
            t.assert.match(String(answer.headers[header]), shape)
          if (refusal.closes) t.assert.equal(answer.headers.connection, 'close')
          keepsTheForm(t, answer)
          tellsNothing(t, answer)
        },
      ),
    ),
  )
  for (const { gateway } of await Promise.all(
    Object.keys(circumstances).map((when) => placeOf(when as Circumstance)),
  ))
    t.assert.equal((await gateway.ask({ method: 'GET', path: '/livez' })).status, 200)
})

/** What every answer has, and what every refusal has. */
const keepsTheForm = (t: TestContext, { status, headers, json }: Answer): void => {
  t.assert.ok(!Number.isNaN(Date.parse(String(headers.date))), 'There is no Date')
  if (status < 400) return
  t.assert.match(String(headers['content-type']), /^application\/problem\+json/)
  t.assert.deepEqual(
    { type: json.type, status: json.status, title: json.title },
    {
      type: `urn:hongyan:problem:${json.code}`,
      status,
      title: problems[json.code as keyof typeof problems].title.en,
    },
  )
  t.assert.match(json.request_id, /^req_\w+$/)
  for (const finding of json.errors ?? [])
    t.assert.deepEqual(
      [typeof finding.pointer, finding.code in problems, typeof finding.message],
      ['string', true, 'string'],
    )
  if (status === 401) t.assert.match(String(headers['www-authenticate']), /^HONGYAN-HMAC-SHA256/)
  if (status === 503) t.assert.match(String(headers['retry-after']), /^\d+$/)
}

/** No stack, no path, no name of a part; and when the fault is ours, nothing of what was sent. */
const tellsNothing = (t: TestContext, { status, text }: Answer): void => {
  if (status < 400) return
  t.assert.doesNotMatch(
    text,
    /\bat \S+ \(|\.[jt]s:\d|node:|node_modules|FST_|HPE_|SQLITE|TypeError|StorageFailed/i,
  )
  t.assert.doesNotMatch(text, /secret-of-|wechat-secret/)
  if (status >= 500) t.assert.doesNotMatch(text, new RegExp(canary))
}
