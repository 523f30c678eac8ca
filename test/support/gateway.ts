/** A gateway on a free port with a real engine below it, and callers that sign as ours do. */
import { createHmac, randomBytes } from 'node:crypto'
import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { connect } from 'node:net'
import type { TestContext } from 'node:test'
import { type Account, openDirectory, type Scope } from '../../src/directory.ts'
import { type ArrivalLimits, type GatewayParts, startGateway } from '../../src/gateway/gateway.ts'
import { createObserver } from '../../src/observe.ts'
import type { Delivery } from '../../src/queue.ts'
import type { Settlement } from '../../src/settlement.ts'
import { authorizationOf, bodyDigest, signParams } from '../../src/signing.ts'
import { createVault } from '../../src/vault.ts'
import { createWebhookAddresses } from '../../src/webhooks/address.ts'
import { checkUrl, readCallback } from '../../src/wechat/callback.ts'
import { atEnd } from './at-end.ts'
import { createTestClock, type TestClock } from './clock.ts'
import { openEngine } from './embedded.ts'
import { temporaryFolder } from './folder.ts'

/** All that a tenant needs. */
const scopes = ['send', 'read', 'admin'] as const

/** Who may ask. `acme` has four keys; `rival` is another tenant; `operator` belongs to neither, and looks after both. */
const callers = {
  acme: { tenant: 'acme', scopes },
  sender: { tenant: 'acme', scopes: ['send'] },
  reader: { tenant: 'acme', scopes: ['read'] },
  /** A key that is being rotated: it has two secrets. */
  rotating: { tenant: 'acme', scopes },
  rival: { tenant: 'rival', scopes },
  operator: { tenant: 'default', scopes: ['operator'] },
  /** Its tenant may hand over one message a second, and have no more than it has. */
  limited: { tenant: 'small', scopes },
  /** A key that has run out. */
  expired: { tenant: 'acme', scopes },
  /** A key of a tenant that is disabled. */
  disabled: { tenant: 'closed', scopes },
} as const satisfies Record<string, { readonly tenant: string; readonly scopes: readonly Scope[] }>

/** `removed` was a key once; `nobody` never was. */
export type Caller = keyof typeof callers | 'removed' | 'nobody'

export const keyIdOf = (caller: Caller): string => `key_${caller}`
export const secretOf = (caller: Caller): string => `secret-of-${caller}-with-32-characters-or-more`
/** The one that `rotating` will do without soon. */
export const olderSecret = 'older-secret-with-32-characters-or-more'

const account = (tenant: string, name: string, rest: Pick<Account, 'appid' | 'kind'>): Account => ({
  tenant,
  name,
  secret: `wechat-secret-of-${name}`,
  tokenApi: 'stable',
  templates: [{ templateId: 'tpl-shipped', alias: 'shipped', title: 'Shipped' }],
  ...rest,
})

export const shop = account('acme', 'shop', { appid: 'wx0000000000000001', kind: 'official' })
export const mini = account('acme', 'mini', { appid: 'wx0000000000000002', kind: 'miniprogram' })
export const theirShop = account('rival', 'their-shop', { appid: 'wx0000000000000003', kind: 'official' })

/** Stands in every message, and must never be seen in an answer of ours to a fault of ours. */
export const canary = 'canary-5b1f'

/** What a caller writes when nothing is wrong with it. */
export const aBody = (overrides: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
  account: 'shop',
  touser: 'oABCDEFGHIJKLMNOPQRSTUVWXYZ0',
  template_id: 'shipped',
  data: { thing1: canary },
  ...overrides,
})

/** One request, as its caller means it. Everything has a default that is right. */
export interface Ask {
  /** `POST` by default. */
  readonly method?: string
  /** With its query; `/v1/messages` by default. `{theirs}` stands for the id of a message of `rival`. */
  readonly path?: string
  /** A text or bytes go as they are, anything else as JSON. By default a message when one is posted. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly as?: Caller
  readonly secret?: string
  /** How it is signed; `v1` by default. */
  readonly scheme?: 'v1' | 'params' | 'bearer' | 'none'
  /** How far the caller's clock is from ours. */
  readonly secondsOff?: number
  /** In place of the caller's clock. */
  readonly timestamp?: string
  /** A fresh one by default. */
  readonly nonce?: string
  /** What happens to it between the signature and us. */
  readonly tamper?: (wire: Wire) => Wire
  /** The local address that it comes from. */
  readonly from?: string
  /** Sent in pieces, without a length. */
  readonly chunked?: boolean
}

