import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { readConfig } from '../config.ts'
import { examples } from './client.ts'
import { exitCodes } from './output.ts'
import { crashOnSurprise, startFailure, untilStopped } from './run.ts'
import { say } from './say.ts'

export const addSimulate = (program: Command): void => {
  program
    .command('simulate')
    .description(say('只运行微信模拟器', 'run the WeChat simulator alone'))
    .option('--scenario <file>', say('从场景文件（JSON）开始', 'begin as a scenario file (JSON) says'))
    .option('--counted', say('按实际授权计数', 'count permissions as they are given'))
    .option('--any', say('接受任何账号、用户和模板', 'accept any account, user and template'))
    .option('--latency <ms>', say('固定的应答延迟', 'a fixed delay of answers'), Number)
    .option('--seed <number>', say('随机数种子', 'seed of chance'), Number)
    .option('--memory', say('不保存记录', 'keep nothing on disk'))
    .option('--benchmark', say('压测模式：不保留内容', 'for load: keep no content'))
    .addHelpText(
      'after',
      examples(
        'HONGYAN_SIMULATOR=127.0.0.1:9077 hongyan simulate --any',
        'hongyan simulate --scenario examples/simulator/shop.json --memory',
      ),
    )
    .action(simulate)
}

interface SimulateOptions {
  readonly scenario?: string
  readonly counted?: true
  readonly any?: true
  readonly latency?: number
  readonly seed?: number
  readonly memory?: true
  readonly benchmark?: true
}

const simulate = async (options: SimulateOptions): Promise<void> => {
  crashOnSurprise()
  const simulator = await start(options).catch((error) => {
    process.stderr.write(`${startFailure(error)}\n`)
    process.exit(exitCodes.failed)
  })
  process.stdout.write(
    `${JSON.stringify({ simulator: simulator.url, simulator_admin: simulator.adminUrl })}\n`,
  )
  await untilStopped(simulator.close)
}

const start = async (options: SimulateOptions) => {
  const config = readConfig(process.env)
  const { startSimulator } = await import('../main.ts')
  const { scenario: file } = options
  try {
    return await startSimulator({
      api: config.simulator,
      admin: config.simulatorAdmin,
      ...(file !== undefined && { scenario: JSON.parse(readFileSync(file, 'utf8')) }),
      ...(options.counted && { grants: 'counted' as const }),
      ...(options.any && { anyAccount: true }),
      ...(options.latency !== undefined && { latency: { fixedMs: options.latency } }),
      ...(options.seed !== undefined && { seed: options.seed }),
      ...(options.benchmark && { benchmark: true }),
      ...(!options.memory && !options.benchmark && { home: join(config.home, 'simulator') }),
    })
  } catch (error) {
    // What the system says names its cause itself; everything else is about what stands in the file.
    if (file === undefined || (error as NodeJS.ErrnoException).code !== undefined) throw error
    throw new Error(`${file}: ${(error as Error).message}`)
  }
}
