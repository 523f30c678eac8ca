import { createServer, type Server, type ServerOptions } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Listener } from './api.ts'
import type { Address } from './options.ts'

export interface Listening {
  /** Without a trailing slash. */
  readonly url: string
  /** Stops listening and cuts every connection, answered or not. */
  close(): Promise<void>
}

export const listen = async (
  address: Address,
  listener: Listener,
  options: ServerOptions,
): Promise<Listening> => {
  const server = createServer(options, listener)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(address.port, address.host, resolve)
  })
  const { port } = server.address() as AddressInfo
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  return { url: `http://${host}:${port}`, close: () => closed(server) }
}

const closed = (server: Server): Promise<void> =>
  new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()))
    server.closeAllConnections()
  })
