/** A worker between the embedded queue and the simulator. Both clocks run, and the test moves them on. */
import type { TestContext } from 'node:test'
import type { Clock } from '../../src/clock.ts'
import type { Account, AccountLimits } from '../../src/directory.ts'
import { createGates, type Gates } from '../../src/gates.ts'
import { createHolds } from '../../src/holds.ts'
import { demoAccounts, startSimulator } from '../../src/main.ts'
import type { Message } from '../../src/message.ts'
import { createObserver, type Observation } from '../../src/observe.ts'
import { createQuotaWatch } from '../../src/quota-watch.ts'
import { defaultRetryPolicy } from '../../src/retry.ts'
import { createWechatClient } from '../../src/wechat/client.ts'
import { createQuotaReader } from '../../src/wechat/quota.ts'
import { createSender } from '../../src/wechat/sender.ts'
import { createTokenCentre } from '../../src/wechat/token-centre.ts'
import { createWechatSource } from '../../src/wechat/token-source.ts'
import { startWorker } from '../../src/worker.ts'
import { atEnd } from './at-end.ts'
import { openEngine } from './embedded.ts'
import { temporaryFolder } from './folder.ts'
import { aMessage } from './messages.ts'

export const [official, miniprogram] = demoAccounts as [(typeof demoAccounts)[0], (typeof demoAccounts)[0]]
export const templateSend = '/cgi-bin/message/template/send'
export const subscribeSend = '/cgi-bin/message/subscribe/send'

const dayMs = 86_400_000
const beijingMs = 8 * 3_600_000

export interface SendingOptions {
  readonly concurrency?: number
  readonly latencyMs?: number
  readonly limits?: AccountLimits
  /** Limits that the simulator enforces on template/send of the official account. */
  readonly quota?: { readonly daily?: number; readonly minute?: number }
  readonly leaseMs?: number
}

export type MovedClock = Clock & { advance(ms: number): void }

export type Row = Readonly<Record<string, unknown>>

export interface SendingStage {
  readonly clock: MovedClock
  readonly gates: Gates
  /** Publishes so many messages and answers them. */
  publish(count: number, overrides?: Partial<Message>): Promise<readonly Message[]>
  /** Resolves once so many settlements match; fails when they do not in time. */
  settled(count: number, matches: (seen: Settled) => boolean): Promise<void>
  readonly settlements: readonly Settled[]
  count(matches: (seen: Settled) => boolean): number
  /** How many of these messages are in each state. */
  records(messages: readonly Message[]): Promise<Readonly<Record<string, number>>>
  /** Moves our clock and WeChat's. */
  advance(ms: number): Promise<void>
  admin(path: string, body: object): Promise<Row>
  /** Another system sends by the official account, so many times. */
  sendElsewhere(times: number): Promise<void>
  /** Calls that WeChat has answered, oldest first. */
  calls(path?: string): Promise<readonly Row[]>
  /** What `release` was asked for. */
  readonly released: readonly string[]
}

export type Settled = Observation & { kind: 'settled' }

