/**
 * `node test/fault/migrate-run.ts [messages] [kills] [seed]`: a live backlog of 200,000 moves from a folder to Redis by the
 * real command, which is killed on the way, and is then drained there into a sink that counts. Prints what it took and
 * what it found; ends with 1 when anything was lost or came twice.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { openEmbedded } from '../../src/engines/embedded/embedded.ts'
import { openRedis } from '../../src/engines/redis/redis.ts'
import type { Message } from '../../src/message.ts'
import type { Delivery, Queue } from '../../src/queue.ts'
import { createRandom } from '../../src/simulator/random.ts'
import { aKeyedMessage } from '../support/messages.ts'
import { startServer } from '../support/redis.ts'

const [messages = 200_000, kills = 3, seed = 1] = process.argv.slice(2).map(Number)
const hourMs = 3_600_000
/** When everything that was scheduled, parked or to be tried again is due. */
const lead = 2 * hourMs
const tenant = 'acme'
const batch = 1000

const clockAt = (offset: number) => ({
  now: () => Date.now() + offset,
  sleep: (ms: number) => pause(ms),
})

const engineOptions = { leaseMs: 60_000, retentionMs: 24 * hourMs }

/** Nine in ten wait as they came, half of these for a time; the rest have been in the hands of a worker. */
const fill = async (folder: string): Promise<readonly Message[]> => {
  const { queue, close } = await openEmbedded({
    ...{ ...engineOptions, folder, clock: clockAt(0) },
    onFailure(error) {
      throw error
    },
  })
  const all: Message[] = []
  for (let start = 0; start < messages; start += batch) {
    const some = Array.from({ length: Math.min(batch, messages - start) }, (_, n) => aWish(start + n))
    await queue.publish(some)
    all.push(...some)
  }
  await handle(queue, Math.floor(messages / 10))
  await close()
  return all
}

const aWish = (n: number): Message => {
  const acceptedAt = Date.now()
  const sendAt = n % 2 === 0 ? acceptedAt : acceptedAt + hourMs
  return aKeyedMessage(`k-${n}`, {
    ...{ tenant, touser: `o${n % 50_000}`, acceptedAt, sendAt, expiresAt: acceptedAt + 72 * hourMs },
    lane: (['urgent', 'normal', 'bulk'] as const)[n % 3]!,
    body: JSON.stringify({
      touser: `o${n % 50_000}`,
      data: { thing1: { value: `订单 ${n}`.padEnd(200, '·') } },
    }),
  })
}

/** Some are to be tried again, some parked, some in doubt; the rest stays on lease when the process ends. */
const handle = async (queue: Queue, count: number): Promise<void> => {
  let handled = 0
  while (handled < count) {
    const deliveries = await queue.receive({ max: Math.min(500, count - handled), waitMs: 0 })
    if (deliveries.length === 0) return
    handled += deliveries.length
    await Promise.all(deliveries.map((delivery, n) => settle(queue, delivery, n % 4)))
  }
}

const settle = async (queue: Queue, delivery: Delivery, kind: number): Promise<void> => {
  const until = Date.now() + hourMs
  const wait = { until, reason: 'busy', inDoubt: kind === 2 }
  if (kind === 0) await queue.settle(delivery, { kind: 'parked', ...wait, condition: 'frozen x' })
  else if (kind < 3) await queue.settle(delivery, { kind: 'retry', spent: true, ...wait })
}

interface Run {
  /** Null: it was killed. */
  readonly code: number | null
  readonly ms: number
  readonly peakMb: number
  readonly stdout: string
  readonly stderr: string
}

const program = new URL('../../bin/hongyan.js', import.meta.url).pathname

