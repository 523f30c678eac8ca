/** The real service, `hongyan serve`, as a process that is started again and again on one home and one port. */
import { get } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type Exit, type Owner, type Process, startProcess } from './child-process.ts'

export interface ServiceOptions {
  readonly home: string
  readonly port: number
  /** Base address of the simulated WeChat. */
  readonly wechat: string
  readonly settings?: Readonly<Record<string, string>>
}

/** One life of the service. */
export interface Life {
  readonly pid: number
  readonly spawnedAt: number
  /** Milliseconds from its start to the first good answer of /readyz, once there was one. */
  readyMs(): number | undefined
  /** Whether it became ready; false if it was killed before. Rejects if it ended by itself or takes too long. */
  readonly ready: Promise<boolean>
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>
  /** SIGTERM; resolves with how it ended, and how long that took. */
  stop(): Promise<Exit & { readonly ms: number }>
}

const startLimitMs = 60_000
const pollMs = 25

export const createService = (owner: Owner, options: ServiceOptions) => {
  let current: Life | undefined
  let over = false
  owner.after(() => {
    over = true
    return current?.kill().catch(() => {})
  })
  return {
    url: `http://127.0.0.1:${options.port}`,
    home: options.home,
    spawn(): Life {
      if (over) throw new Error('The run is over: nothing is started any more')
      current = startLife(options)
      return current
    },
  }
}

export type Service = ReturnType<typeof createService>

const startLife = ({ home, port, wechat, settings }: ServiceOptions): Life => {
  const spawnedAt = Date.now()
  const started = performance.now()
  const child = startProcess({
    args: ['serve'],
    logFile: join(home, 'service.log'),
    env: {
      HONGYAN_HOME: home,
      HONGYAN_HTTP: `127.0.0.1:${port}`,
      HONGYAN_WECHAT: wechat,
      HONGYAN_LOG: 'warn',
      ...settings,
    },
  })
  let readyMs: number | undefined
  let asked = false

  const becomeReady = async (): Promise<boolean> => {
    while (performance.now() - started < startLimitMs) {
      if (await answersReady(port)) {
        readyMs = performance.now() - started
        return true
      }
      if (child.exit() && !asked) throw new Error(`The service ended by itself: ${child.lastWords()}`)
      if (child.exit() || asked) return false
      await pause(pollMs)
    }
    throw new Error(`The service was not ready within ${startLimitMs} ms: ${child.lastWords()}`)
  }

  const end = async (signal: NodeJS.Signals): Promise<Exit> => {
    refuseCrash(child, asked)
    asked = true
    child.signal(signal)
    return child.exited
  }

  const ready = becomeReady()
  // Whoever kills early does not wait for it.
  ready.catch(() => {})
  return {
    pid: child.pid,
    spawnedAt,
    ready,
    readyMs: () => readyMs,
    kill: () => end('SIGKILL').then(() => {}),
    async stop() {
      const from = performance.now()
      return { ...(await end('SIGTERM')), ms: performance.now() - from }
    },
  }
}

/** A service that is gone before anybody ended it has a fault of its own. */
const refuseCrash = (child: Process, asked: boolean): void => {
  if (child.exit() && !asked) throw new Error(`The service ended by itself: ${child.lastWords()}`)
}

const answersReady = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, path: '/readyz', agent: false, timeout: 2000 })
    request.once('response', (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    request.once('timeout', () => request.destroy())
    request.once('error', () => resolve(false))
  })

/** Below the ports that the system gives to outgoing connections, so that none of them takes it between two lives. */
const firstPort = 20_000
const ports = 12_000

export const freePort = async (): Promise<number> => {
  for (let tried = 0; tried < 100; tried++) {
    const port = firstPort + Math.floor(Math.random() * ports)
    if (await isFree(port)) return port
  }
  throw new Error('No free port was found')
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