/** A request as it travels. */
export interface Wire {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | undefined
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of an answer by looking into it
  readonly json: any
}

export type TestGateway = Awaited<ReturnType<typeof openGateway>>

export interface GatewayOptions {
  readonly folder?: string
  readonly clock?: TestClock
  readonly arrival?: ArrivalLimits
  /** Parts in place of the real ones; given those, for what wraps them. */
  readonly parts?: (real: GatewayParts) => Partial<GatewayParts>
}

const masterKey = Buffer.alloc(32, 7).toString('base64')

/** Time stands still at the moment of the test, because ids of messages are made with the machine's clock. */
export const openGateway = async (t: TestContext, options: GatewayOptions = {}) => {
  const { folder = temporaryFolder(t), clock = createTestClock(Date.now()), parts = () => ({}) } = options
  const engine = await openEngine(t, { folder, clock })
  const vault = createVault(masterKey)
  const directory = await openDirectory(engine.directoryRecords, vault)
  if (directory.keys('acme').length === 0) await furnish(directory, clock.now())
  const observer = createObserver()
  const real: GatewayParts = {
    ...engine,
    directory,
    observer,
    clock,
    readiness: { started: true, draining: false },
    holdOver: () => undefined,
    webhookFault: createWebhookAddresses([]).fault,
    callbacks: { reader: { checkUrl, readCallback }, onPlatformEvent: async () => {} },
    version: '0.0.0-test',
    allowBearer: true,
    defaultLifeMs: 72 * 3_600_000,
    facadeKeys: vault.keysFor('facade-token'),
  }
  const gateway = await startGateway(
    { ...real, ...parts(real) },
    { host: '127.0.0.1', port: 0 },
    options.arrival,
  )
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= gateway.close().then(() => engine.close())
    agent.destroy()
    return closing
  }
  atEnd(t, close)
  const port = Number(new URL(gateway.url).port)
  const ask = (what: Ask = {}): Promise<Answer> => exchange(port, agent, wireOf(what, clock.now()), what)
  return { ...engine, url: gateway.url, port, clock, directory, observer, ask, close }
}

const furnish = async (directory: Awaited<ReturnType<typeof openDirectory>>, now: number): Promise<void> => {
  const keys = Object.entries(callers).map(([caller, { tenant, scopes }]) => {
    const secrets = [secretOf(caller as Caller), ...(caller === 'rotating' ? [olderSecret] : [])]
    const ends = caller === 'expired' && { expiresAt: now }
    return { id: keyIdOf(caller as Caller), tenant, name: caller, scopes, secrets, createdAt: now, ...ends }
  })
  const removed = { ...keys[0]!, id: keyIdOf('removed'), secrets: [secretOf('removed')] }
  await Promise.all([...keys, removed].map(directory.putKey))
  await directory.removeKey(removed.id)
  await Promise.all([shop, mini, theirShop].map(directory.putAccount))
  const limits = { messagesPerSecond: 1, accounts: 0, keys: 1 }
  await directory.putTenant({ id: 'small', name: 'small', createdAt: now, limits })
  await directory.putTenant({ id: 'closed', name: 'closed', createdAt: now, disabled: true })
}

export const newNonce = (): string => randomBytes(16).toString('base64url')

/** The request as it leaves its caller, signed, and then tampered with. */
export const wireOf = (ask: Ask, now: number): Wire => {
  const { method = 'POST', path = '/v1/messages', tamper = (wire: Wire) => wire } = ask
  const body = bytesOf('body' in ask ? ask.body : method === 'POST' && isSend(path) ? aBody() : undefined)
  const headers = { ...(body && { 'Content-Type': 'application/json' }), ...ask.headers }
  return tamper(signed({ method, path, headers, body }, ask, now))
}

const isSend = (path: string): boolean => /^\/v1\/messages(\?|$)/.test(path)

const bytesOf = (body: unknown): Buffer | undefined => {
  if (body === undefined || Buffer.isBuffer(body)) return body
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
}

