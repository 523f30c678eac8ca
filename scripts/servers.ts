/**
 * The servers that the tests start for themselves. `npm test` runs this first: what is missing is installed where that
 * is possible (as root, with apt), and otherwise a sentence says what to do. It never fails by itself: the tests that
 * need a server do, with the same sentence, and all others can be run without.
 */
import { spawnSync } from 'node:child_process'
import { accessSync, constants, globSync } from 'node:fs'
import { delimiter, join } from 'node:path'

type Environment = Readonly<Record<string, string | undefined>>

/** A server of which the tests need the program. */
export interface Server {
  readonly name: string
  /** Of Debian and Ubuntu. */
  readonly packageName: string
  /** Names a server that runs already. */
  readonly setting: string
  readonly scheme: string
  /** The folder with its programs, if it is here. */
  readonly find: (env: Environment) => string | undefined
}

/** Debian keeps the programs of PostgreSQL out of the PATH, by version. */
const debianPostgres = '/usr/lib/postgresql/*/bin'

export const redis: Server = {
  name: 'Redis',
  packageName: 'redis-server',
  setting: 'HONGYAN_TEST_REDIS',
  scheme: 'redis',
  find: (env) => folderWith(['redis-server'], foldersOf(env)),
}

export const postgres: Server = {
  name: 'PostgreSQL',
  packageName: 'postgresql',
  setting: 'HONGYAN_TEST_POSTGRES',
  scheme: 'postgres',
  find: (env) => folderWith(['initdb', 'postgres'], [...newestFirst(debianPostgres), ...foldersOf(env)]),
}

export const servers: readonly Server[] = [redis, postgres]

const foldersOf = ({ PATH = '' }: Environment): readonly string[] =>
  PATH.split(delimiter).filter((folder) => folder !== '')

const newestFirst = (pattern: string): readonly string[] => {
  const version = (path: string) => Number(path.split('/').at(-2))
  return globSync(pattern).sort((a, b) => version(b) - version(a))
}

const folderWith = (programs: readonly string[], folders: readonly string[]): string | undefined =>
  folders.find((folder) => programs.every((name) => canRun(join(folder, name))))

const canRun = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The folder with the programs of a server. Throws what to do when they are not here. */
export const programsOf = (server: Server): string => {
  const folder = server.find(process.env)
  if (folder === undefined) throw new Error(advice(server))
  return folder
}

/** What to do about a server that is not here. */
export const advice = ({ name, packageName, setting, scheme }: Server): string =>
  `There is no ${name} to test with. On Debian or Ubuntu: apt-get install ${packageName}. ` +
  `Or let ${setting}=${scheme}://… name one that runs and that tests may write to (below names of their own); ` +
  `the tests that stop and start a server need its program all the same.`

const has = (program: string): boolean => folderWith([program], foldersOf(process.env)) !== undefined

/** Bounded: a mirror that hangs must not hold up the tests for ever. */
const installMs = 10 * 60_000

const apt = (...args: readonly string[]): boolean =>
  spawnSync('apt-get', args, {
    // What it writes goes where our own words go.
    stdio: ['ignore', 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeout: installMs,
  }).status === 0

const install = (packages: readonly string[]): boolean =>
  apt('update', '-qq') && apt('install', '-qq', '-y', '--no-install-recommends', ...packages)

const say = (text: string) => process.stderr.write(`${text}\n`)

const main = (): void => {
  const missing = servers.filter((server) => server.find(process.env) === undefined)
  if (missing.length === 0) return
  const packages = missing.map(({ packageName }) => packageName)
  if (process.getuid?.() === 0 && has('apt-get')) {
    say(`Installing what the tests need: ${packages.join(', ')} …`)
    if (!install(packages)) say(`That could not be installed: ${packages.join(', ')}.`)
  }
  for (const server of missing) if (server.find(process.env) === undefined) say(advice(server))
}

if (import.meta.main) main()
