/** What the numbers were measured on. */
import { spawnSync } from 'node:child_process'
import { statfsSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, tmpdir, totalmem, type } from 'node:os'
import { redisVersion } from './peer/redis.ts'

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGb: number
  readonly system: string
  /** Whether temporary files, and with them all that is stored here, lie in memory: then a sync costs nothing. */
  readonly storesInMemory: boolean
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
  node: process.version,
  redis: redisVersion(),
  load: Number(loadavg()[0]!.toFixed(1)),
})

/** The short name of the commit, with `+` when there are changes beside it. */
export const currentCommit = (): string => {
  const git = (...args: readonly string[]) =>
    spawnSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8', timeout: 10_000 }).stdout?.trim() ??
    ''
  const name = git('rev-parse', '--short', 'HEAD') || 'unknown'
  return git('status', '--porcelain', '--', '../src', '../package.json') === '' ? name : `${name}+`
}
