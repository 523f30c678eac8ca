import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { atEnd } from './at-end.ts'
import type { Environment } from './cli.ts'

export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface FakeAnswer {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** A server that answers as the test says: for what no real gateway would do on request. */
export const startFakeGateway = async (
  t: TestContext,
  answer: (request: SeenRequest, n: number) => FakeAnswer | Promise<FakeAnswer>,
): Promise<{ readonly url: string; readonly env: Environment; readonly seen: readonly SeenRequest[] }> => {
  const seen: SeenRequest[] = []
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString()
    const { method = '', url: path = '', headers } = request
    seen.push({ method, path, headers, body })
    const { status, body: reply, headers: more = {} } = await answer(seen.at(-1)!, seen.length)
    response.writeHead(status, { 'Content-Type': 'application/json', ...more })
    response.end(typeof reply === 'string' ? reply : JSON.stringify(reply))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  atEnd(t, async () => {
    server.close()
    server.closeAllConnections()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const env = {
    HONGYAN_URL: url,
    HONGYAN_KEY_ID: 'key_1',
    HONGYAN_KEY_SECRET: 'secret',
    HONGYAN_HOME: '/nowhere',
  }
  return { url, env, seen }
}
