import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Whoever ends what was begun: a test, or the command that runs it. */
export interface Owner {
  after(end: () => unknown): void
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A command of the product as a process of its own. */
export interface Process {
  readonly pid: number
  readonly exited: Promise<Exit>
  /** How it ended, once it has. */
  exit(): Exit | undefined
  signal(signal: NodeJS.Signals): void
  /** The end of what it wrote to standard error. */
  lastWords(): string
  /** The first line on standard output, where that was asked for. */
  readonly firstLine: Promise<string>
}

export interface ProcessOptions {
  /** Arguments of the command line. */
  readonly args: readonly string[]
  /** Settings, `HONGYAN_…`; those of the surroundings are left out. */
  readonly env: Readonly<Record<string, string>>
  /** Takes standard error, appended. */
  readonly logFile: string
}

const root = new URL('../../', import.meta.url).pathname
/**
 * Where Node keeps what it compiled, so that a start takes half the time. Only a process that ends in order writes to
 * it: those that are killed leave nothing.
 */
const compileCache = join(root, 'node_modules/.cache/hongyan-compiled')
const running = new Set<ChildProcess>()

// A harness that ends early must not leave its processes behind, nor when it is told to.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export const startProcess = ({ args, env, logFile }: ProcessOptions): Process => {
  const log = openSync(logFile, 'a')
  const child = spawn(process.execPath, ['src/cli/main.ts', ...args], {
    cwd: root,
    env: { ...surroundings(), NODE_COMPILE_CACHE: compileCache, ...env },
    stdio: ['ignore', 'pipe', log],
  } satisfies SpawnOptions)
  closeSync(log)
  running.add(child)
  const { promise: exited, resolve } = Promise.withResolvers<Exit>()
  let exit: Exit | undefined
  child.once('exit', (code, signal) => {
    running.delete(child)
    exit = { code, signal }
    resolve(exit)
  })
  return {
    pid: child.pid!,
    exited,
    exit: () => exit,
    signal: (signal) => void child.kill(signal),
    lastWords: () => readFileSync(logFile, 'utf8').slice(-2000),
    firstLine: firstLineOf(child),
  }
}

const surroundings = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(HONGYAN_|NODE_TEST)/.test(name)))

/** What comes later is read and forgotten, so that the pipe never fills. */
const firstLineOf = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => {
    let text = ''
    child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
      if (text.includes('\n')) return
      text += chunk
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')))
    })
  })
