import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { until } from './waiting.ts'

export type Environment = Readonly<Record<string, string>>

export interface CliRun {
  /** Absent when a signal ended it. */
  readonly code: number | undefined
  readonly stdout: string
  readonly stderr: string
}

/** A command that runs. */
export interface Cli {
  readonly child: ChildProcess
  readonly stdout: string
  readonly stderr: string
  /** Resolves once it has written something that matches, on either stream. Fails when it does not in time. */
  says(pattern: RegExp): Promise<void>
  readonly ended: Promise<CliRun>
}

const entry = fileURLToPath(new URL('../../bin/hongyan.js', import.meta.url))
const patienceMs = 20_000

/** Starts the real command line. Nothing of our own settings reaches it but `env`; its language is English. */
export const startCli = (args: readonly string[], env: Environment, input = ''): Cli => {
  const child = spawn(process.execPath, [entry, ...args], {
    env: { PATH: process.env.PATH ?? '', TZ: 'UTC', LANG: 'C.UTF-8', ...env },
    stdio: 'pipe',
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text))
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const { promise: ended, resolve } = Promise.withResolvers<CliRun>()
  const overdue = setTimeout(() => child.kill('SIGKILL'), 3 * patienceMs)
  child.on('close', (code) => {
    clearTimeout(overdue)
    resolve({ code: code ?? undefined, stdout, stderr })
  })
  return {
    child,
    get stdout() {
      return stdout
    },
    get stderr() {
      return stderr
    },
    says: (pattern) =>
      until(() => {
        if (pattern.test(stdout + stderr)) return true
        if (child.exitCode !== null) throw new Error(`It ended with ${child.exitCode}: ${stdout}${stderr}`)
        return false
      }, patienceMs),
    ended,
  }
}

/** Runs the real command line to its end. */
export const runCli = (args: readonly string[], env: Environment, input = ''): Promise<CliRun> =>
  startCli(args, env, input).ended
