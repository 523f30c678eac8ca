/** A process that is sent messages: our simulator in its benchmark mode, or the bare limit of `node:http`. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startSimulator } from '../src/simulator/simulator.ts'
import { type Mark, markNow } from './cpu.ts'
import { answer } from './process.ts'

export interface SimulatedTasks {
  /** Where to send to, with a token that is good for it. */
  start(kind: 'bare' | 'simulator'): Promise<Sendable>
  mark(): Mark
}

export interface Sendable {
  readonly url: string
  readonly token: string
}

const free = { host: '127.0.0.1', port: 0 }
const claim = { grant_type: 'client_credential', appid: 'wxBench', secret: 'any' }

const startOurs = async (): Promise<Sendable> => {
  const { url } = await startSimulator({ api: free, admin: free, anyAccount: true, benchmark: true })
  const response = await fetch(`${url}/cgi-bin/stable_token`, { method: 'POST', body: JSON.stringify(claim) })
  const { access_token: token } = (await response.json()) as { access_token: string }
  return { url, token }
}

const constant = '{"errcode":0,"errmsg":"ok","msgid":3248682510344192008}'

/** The least that a server on `node:http` can do: wait for the whole request, answer the same every time. */
const startBare = (): Promise<Sendable> => {
  const server = createServer((req, res) => {
    req.resume()
    req.on('end', () => {
      res.writeHead(200, ['Content-Type', 'application/json', 'Content-Length', String(constant.length)])
      res.end(constant)
    })
  })
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      resolve({ url: `http://127.0.0.1:${port}`, token: `97_${'x'.repeat(136)}` })
    }),
  )
}

answer<SimulatedTasks>({
  start: (kind) => (kind === 'bare' ? startBare() : startOurs()),
  mark: () => markNow(),
})
