import { say } from './say.ts'

/** Two interrupts closer together than this are one: a terminal and a parent process may both send it. */
const sameInterruptMs = 500

/**
 * Keeps the process until it is asked to stop; then stops it in order. A second interrupt ends it at once:
 * whatever was under way is found again at the next start.
 */
export const untilStopped = async (stop: () => Promise<void>): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>()
  let askedAt: number | undefined
  const ask = () => {
    if (askedAt !== undefined && performance.now() - askedAt > sameInterruptMs) process.exit(130)
    if (askedAt !== undefined) return
    askedAt = performance.now()
    process.stderr.write(
      `\n${say('正在停止：完成进行中的发送…', 'Stopping: finishing what is under way …')}\n`,
    )
    resolve()
  }
  process.on('SIGINT', ask)
  process.on('SIGTERM', ask)
  await promise
  await stop()
  process.exit(0)
}

/** A process in an unknown state must not go on: correctness does not need its clean-up. */
export const crashOnSurprise = (): void => {
  const crash = (error: unknown) => {
    process.stderr.write(
      `${JSON.stringify({ level: 60, msg: 'fatal', error: String((error as Error)?.stack ?? error) })}\n`,
    )
    process.exit(1)
  }
  process.on('uncaughtException', crash)
  process.on('unhandledRejection', crash)
}

/** What a failed start says: the plain reason, and for a taken address how to choose another. */
export const startFailure = (error: unknown): string => {
  const { code, port, address } = error as { code?: string; port?: number; address?: string }
  if (code === 'EADDRINUSE')
    return say(
      `端口 ${address}:${port} 已被占用。请停止占用它的程序，或用 HONGYAN_HTTP / HONGYAN_SIMULATOR 换一个端口。`,
      `The address ${address}:${port} is taken. Stop what uses it, or choose another with HONGYAN_HTTP or HONGYAN_SIMULATOR.`,
    )
  return (error as Error).message
}
