/** What the numbers were measured on. */
import { spawnSync } from 'node:child_process'
import { closeSync, fdatasyncSync, openSync, statfsSync, writeSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, tmpdir, totalmem, type } from 'node:os'
import { join } from 'node:path'
import { openFolder } from './folder.ts'
import { redisVersion } from './peer/redis.ts'

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGb: number
  readonly system: string
  /**
   * Whether temporary files, and with them all that is stored here, lie in memory: then a sync costs nothing.
   */
  readonly storesInMemory: boolean
  /**
   * How long the disk took to sync 8 KB when it began: it bounds every durable answer, and others slow it
   * down.
   */
  readonly syncMs: { readonly p50: number; readonly p90: number }
  readonly node: string
  readonly redis: string | undefined
  /** Others at work when it began: the average number of running processes of the last minute. */
  readonly load: number
}

const tmpfs = 0x01021994

export const describeMachine = (): Machine => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: availableParallelism(),
  memoryGb: Math.round(totalmem() / 2 ** 30),
  system: `${type()} ${release().split('-')[0]}`,
  storesInMemory: statfsSync(tmpdir()).type === tmpfs,
  syncMs: measureSync(),
  node: process.version,
  redis: redisVersion(),
  load: Number(loadavg()[0]!.toFixed(1)),
})

const syncs = 100

const measureSync = (): Machine['syncMs'] => {
  const folder = openFolder()
  const file = openSync(join(folder.path, 'sync'), 'w')
  const page = Buffer.alloc(8192, 1)
  const times = Array.from({ length: syncs }, () => {
    writeSync(file, page)
    const startedAt = performance.now()
    fdatasyncSync(file)
    return performance.now() - startedAt
  }).sort((a, b) => a - b)
  closeSync(file)
  folder.remove()
  const at = (share: number) => Number(times[share * syncs]!.toFixed(2))
  return { p50: at(0.5), p90: at(0.9) }
}

/** The short name of the commit, with `+` when there are changes beside it. */
export const currentCommit = (): string => {
  const git = (...args: readonly string[]) =>
    spawnSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8', timeout: 10_000 }).stdout?.trim() ??
    ''
  const name = git('rev-parse', '--short', 'HEAD') || 'unknown'
  return git('status', '--porcelain', '--', '../src', '../package.json') === '' ? name : `${name}+`
}
