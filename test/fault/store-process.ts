/** A real Redis as one of the cast: the log synced at every write, a port and a folder of its own. */
import { type RedisServer, startRedisFor } from '../support/redis.ts'
import type { Actor, Life } from './cast.ts'
import type { Owner } from './child-process.ts'

export interface Store extends Actor, Pick<RedisServer, 'url' | 'folder' | 'command'> {
  /** Whether it was killed, or not yet back from that, at some moment after this one of `Date.now()`. */
  wasAwaySince(at: number): boolean
}

export const createStore = async (owner: Owner, settings: readonly string[] = []): Promise<Store> => {
  const server = await startRedisFor(owner, settings)
  let backAt = 0
  let current = lifeOf(server, Promise.resolve(), () => {})
  await current.ready
  return {
    ...{ kind: 'store', name: 'redis', url: server.url, folder: server.folder, command: server.command },
    life: () => current,
    spawn() {
      current = lifeOf(server, server.start(), (at) => {
        backAt = at
      })
      return current
    },
    wasAwaySince: (at) => current.readyMs() === undefined || server.isDown() || backAt >= at,
  }
}

const lifeOf = (server: RedisServer, starting: Promise<void>, onReady: (at: number) => void): Life => {
  const spawnedAt = Date.now()
  const started = performance.now()
  let readyMs: number | undefined
  let asked = false
  const ready = starting.then(
    () => {
      if (asked) return false
      readyMs = performance.now() - started
      onReady(Date.now())
      return true
    },
    (error: unknown) => {
      if (asked) return false
      throw error
    },
  )
  ready.catch(() => {})
  const end = async (signal: NodeJS.Signals) => {
    asked = true
    const from = performance.now()
    const exit = await server.end(signal)
    return { ...exit, ms: performance.now() - from }
  }
  return {
    spawnedAt,
    ready,
    readyMs: () => readyMs,
    signal: server.signal,
    kill: () => end('SIGKILL').then(() => {}),
    stop: () => end('SIGTERM'),
  }
}
