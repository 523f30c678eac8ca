import { createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

/**
 * A TCP server that hands over whole HTTP requests and lets the test answer them with bytes of its choice.
 */
export interface RawServer {
  readonly origin: string
  /** Every request that arrived in full, as text. */
  readonly requests: readonly string[]
  /** The most connections that were open at once. */
  readonly peak: () => number
}

export type OnRequest = (socket: Socket, request: string, index: number) => void

export const serve = async (t: TestContext, onRequest: OnRequest): Promise<RawServer> => {
  const requests: string[] = []
  const open = new Set<Socket>()
  let peak = 0

  const server = createServer((socket) => {
    open.add(socket)
    peak = Math.max(peak, open.size)
    let bytes = ''
    socket.on('error', () => {})
    socket.on('close', () => open.delete(socket))
    socket.on('data', (chunk) => {
      bytes += chunk.toString('latin1')
      for (let length = requestLength(bytes); length !== undefined; length = requestLength(bytes)) {
        const request = bytes.slice(0, length)
        bytes = bytes.slice(length)
        onRequest(socket, request, requests.push(request) - 1)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return { origin: `http://127.0.0.1:${port}`, requests, peak: () => peak }
}

/** A whole HTTP answer. */
export const answer = (body: string | Buffer, status = '200 OK', headers = ''): Buffer => {
  const bytes = Buffer.from(body)
  return Buffer.concat([
    Buffer.from(`HTTP/1.1 ${status}\r\ncontent-length: ${bytes.length}\r\n${headers}\r\n`),
    bytes,
  ])
}

export const okBody = '{"errcode":0,"errmsg":"ok","msgid":3248682510344192008}'

const requestLength = (bytes: string): number | undefined => {
  const head = bytes.indexOf('\r\n\r\n')
  if (head < 0) return undefined
  const length = head + 4 + Number(/content-length: (\d+)/i.exec(bytes)?.[1] ?? 0)
  return bytes.length < length ? undefined : length
}
