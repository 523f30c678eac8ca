/**
 * `npm run bench -- nodes`: several worker processes on one Redis. First the three policies beside each other while WeChat
 * answers one of four nodes five times slower than the others; then one process beside two, where the time of a message
 * is WeChat's, and where it is the processor's.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { readConfig } from '../src/config.ts'
import { openRedis } from '../src/engines/redis/redis.ts'
import { startService, systemClock } from '../src/main.ts'
import { type Balance, balances } from '../src/nodes.ts'
import { newMasterKey } from '../src/vault.ts'
import { messageOf } from './accepted.ts'
import { openFolder } from './folder.ts'
import type { NodeTasks } from './nodes-worker.ts'
import { startRedis } from './peer/redis.ts'
import { type Process, startProcess } from './process.ts'
import type { SinkTasks } from './sink.ts'
import { account } from './workload.ts'

/** No run takes longer. */
const limitMs = 180_000
const publishedAtOnce = 500
/** After the start: all have heard of each other. */
const acquaintanceMs = 3000

interface Run {
  readonly balance: Balance
  readonly shards: number
  /** How long WeChat takes to answer each of the nodes, and how many calls at once each makes. */
  readonly latencies: readonly number[]
  readonly concurrency: number
  readonly messages: number
  /** Messages a second that come; without it all wait from the start. */
  readonly perSecond?: number
}

interface Result {
  readonly seconds: number
  /** Messages that each node has sent. */
  readonly sent: readonly number[]
  /** From acceptance to settlement, sorted. */
  readonly waits: readonly number[]
}

interface Wechat {
  readonly url: string
  close(): void | PromiseLike<void>
}

