/**
 * A process that posts messages: so many connections, one request at a time on each, the next as soon as the
 * answer is there. Requests are written and signed before the clock starts, and sent as the bytes they are.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { authorizationOf } from '../src/signing.ts'
import { monotonicMs } from './cpu.ts'
import { createFraming } from './http.ts'
import { answer } from './process.ts'
import type { Access } from './service.ts'
import { inputOf } from './workload.ts'

export interface LoadTasks {
  prepare(options: LoadOptions): void
  /** Sends what was prepared. Rejects at the first answer that is no 202. */
  run(): Promise<LoadResult>
}

export interface LoadOptions {
  readonly access: Access
  readonly auth: 'bearer' | 'signed'
  /** Messages in a request: 1 is an object, more are an array. */
  readonly size: number
  /** The first message is the one with this number. */
  readonly first: number
  readonly messages: number
  readonly connections: number
}

export interface LoadResult {
  readonly startedAtMs: number
  readonly endedAtMs: number
  /** Of this process, for all requests. */
  readonly cpuUs: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Prepared requests are held in memory, and signatures grow old. */
const maxMessages = 300_000

let url = new URL('http://127.0.0.1')
let requests: readonly Buffer[] = []
let connections = 1

const prepare = (options: LoadOptions): void => {
  const { access, size, first, messages } = options
  if (messages > maxMessages) throw new Error(`At most ${maxMessages} messages can be prepared`)
  url = new URL(access.url)
  connections = options.connections
  requests = Array.from({ length: Math.ceil(messages / size) }, (_, index) =>
    requestOf(first + index * size, Math.min(size, messages - index * size), options),
  )
}

const requestOf = (first: number, count: number, { access, auth, size }: LoadOptions): Buffer => {
  const inputs = Array.from({ length: count }, (_, index) => inputOf(first + index))
  const body = Buffer.from(JSON.stringify(size === 1 ? inputs[0] : inputs))
  const path = size === 1 ? access.singlePath : access.arrayPath
  const head =
    `POST ${path} HTTP/1.1\r\nhost: ${url.host}\r\ncontent-type: application/json\r\n` +
    `authorization: ${authorization(access, auth, path, body, first)}\r\n` +
    `content-length: ${body.length}\r\n\r\n`
  return Buffer.concat([Buffer.from(head), body])
}

const authorization = (
  { keyId, keySecret }: Access,
  auth: LoadOptions['auth'],
  path: string,
  body: Buffer,
  n: number,
): string => {
  if (auth === 'bearer') return `Bearer ${keyId}.${keySecret}`
  const timestamp = String(Math.floor(Date.now() / 1000))
  const nonce = `bench-${String(n).padStart(20, '0')}`
  return authorizationOf(keyId, keySecret, { method: 'POST', path, timestamp, nonce, body })
}

const open = async (): Promise<Socket> => {
  const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true })
  await once(socket, 'connect')
  return socket
}

const run = async (): Promise<LoadResult> => {
  const sockets = await Promise.all(Array.from({ length: connections }, open))
  const delaysMs = new Float64Array(requests.length)
  const cpuBefore = process.cpuUsage()
  const startedAtMs = monotonicMs()
  await postAll(sockets, delaysMs)
  const endedAtMs = monotonicMs()
  const { user, system } = process.cpuUsage(cpuBefore)
  for (const socket of sockets) socket.destroy()
  delaysMs.sort()
  const at = (share: number) => delaysMs[Math.ceil(share * delaysMs.length) - 1] ?? 0
  return { startedAtMs, endedAtMs, cpuUs: user + system, p50Ms: at(0.5), p99Ms: at(0.99) }
}

const postAll = (sockets: readonly Socket[], delaysMs: Float64Array): Promise<void> =>
  new Promise((resolve, reject) => {
    let next = 0
    let answered = 0

    const post = (socket: Socket): void => {
      let sentAt = 0
      let current = 0
      const send = () => {
        if (next >= requests.length) return
        current = next++
        sentAt = performance.now()
        socket.write(requests[current]!)
      }
      const take = createFraming((head) => {
        if (!head.startsWith('HTTP/1.1 202')) return reject(new Error(`Answered with ${head}`))
        delaysMs[current] = performance.now() - sentAt
        if (++answered === requests.length) resolve()
        else send()
      })
      socket.on('data', take)
      socket.on('error', reject)
      socket.on('close', () => reject(new Error('A connection was closed')))
      send()
    }

    for (const socket of sockets) post(socket)
  })

answer<LoadTasks>({ prepare, run })
