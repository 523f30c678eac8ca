import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { atEnd } from './at-end.ts'

/** A TCP connection that goes wrong on request: stands between a client and the server that it means. */
export interface FaultProxy {
  readonly port: number
  /** Where new connections lead to. */
  target(port: number): void
  /** Breaks every connection that there is. */
  cut(): void
  /**
   * What is silent forwards nothing any more, and tells nobody; new connections are taken and are silent too. Undone, new
   * connections work again; those that were silent are broken, as a network does sooner or later.
   */
  silence(what: 'nothing' | 'replies' | 'both'): void
  /** Breaks a connection in the middle of its reply, once: after so many bytes of replies from now on. */
  cutAfter(bytes: number): void
  /** Connections broken so far in the middle of their replies. */
  cuts(): number
}

export const openFaultProxy = async (t: TestContext, targetPort: number): Promise<FaultProxy> => {
  const pairs = new Set<readonly [Socket, Socket]>()
  let goal = targetPort
  let silent: 'nothing' | 'replies' | 'both' = 'nothing'
  let restBytes = Number.POSITIVE_INFINITY
  let cuts = 0

  const server = createServer((client) => {
    const upstream = connect(goal, '127.0.0.1')
    const pair = [client, upstream] as const
    pairs.add(pair)
    const end = () => {
      pairs.delete(pair)
      for (const socket of pair) socket.destroy()
    }
    for (const socket of pair) socket.on('error', () => {}).once('close', end)
    client.on('data', (data) => silent !== 'both' && upstream.write(data))
    upstream.on('data', (data) => {
      if (silent !== 'nothing') return
      restBytes -= data.length
      if (restBytes >= 0) return void client.write(data)
      client.end(data.subarray(0, data.length + restBytes), end)
      restBytes = Number.POSITIVE_INFINITY
      cuts++
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    for (const sockets of pairs) for (const socket of sockets) socket.resetAndDestroy()
  }
  atEnd(t, () => {
    cut()
    server.close()
  })
  return {
    port: (server.address() as { port: number }).port,
    target(port) {
      goal = port
    },
    cut,
    silence(what) {
      if (what === 'nothing') cut()
      silent = what
    },
    cutAfter(bytes) {
      restBytes = bytes
    },
    cuts: () => cuts,
  }
}