/** A WeChat that takes its time, and does nothing else; one that takes none is a process of its own. */
const startWechat = async (latencyMs: number, signal: AbortSignal): Promise<Wechat> => {
  if (latencyMs === 0) {
    const sink = startProcess<SinkTasks>('sink.ts', { signal })
    return { url: await sink.ask('listen'), close: () => sink[Symbol.asyncDispose]() }
  }
  const server = createServer(async (request, response) => {
    const { url = '' } = request
    request.resume()
    const isSend = url.startsWith('/cgi-bin/message/')
    if (isSend) await sleep(latencyMs)
    response.setHeader('content-type', 'application/json')
    response.end(isSend ? sent : url.includes('token') ? token : noQuota)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

const sent = '{"errcode":0,"errmsg":"ok","msgid":3248682510344192008}'
const token = `{"access_token":"${'T0ken_-'.repeat(22)}","expires_in":7200}`
const noQuota = '{"errcode":76021,"errmsg":"cgi_path not found"}'

const measure = async (run: Run): Promise<Result> => {
  const folder = openFolder()
  await using redis = await startRedis(folder.path, 'always')
  const url = `redis://127.0.0.1:${redis.port}`
  const env = {
    HONGYAN_ENGINE: `${url}?shards=${run.shards}`,
    HONGYAN_MASTER_KEY: newMasterKey(),
    HONGYAN_BALANCE: run.balance,
    HONGYAN_CONCURRENCY: String(run.concurrency),
    HONGYAN_LOG: 'error',
    HONGYAN_TEMPLATE_SYNC: 'off',
    HONGYAN_DRAIN_MS: '2000',
    HONGYAN_HOME: folder.path,
  }
  await furnish(env)
  const signal = AbortSignal.timeout(limitMs)
  const wechats = await Promise.all(run.latencies.map((latencyMs) => startWechat(latencyMs, signal)))
  const nodes = run.latencies.map(() => startProcess<NodeTasks>('nodes-worker.ts', { signal }))
  try {
    await Promise.all(
      nodes.map((node, index) =>
        node.ask('start', {
          env: {
            ...env,
            HONGYAN_ROLES: 'worker,scheduler',
            HONGYAN_NODE: `node-${index}`,
            HONGYAN_WECHAT: wechats[index]!.url,
          },
        }),
      ),
    )
    await sleep(acquaintanceMs)
    const begunAt = performance.now()
    await publish(url, run)
    await untilSettled(nodes, run.messages, signal)
    const seconds = (performance.now() - begunAt) / 1000
    const waits = await Promise.all(nodes.map((node) => node.ask('waits')))
    return { seconds, sent: waits.map(({ length }) => length), waits: waits.flat().sort((a, b) => a - b) }
  } finally {
    await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()))
    for (const wechat of wechats) await wechat.close()
    folder.remove()
  }
}

const furnish = async (env: Readonly<Record<string, string>>): Promise<void> => {
  const { directory, stop } = await startService({ ...readConfig(env), roles: [] }, (error) => {
    throw error
  })
  await directory.putAccount(account)
  await stop()
}

/** All at once, or so many a second. */
const publish = async (url: string, { messages, perSecond }: Run): Promise<void> => {
  const engine = await openRedis({
    url,
    clock: systemClock,
    leaseMs: 60_000,
    retentionMs: 3_600_000,
    onAlert() {},
  })
  engine.sharing.take({ own: [], help: [], upkeep: false })
  const tick = perSecond === undefined ? publishedAtOnce : Math.max(1, Math.round(perSecond / 20))
  const begunAt = performance.now()
  for (let first = 0; first < messages; first += tick) {
    if (perSecond !== undefined)
      await sleep(Math.max(0, begunAt + (1000 * first) / perSecond - performance.now()))
    const count = Math.min(tick, messages - first)
    await engine.queue.publish(Array.from({ length: count }, (_, n) => messageOf(first + n)))
  }
  await engine.close()
}

const untilSettled = async (
  nodes: readonly Process<NodeTasks>[],
  messages: number,
  signal: AbortSignal,
): Promise<void> => {
  for (;;) {
    const counts = await Promise.all(nodes.map((node) => node.ask('settled')))
    if (counts.reduce((sum, count) => sum + count, 0) >= messages) return
    signal.throwIfAborted()
    await sleep(100)
  }
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0

const secondsText = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

/** Three nodes make 40 calls a second each, the fourth 8: little enough that processor and disk decide nothing. */
const unequal = { shards: 64, latencies: [200, 200, 200, 1000], concurrency: 8 } as const
const perSecondOf = ({ latencies, concurrency }: Pick<Run, 'latencies' | 'concurrency'>): number =>
  latencies.reduce((sum, ms) => sum + (1000 * concurrency) / ms, 0)

const comparePolicies = async (print: (line: string) => void): Promise<void> => {
  const most = perSecondOf(unequal)
  const backlog = 2500
  const stream = { messages: 1500, perSecond: Math.round(0.6 * most) }
  print(
    `Four nodes; WeChat answers the fourth five times slower. Together they could send ${most} messages a second.`,
  )
  print('')
  print(
    `| policy | backlog of ${backlog}: done after (at best ${secondsText((1000 * backlog) / most)}) | sent by the slow node (by its speed: ${Math.round((100 * 8) / most)} %) | ${stream.perSecond} a second: wait p50 | p99 | longest |`,
  )
  print('|---|---|---|---|---|---|')
  for (const balance of balances) {
    const all = await measure({ ...unequal, balance, messages: backlog })
    const some = await measure({ ...unequal, balance, ...stream })
    const share = Math.round((100 * all.sent.at(-1)!) / backlog)
    const waits = [0.5, 0.99, 1].map((part) => secondsText(quantile(some.waits, part)))
    print(`| ${balance} | ${secondsText(1000 * all.seconds)} | ${share} % | ${waits.join(' | ')} |`)
  }
}

const compareCounts = async (print: (line: string) => void): Promise<void> => {
  const kinds = [
    { about: 'WeChat takes 200 ms, 32 calls at once', latencyMs: 200, concurrency: 32, messages: 3000 },
    { about: 'WeChat answers at once, 128 calls at once', latencyMs: 0, concurrency: 128, messages: 20_000 },
  ]
  print('| a fixed backlog | one process | two processes | times as fast |')
  print('|---|---|---|---|')
  for (const { about, latencyMs, concurrency, messages } of kinds) {
    const seconds: number[] = []
    for (const processes of [1, 2]) {
      const latencies = Array.from({ length: processes }, () => latencyMs)
      const run = { balance: 'weighted', shards: 16, latencies, concurrency, messages } as const
      seconds.push((await measure(run)).seconds)
    }
    const [one, two] = seconds as [number, number]
    const figures = [one, two].map((some) => `${some.toFixed(1)} s (${Math.round(messages / some)}/s)`)
    print(`| ${messages}: ${about} | ${figures.join(' | ')} | ${(one / two).toFixed(2)} |`)
  }
}

export const benchNodes = async ([what]: readonly string[]): Promise<void> => {
  const print = (line: string) => void process.stdout.write(`${line}\n`)
  print(`Load of the machine at the start: ${loadavg()[0]!.toFixed(1)}\n`)
  if (what !== 'processes') await comparePolicies(print)
  print('')
  if (what !== 'policies') await compareCounts(print)
}
