import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chownSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { postgres, programsOf } from '../../scripts/servers.ts'
import { until } from './waiting.ts'

/** A PostgreSQL of the tests' own, whose processes and files they may do anything to. */
export interface PostgresServer {
  readonly url: string
  /** The process that all others come from. */
  readonly pid: () => number
  /** Starts it again on the same files and the same port. */
  start(): Promise<void>
  /** Ends it without a word, as a power cut would. */
  kill(): Promise<void>
  /** Ends it and removes its files. */
  remove(): Promise<void>
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })

/** PostgreSQL refuses to run as root, so root lets another user run it. */
const asUser = (): { readonly uid: number; readonly gid: number } | undefined => {
  if (process.getuid?.() !== 0) return undefined
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = (flag: string) =>
        Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'] }))
      return { uid: id('-u'), gid: id('-g') }
    } catch {}
  }
  throw new Error('Neither postgres nor nobody is a user here, and PostgreSQL does not run as root')
}

/** Starts a PostgreSQL on a free port, in a temporary folder; it syncs what it commits. */
export const startPostgres = async (): Promise<PostgresServer> => {
  const bin = programsOf(postgres)
  const user = asUser()
  const folder = mkdtempSync(join(tmpdir(), 'hongyan-postgres-'))
  if (user) chownSync(folder, user.uid, user.gid)
  const data = join(folder, 'data')
  const run = { ...user, cwd: folder, env: { PATH: process.env.PATH ?? '', LC_ALL: 'C.UTF-8' } }
  execFileSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'hongyan', '-A', 'trust', '-E', 'UTF8', '--no-sync', '--no-instructions'],
    { ...run, stdio: ['ignore', 'ignore', 'inherit'] },
  )
  const port = await freePort()
  const url = `postgres://hongyan@127.0.0.1:${port}/postgres`
  const pid = () => Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0])
  let child: ChildProcess | undefined
  const end = async (signal: NodeJS.Signals) => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child!.once('exit', resolve))
    child.ref()
    process.kill(pid(), signal)
    await ended
  }

  const server: PostgresServer = {
    url,
    pid,
    async start() {
      const settings = { port, listen_addresses: '127.0.0.1', unix_socket_directories: folder, fsync: 'on' }
      const started = spawn(
        join(bin, 'postgres'),
        ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
        { ...run, stdio: 'ignore' },
      )
      child = started
      started.unref()
      // Whoever ends without `remove` leaves no server behind.
      process.once('exit', () => started.kill('SIGQUIT'))
      await until(() => answers(url), 20_000)
    },
    kill: () => end('SIGKILL'),
    async remove() {
      // Those who are still connected are cut off.
      await end('SIGINT')
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
  await server.start()
  return server
}

const answers = async (url: string): Promise<boolean> => {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query('SELECT 1')
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => {})
  }
}