export const startSending = async (t: TestContext, options: SendingOptions = {}): Promise<SendingStage> => {
  const { concurrency = 16, latencyMs = 0, limits, leaseMs = 600_000 } = options
  const free = { host: '127.0.0.1', port: 0 }
  const simulator = await startSimulator({ api: free, admin: free, latency: { fixedMs: latencyMs } })
  atEnd(t, simulator.close)
  const ask = async (path: string, body?: object): Promise<Row> => {
    const init = body && { method: 'POST', body: JSON.stringify(body) }
    const response = await fetch(`${simulator.adminUrl}/_sim/${path}`, init)
    if (!response.ok) throw new Error(await response.text())
    return (await response.json()) as Row
  }
  const clock = createRunningClock(await moveToNoon(ask))
  if (options.quota) await ask('quotas', { appid: official.appid, path: templateSend, ...options.quota })

  const engine = await openEngine(t, { folder: temporaryFolder(t), clock, leaseMs })
  const observer = createObserver()
  const released: string[] = []
  const accountOf = (appid: string) => accountWith(appid, limits)
  const client = createWechatClient({ origin: simulator.url, connections: concurrency + 1, clock })
  const parts = { client, accountOf, clock, random: () => 0.5, observe: observer.observe }
  const tokens = createTokenCentre({ ...parts, ask: createWechatSource(client) })
  const sender = createSender({ ...parts, tokens })
  atEnd(t, sender.close)
  const policy = { retry: defaultRetryPolicy, callMs: 42_000, whenNoGrant: () => 'try' as const }
  const holds = createHolds()
  const gates = createGates({
    policy,
    random: parts.random,
    concurrency,
    holds,
    limitsOf: (appid) => accountOf(appid)?.limits,
    watch: createQuotaWatch({
      ...parts,
      askQuota: createQuotaReader({ client, tokens }),
      async release(condition) {
        released.push(condition)
        return engine.queue.release(condition)
      },
    }),
  })

  const settlements: Settled[] = []
  const watchers = new Set<() => void>()
  observer.subscribe((seen) => {
    if (seen.kind !== 'settled') return
    settlements.push(seen)
    for (const look of watchers) look()
  })
  const worker = startWorker({ ...parts, queue: engine.queue, sender, policy, holds, concurrency, gates })
  atEnd(t, worker.stop)

  const count = (matches: (seen: Settled) => boolean) => settlements.filter(matches).length

  return {
    clock,
    gates,
    settlements,
    released,
    count,
    async publish(count, overrides = {}) {
      const messages = Array.from({ length: count }, () => aTemplateMessage(clock.now(), overrides))
      await engine.queue.publish(messages)
      return messages
    },
    settled: (wanted, matches) =>
      new Promise((resolve, reject) => {
        const late = setTimeout(
          () => reject(new Error(`Only ${count(matches)} of ${wanted} after ${patienceMs} ms`)),
          patienceMs,
        )
        const look = () => {
          if (count(matches) < wanted) return
          watchers.delete(look)
          clearTimeout(late)
          resolve()
        }
        watchers.add(look)
        look()
      }),
    async records(messages) {
      const states: Record<string, number> = {}
      for (const { id, tenant } of messages) {
        const { state } = (await engine.ledger.find({ tenant, id }))!
        states[state] = (states[state] ?? 0) + 1
      }
      return states
    },
    async advance(ms) {
      await ask('clock', { advance_ms: ms })
      clock.advance(ms)
      // Who waits for messages looks at the clock anew when there is one. This one has expired: it costs no call.
      await engine.queue.publish([aTemplateMessage(clock.now(), { expiresAt: clock.now() })])
    },
    admin: ask,
    async sendElsewhere(times) {
      const post = async (path: string, body: object) => {
        const response = await fetch(simulator.url + path, { method: 'POST', body: JSON.stringify(body) })
        return (await response.json()) as Row
      }
      const { appid, secret } = official
      const grant = { grant_type: 'client_credential', appid, secret }
      const { access_token } = await post('/cgi-bin/stable_token', grant)
      for (let n = 0; n < times; n++)
        await post(`${templateSend}?access_token=${access_token}`, { touser: 'oElsewhere' })
    },
    async calls(path = templateSend) {
      const { calls } = await ask('calls?limit=100000')
      return (calls as readonly Row[]).filter((call) => call.path === path)
    },
  }
}

const patienceMs = 20_000

/** Moves WeChat's clock to the next noon in Beijing, far from any midnight, and answers that moment. */
const moveToNoon = async (ask: (path: string, body?: object) => Promise<Row>): Promise<number> => {
  const { now } = await ask('clock')
  const at = Date.parse(String(now))
  const noon = (Math.floor((at + beijingMs) / dayMs) + 1.5) * dayMs - beijingMs
  await ask('clock', { advance_ms: noon - at })
  return noon
}

/** Real time from `start` on, and what the test adds to it. */
export const createRunningClock = (start: number): MovedClock => {
  const zero = performance.now()
  const sleepers = new Set<() => void>()
  let added = 0
  const now = () => Math.floor(start + added + performance.now() - zero)
  return {
    now,
    advance(ms) {
      added += ms
      for (const look of sleepers) look()
    },
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const until = now() + ms
        const wake = () => {
          sleepers.delete(look)
          clearTimeout(timer)
          signal?.removeEventListener('abort', wake)
          resolve()
        }
        const look = () => now() >= until && wake()
        const timer = setTimeout(wake, ms)
        signal?.addEventListener('abort', wake, { once: true })
        sleepers.add(look)
        if (signal?.aborted) wake()
      }),
  }
}

const accountWith = (appid: string, limits: AccountLimits | undefined): Account | undefined => {
  const found = demoAccounts.find((each) => each.appid === appid)
  return (
    found && {
      appid,
      tenant: 'acme',
      name: found.name,
      kind: found.kind,
      secret: found.secret,
      tokenApi: 'stable',
      templates: [],
      ...(limits && { limits }),
    }
  )
}

const aTemplateMessage = (acceptedAt: number, overrides: Partial<Message>): Message => {
  const account = overrides.channel === 'subscribe' ? miniprogram : official
  const [template] = account.templates
  const touser = overrides.touser ?? account.openids[0]!
  const data = Object.fromEntries(
    Object.entries(template!.example ?? {}).map(([key, value]) => [key, { value }]),
  )
  return aMessage({
    account: account.appid,
    templateId: template!.template_id,
    body: JSON.stringify({ touser, template_id: template!.template_id, data }),
    acceptedAt,
    expiresAt: acceptedAt + 3 * dayMs,
    ...overrides,
    touser,
  })
}
