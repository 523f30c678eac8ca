/** A Redis of our own: on a free port, in a temporary folder, ended by its pid. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'

/** `always` syncs before it answers, as Hongyan does; `everysec` may lose the last second in a power cut. */
export type Fsync = 'always' | 'everysec'

export interface RedisServer extends AsyncDisposable {
  readonly port: number
  readonly pid: number
}

/** The version of the Redis that is installed; undefined when there is none. */
export const redisVersion = (): string | undefined => {
  const { status, stdout } = spawnSync('redis-server', ['--version'], { encoding: 'utf8', timeout: 5000 })
  return status === 0 ? /v=(\S+)/.exec(stdout)?.[1] : undefined
}

export const startRedis = async (folder: string, fsync: Fsync): Promise<RedisServer> => {
  const port = await freePort()
  const settings = {
    port,
    bind: '127.0.0.1',
    dir: folder,
    save: '',
    appendonly: 'yes',
    appendfsync: fsync,
    // BullMQ asks for it: a queue that evicts loses messages.
    'maxmemory-policy': 'noeviction',
  }
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])
  const server = spawn('redis-server', args, { stdio: 'ignore' })
  const endWithUs = () => server.kill('SIGKILL')
  process.on('exit', endWithUs)
  await untilReady(server, port)
  return {
    port,
    pid: server.pid!,
    async [Symbol.asyncDispose]() {
      process.off('exit', endWithUs)
      if (server.exitCode !== null || server.signalCode !== null) return
      const gone = once(server, 'exit')
      server.kill('SIGKILL')
      await gone
    },
  }
}

const readyLimitMs = 5000

const untilReady = async (server: ChildProcess, port: number): Promise<void> => {
  const client = new Redis({ port, lazyConnect: true, retryStrategy: null, maxRetriesPerRequest: 0 })
  client.on('error', () => {})
  const deadline = performance.now() + readyLimitMs
  while (server.exitCode === null && performance.now() < deadline) {
    const ready = await client.connect().then(
      () => true,
      () => false,
    )
    if (ready) return client.disconnect()
    await sleep(50)
  }
  server.kill('SIGKILL')
  throw new Error('redis-server did not start')
}

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
