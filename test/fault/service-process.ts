/** The real service, `hongyan serve`, or one role of it, as a process that is started again and again on one home. */
import { readFileSync, statSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Actor, Life } from './cast.ts'
import { type Exit, type Owner, type Process, startProcess } from './child-process.ts'

export interface ServiceOptions {
  readonly kind: 'service' | 'gateway' | 'worker'
  readonly name: string
  readonly home: string
  /** Where it listens; a worker does not. */
  readonly port?: number
  /** Base address of the simulated WeChat. */
  readonly wechat: string
  readonly settings?: Readonly<Record<string, string>>
  /**
   * Whether a start at that time of `Date.now()` may fail, and is tried again then: what it needs was away meanwhile.
   */
  readonly mayFail?: (startedAt: number) => boolean
}

export interface Service extends Actor {
  readonly url: string
  readonly home: string
  /** All that it has written to standard error. */
  log(): string
}

/** A start takes a second; on a machine that is very busy, and with a store that is killed meanwhile, many. */
const startLimitMs = 180_000
const pollMs = 25

export const createService = (owner: Owner, options: ServiceOptions): Service => {
  let current: Life | undefined
  let over = false
  owner.after(() => {
    over = true
    return current?.kill().catch(() => {})
  })
  return {
    kind: options.kind,
    name: options.name,
    url: `http://127.0.0.1:${options.port}`,
    home: options.home,
    log: () => readFileSync(logFileOf(options), 'utf8'),
    life: () => current!,
    spawn(): Life {
      if (over) throw new Error('The run is over: nothing is started any more')
      current = startLife(options, () => over)
      return current
    },
  }
}

const startLife = (options: ServiceOptions, isOver: () => boolean): Life => {
  const { mayFail = () => false } = options
  const spawnedAt = Date.now()
  const started = performance.now()
  let { child, childAt, isReady } = startChild(options)
  let readyMs: number | undefined
  let asked = false

  const becomeReady = async (): Promise<boolean> => {
    while (performance.now() - started < startLimitMs) {
      if (await isReady()) {
        readyMs = performance.now() - started
        return true
      }
      if (asked || isOver()) return false
      // As whatever looks after processes would: again, after a moment.
      if (child.exit() && mayFail(childAt)) {
        await pause(restartMs)
        if (asked || isOver()) return false
        ;({ child, childAt, isReady } = startChild(options))
      } else if (child.exit()) throw new Error(`The service ended by itself: ${child.lastWords()}`)
      await pause(pollMs)
    }
    throw new Error(`The service was not ready within ${startLimitMs} ms: ${child.lastWords()}`)
  }

  const end = async (signal: NodeJS.Signals): Promise<Exit> => {
    if (readyMs !== undefined || !mayFail(childAt)) refuseCrash(child, asked)
    asked = true
    child.signal(signal)
    return child.exited
  }

  const ready = becomeReady()
  // Whoever kills early does not wait for it.
  ready.catch(() => {})
  return {
    spawnedAt,
    ready,
    readyMs: () => readyMs,
    signal: (signal) => child.signal(signal),
    kill: () => end('SIGKILL').then(() => {}),
    async stop() {
      const from = performance.now()
      return { ...(await end('SIGTERM')), ms: performance.now() - from }
    },
  }
}

const restartMs = 200

/** One process of it, and how to see whether it is ready: a gateway is asked, a worker writes it down. */
const startChild = (options: ServiceOptions) => {
  const { kind, home, port, wechat, settings } = options
  const logFile = logFileOf(options)
  const from = sizeOf(logFile)
  const childAt = Date.now()
  const child = startProcess({
    args: ['serve'],
    logFile,
    env: {
      HONGYAN_HOME: home,
      HONGYAN_WECHAT: wechat,
      HONGYAN_LOG: port === undefined ? 'info' : 'warn',
      ...(port !== undefined && { HONGYAN_HTTP: `127.0.0.1:${port}` }),
      ...(kind !== 'service' && { HONGYAN_ROLES: kind }),
      ...settings,
    },
  })
  const saysStarted = async () => readFileSync(logFile).subarray(from).includes('"msg":"started"')
  return { child, childAt, isReady: port === undefined ? saysStarted : () => answersReady(port) }
}

const logFileOf = ({ home, name }: ServiceOptions): string => join(home, `${name}.log`)

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0

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