/** The command, killed after a while if that is asked for. */
const runMigrate = async (home: string, folder: string, url: string, killAfterMs?: number): Promise<Run> => {
  const from = performance.now()
  const child = spawn(
    process.execPath,
    [program, 'migrate', '--from', `embedded:${folder}`, '--to', url, '--json'],
    {
      env: { PATH: process.env.PATH ?? '', HONGYAN_HOME: home },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const [out, err] = [text(child.stdout), text(child.stderr)]
  let peakMb = 0
  const watching = setInterval(() => {
    peakMb = Math.max(peakMb, residentMb(child.pid!))
  }, 100)
  const killing = killAfterMs && setTimeout(() => child.kill('SIGKILL'), killAfterMs)
  const [code] = (await once(child, 'close')) as [number | null]
  clearInterval(watching)
  if (killing) clearTimeout(killing)
  return { code, ms: performance.now() - from, peakMb, stdout: await out, stderr: await err }
}

const residentMb = (pid: number): number => {
  try {
    const [, kb] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Number(kb ?? 0) / 1024
  } catch {
    return 0
  }
}

/** Sends everything into a sink that counts. */
const drain = async (url: string, all: readonly Message[]) => {
  const engine = await openRedis({ url, clock: clockAt(lead), ...engineOptions, onAlert: () => {} })
  const seen = new Map<string, number>()
  try {
    for (;;) {
      const deliveries = await engine.queue.receive({ max: 1000, waitMs: 0 })
      if (deliveries.length === 0) break
      for (const { message } of deliveries) seen.set(message.id, (seen.get(message.id) ?? 0) + 1)
      await Promise.all(deliveries.map((each) => engine.queue.settle(each, { kind: 'sent' })))
    }
    const again = await engine.queue.publish(
      all.filter((_, n) => n % 97 === 0).map((message) => ({ ...message, id: aWish(0).id })),
    )
    const counts = await engine.ledger.counts(tenant)
    return {
      lost: all.filter(({ id }) => !seen.has(id)).length,
      duplicated: [...seen.values()].filter((times) => times > 1).length,
      unknown: seen.size - all.filter(({ id }) => seen.has(id)).length,
      sent: counts.sent,
      repeats: again.length,
      notRecognised: again.filter(({ kind }) => kind !== 'duplicate').length,
    }
  } finally {
    engine.cut()
  }
}

const timed = async <Result>(work: () => Promise<Result>): Promise<readonly [Result, ms: number]> => {
  const from = performance.now()
  return [await work(), performance.now() - from]
}

const home = await mkdtemp(join(tmpdir(), 'hongyan-migrate-'))
const folder = join(home, 'data')
const server = await startServer([])
const show = (what: string, value: unknown) => process.stdout.write(`${what.padEnd(28)} ${value}\n`)
try {
  const [all, filledMs] = await timed(() => fill(folder))
  show('messages', all.length)
  show('filled in', `${(filledMs / 1000).toFixed(1)} s`)
  const random = createRandom(seed)
  for (let n = 0; n < kills; n++) {
    const { code, ms } = await runMigrate(home, folder, server.url, 1000 + random.next() * 20_000)
    show(`kill ${n + 1}`, code === null ? `after ${(ms / 1000).toFixed(1)} s` : `it had ended with ${code}`)
  }
  const last = await runMigrate(home, folder, server.url)
  if (last.code !== 0) throw new Error(`It ended with ${last.code}: ${last.stderr}`)
  const { kinds, result } = JSON.parse(last.stdout) as {
    readonly result: string
    readonly kinds: readonly {
      kind: string
      read: number
      there: number
      checksum: string
      checksum_there: string
    }[]
  }
  show('result', result)
  for (const { kind, read, there, checksum, checksum_there } of kinds)
    if (read > 0) show(`  ${kind}`, `${read} read, ${there} there, checksum ${checksum === checksum_there}`)
  show('migrated and compared in', `${(last.ms / 1000).toFixed(1)} s`)
  show('messages a second', Math.round((all.length * 1000) / last.ms))
  show('peak memory of the command', `${Math.round(last.peakMb)} MB`)
  const [found, drainedMs] = await timed(() => drain(server.url, all))
  show('drained in', `${(drainedMs / 1000).toFixed(1)} s`)
  for (const [what, value] of Object.entries(found)) show(`  ${what}`, value)
  const wrong =
    found.lost + found.duplicated + found.unknown + found.notRecognised + Math.abs(found.sent - all.length)
  process.exitCode = wrong === 0 ? 0 : 1
} finally {
  server.endNow()
  rmSync(home, { recursive: true, force: true })
}
