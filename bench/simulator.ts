/**
 * `npm run bench -- simulator`: how fast the simulator takes messages in its benchmark mode, beside a bare
 * `node:http` server that answers a constant. The same client, in turns, in at most twenty seconds.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { loadavg } from 'node:os'
import { createFraming } from './http.ts'
import { startProcess } from './process.ts'
import type { Sendable, SimulatedTasks } from './simulated.ts'
import { inputOf } from './workload.ts'

interface Figures {
  readonly perSecond: number
  /** Of the server, for one message. */
  readonly cpuUs: number
}

const kinds = ['bare', 'simulator'] as const
const rounds = 3
const connections = 64
const warmup = 5_000
const messages = 20_000
const limitMs = 20_000

const requestsFor = ({ url, token }: Sendable, first: number, count: number): readonly Buffer[] =>
  Array.from({ length: count }, (_, index) => {
    const { account, ...message } = inputOf(first + index)
    const body = Buffer.from(JSON.stringify(message))
    const head =
      `POST /cgi-bin/message/template/send?access_token=${token} HTTP/1.1\r\nhost: ${new URL(url).host}\r\n` +
      `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`
    return Buffer.concat([Buffer.from(head), body])
  })

/** One request at a time on each connection, the next as soon as the answer is there. */
const sendAll = (sockets: readonly Socket[], requests: readonly Buffer[]): Promise<void> =>
  new Promise((resolve, reject) => {
    let next = 0
    let answered = 0
    for (const socket of sockets) {
      const send = () => next < requests.length && socket.write(requests[next++]!)
      const take = createFraming((head) => {
        if (!head.startsWith('HTTP/1.1 200')) return reject(new Error(`Answered with ${head}`))
        if (++answered === requests.length) resolve()
        else send()
      })
      socket.removeAllListeners('data').on('data', take).on('error', reject)
      send()
    }
  })

const measure = async (kind: (typeof kinds)[number], signal: AbortSignal): Promise<Figures> => {
  await using server = startProcess<SimulatedTasks>('simulated.ts', { signal })
  const target = await server.ask('start', kind)
  const { hostname, port } = new URL(target.url)
  const sockets = await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = connect({ host: hostname, port: Number(port), noDelay: true })
      await once(socket, 'connect')
      return socket
    }),
  )
  const [early, late] = [requestsFor(target, 0, warmup), requestsFor(target, warmup, messages)]
  await sendAll(sockets, early)
  const before = await server.ask('mark')
  await sendAll(sockets, late)
  const after = await server.ask('mark')
  for (const socket of sockets) socket.destroy()
  return {
    perSecond: messages / ((after.atMs - before.atMs) / 1000),
    cpuUs: (after.cpuUs - before.cpuUs) / messages,
  }
}

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!

/** Prints the medians of all rounds, and how the simulator compares with the bare limit. */
export const benchSimulator = async (): Promise<void> => {
  const signal = AbortSignal.timeout(limitMs)
  const found: Record<(typeof kinds)[number], Figures[]> = { bare: [], simulator: [] }
  const startedAt = performance.now()
  // On a busy machine a further round might not come to its end.
  const isTime = (round: number) =>
    round === 0 || (performance.now() - startedAt) * (round + 1) < limitMs * round
  for (let round = 0; round < rounds && isTime(round); round++)
    for (const kind of kinds) found[kind].push(await measure(kind, signal))
  const [bare, ours] = kinds.map((kind) => ({
    perSecond: median(found[kind].map(({ perSecond }) => perSecond)),
    cpuUs: median(found[kind].map(({ cpuUs }) => cpuUs)),
  })) as [Figures, Figures]
  const line = (name: string, { perSecond, cpuUs }: Figures) =>
    `${name.padEnd(10)} ${Math.round(perSecond)} messages/s, ${cpuUs.toFixed(1)} CPU µs/message\n`
  process.stdout.write(
    `${line('bare', bare)}${line('simulator', ours)}` +
      `ratio      ${(ours.perSecond / bare.perSecond).toFixed(2)} of the messages/s, ` +
      `${(ours.cpuUs / bare.cpuUs).toFixed(2)} of the CPU (load of the machine ${loadavg()[0]!.toFixed(1)})\n`,
  )
}