const signed = (wire: Wire, ask: Ask, now: number): Wire => {
  const { as = 'acme', secret = secretOf(as), scheme = 'v1', secondsOff = 0, nonce = newNonce() } = ask
  const timestamp = ask.timestamp ?? String(Math.floor(now / 1000) + secondsOff)
  const { method, path, body } = wire
  const withHeader = (Authorization: string): Wire => ({
    ...wire,
    headers: { Authorization, ...wire.headers },
  })
  switch (scheme) {
    case 'none':
      return wire
    case 'bearer':
      return withHeader(`Bearer ${keyIdOf(as)}.${secret}`)
    case 'v1':
      return withHeader(
        authorizationOf(keyIdOf(as), secret, { method, path, timestamp, nonce, body: body ?? '' }),
      )
    case 'params': {
      const [bare = '', query = ''] = path.split('?')
      const params = {
        ...Object.fromEntries(new URLSearchParams(query)),
        ...{ signature_method: 'HMAC-SHA256', key_id: keyIdOf(as), timestamp, nonce },
        ...(body && { body_sha256: bodyDigest(body) }),
      }
      const signature = signParams(secret, { method, path: bare, params })
      return { ...wire, path: `${bare}?${new URLSearchParams({ ...params, signature })}` }
    }
  }
}

/** A `params` signature made without a look at what the values hold, as a careless client makes it. */
export const carelessSignature = (secret: string, params: Readonly<Record<string, string>>): string => {
  const pairs = Object.keys(params)
    .sort()
    .map((name) => `${name}=${params[name]}`)
  return createHmac('sha256', secret)
    .update(`${pairs.join('&')}&key=${secret}`)
    .digest('hex')
}

const exchange = (port: number, agent: Agent, wire: Wire, { from, chunked }: Ask): Promise<Answer> => {
  const { method, path, headers, body } = wire
  const length = body && !chunked ? { 'Content-Length': String(body.length) } : {}
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host: '127.0.0.1',
      port,
      agent,
      method,
      path,
      headers: { ...length, ...headers },
      ...(from && { localAddress: from }),
    })
    outgoing.on('response', (response) => {
      const pieces: Buffer[] = []
      response.on('data', (piece) => pieces.push(piece))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(pieces).toString()
        resolve({ status: response.statusCode!, headers: response.headers, text, json: jsonOf(text) })
      })
    })
    outgoing.on('error', reject)
    if (body && chunked)
      for (let at = 0; at < body.length; at += 16_384) outgoing.write(body.subarray(at, at + 16_384))
    else if (body) outgoing.write(body)
    outgoing.end()
  })
}

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What a worker would do: takes the next message on lease, and settles it. Answers the delivery. */
export const settleNext = async (
  { queue, observer }: Pick<TestGateway, 'queue' | 'observer'>,
  settlement?: Settlement,
): Promise<Delivery> => {
  const [delivery] = await queue.receive({ max: 1, waitMs: 5000 })
  if (!delivery) throw new Error('There was nothing to settle')
  if (!settlement) return delivery
  const result = await queue.settle(delivery, settlement)
  observer.observe({ kind: 'settled', delivery, settlement, result })
  return delivery
}

/** Bytes for a bare socket, for what no client would send. */
export interface Bytes {
  readonly bytes: string
  /** Sent over and over; when it is empty, nothing more is sent before the answer. */
  readonly drip?: string
}

/**
 * What comes back for them. The caller never closes its side and goes on sending, so this resolves only once the
 * gateway has let go of the connection altogether.
 */
export const exchangeBytes = (port: number, { bytes, drip = ' ' }: Bytes): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    let received = ''
    let drop = drip
    const late = setTimeout(() => {
      reject(new Error(`The connection is still open after ${letGoMs} ms: ${received}`))
      socket.destroy()
    }, letGoMs)
    const dripping = setInterval(() => socket.write(drop), 25)
    socket.write(bytes, 'latin1')
    socket.on('data', (piece) => {
      received += piece.toString()
    })
    socket.on('end', () => {
      drop ||= ' '
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      clearInterval(dripping)
      clearTimeout(late)
      resolve(answerOf(received))
    })
  })

/** Longer than any limit of a gateway under test. */
const letGoMs = 10_000

const answerOf = (received: string): Answer => {
  const [head = '', text = ''] = received.split('\r\n\r\n')
  const [statusLine = '', ...lines] = head.split('\r\n')
  const headers = Object.fromEntries(
    lines.map((line) => [line.split(': ', 1)[0]!.toLowerCase(), line.slice(line.indexOf(': ') + 2)]),
  )
  return { status: Number(statusLine.split(' ')[1]), headers, text, json: jsonOf(text) }
}
