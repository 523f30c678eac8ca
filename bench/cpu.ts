/**
 * Moments with the CPU time used up to them. A process reads its own (all threads, user and system) to the
 * microsecond; of another, such as a Redis, /proc tells it to the hundredth of a second, children that have
 * ended included.
 */
import { readFileSync } from 'node:fs'

export interface Mark {
  /** On the machine's monotonic clock, which all its processes share. */
  readonly atMs: number
  /** Of this process. */
  readonly cpuUs: number
  /** Of the server that works for it; 0 when there is none. */
  readonly serverCpuUs: number
}

export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6

/** `serverPid`: a process that works for this one. */
export const markNow = (serverPid?: number): Mark => {
  const { user, system } = process.cpuUsage()
  return {
    atMs: monotonicMs(),
    cpuUs: user + system,
    serverCpuUs: serverPid === undefined ? 0 : cpuUsOf(serverPid),
  }
}

/** Linux counts in hundredths of a second on every machine that Node runs on. */
const usPerTick = 10_000

/** User and system time of a process and of its ended children. */
const cpuUsOf = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name in the second field may hold anything, so fields are counted from the parenthesis that closes
  // it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * usPerTick
}

/** Resident memory of a process, in megabytes. */
export const residentMbOf = (pid: number): number => {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kilobytes) / 1024
}
