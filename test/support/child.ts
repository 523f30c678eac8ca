import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { atEnd } from './at-end.ts'

/** Another process of ours, whose lines on standard output are read as they come. */
export interface Child {
  readonly pid: number
  /** Every whole line so far. */
  readonly lines: readonly string[]
  /** Resolves once there are that many lines; rejects if it ends before. */
  line(count: number): Promise<void>
  /** Ends it at once, as a power switch would, and resolves when it is gone and all it wrote has been read. */
  kill(): Promise<void>
}

/** Runs a script of this folder. It is killed with the test at the latest. */
export const startChild = (t: TestContext, script: string, args: readonly string[]): Child => {
  const path = new URL(script, import.meta.url).pathname
  const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines: string[] = []
  const waiters = new Set<() => void>()
  const wake = () => {
    for (const waiter of waiters) waiter()
  }
  const reader = createInterface({ input: child.stdout })
  // Readline also gives the last line, that was cut off: without its end it is no promise.
  reader.on('line', (line) => {
    if (line.endsWith(';')) lines.push(line.slice(0, -1))
    wake()
  })
  const gone = Promise.all([once(child, 'close'), once(reader, 'close')]).then(wake)
  const kill = async () => {
    child.kill('SIGKILL')
    await gone
  }
  atEnd(t, kill)
  return {
    pid: child.pid!,
    lines,
    line: (count) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (lines.length >= count) resolve()
          else if (child.exitCode !== null || child.signalCode !== null)
            reject(new Error(`The child ended after ${lines.length} lines`))
          else return
          waiters.delete(look)
        }
        waiters.add(look)
        look()
      }),
    kill,
  }
}
