/**
 * Processes that are measured, and how the one that conducts speaks to them. A process offers tasks by name;
 * it is asked over IPC and answers with a value. A signal bounds all questions, and a process ends with its
 * conductor.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** What a process can be asked to do. Arguments and answers are JSON. */
type TasksOf<Tasks> = { readonly [Name in keyof Tasks]: (...argument: never[]) => unknown }

export interface Process<Tasks extends TasksOf<Tasks>> extends AsyncDisposable {
  /** Rejects when the task fails, the time is over, or the process ends before its answer. */
  ask<Name extends keyof Tasks & string>(
    name: Name,
    ...argument: Parameters<Tasks[Name]>
  ): Promise<Awaited<ReturnType<Tasks[Name]>>>
}

interface Question {
  readonly id: number
  readonly name: string
  readonly argument: readonly unknown[]
}

type Answer = { readonly id: number } & ({ readonly value: unknown } | { readonly error: string })

/** How long a process may take to let go of what it holds. */
const endLimitMs = 15_000

/** `file` lies in this folder. What is asked when the signal aborts is given up. */
export const startProcess = <Tasks extends TasksOf<Tasks>>(
  file: string,
  { signal, execArgv = [] }: { readonly signal: AbortSignal; readonly execArgv?: readonly string[] },
): Process<Tasks> => {
  const child = fork(join(import.meta.dirname, file), {
    execArgv: [...execArgv],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  let lastId = 0

  child.on('message', (answer: Answer) => {
    const caller = waiting.get(answer.id)
    waiting.delete(answer.id)
    if ('error' in answer) caller?.reject(new Error(`${file}: ${answer.error}`))
    else caller?.resolve(answer.value)
  })
  const giveUp = (reason: string) => {
    for (const { reject } of waiting.values()) reject(new Error(`${file} ${reason}`))
    waiting.clear()
  }
  const late = () => giveUp('took too long')
  signal.addEventListener('abort', late)
  child.on('exit', (code, name) => {
    signal.removeEventListener('abort', late)
    giveUp(`ended (${name ?? code})`)
  })

  return {
    async ask(name, ...argument) {
      signal.throwIfAborted()
      const caller = Promise.withResolvers<unknown>()
      const id = ++lastId
      waiting.set(id, caller)
      child.send({ id, name, argument } satisfies Question, (error) => error && caller.reject(error))
      return caller.promise as never
    },
    [Symbol.asyncDispose]: () => end(child),
  }
}

const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  const timer = setTimeout(() => child.kill('SIGKILL'), endLimitMs)
  if (child.connected) child.disconnect()
  await gone
  clearTimeout(timer)
}

/** Makes this process answer. `stop` lets go of what it holds when its conductor is done with it. */
export const answer = <Tasks extends TasksOf<Tasks>>(tasks: Tasks, stop = async () => {}): void => {
  process.on('message', async ({ id, name, argument }: Question) => {
    try {
      const task = tasks[name as keyof Tasks] as unknown as (...argument: readonly unknown[]) => unknown
      reply({ id, value: await task(...argument) })
    } catch (error) {
      reply({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    }
  })
  process.on('disconnect', () => void stop().finally(() => process.exit()))
  // A terminal tells the whole group; the conductor is the one that decides.
  process.on('SIGINT', () => {})
}

const reply = (answer: Answer): void => {
  if (process.connected) process.send!(answer)
}
