/**
 * `npm run bench`: measures Hongyan, by itself and on a Redis, beside its bare limits and beside the same job on BullMQ,
 * one process under measurement at a time, contestants in turns, and writes what it found to `bench/results/`.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Conditions, needsRedis } from './contestants.ts'
import { type IdleResult, measureIdle } from './idle.ts'
import { currentCommit, describeMachine } from './machine.ts'
import { measureBy, type Scenario } from './measure.ts'
import type { Measured, Measurement } from './measurement.ts'
import { benchNodes } from './nodes.ts'
import { type Options, parseOptions, usage } from './options.ts'
import { type Results, renderReport } from './report.ts'
import { scenarios } from './scenarios.ts'
import { measureSearch, type SearchResult } from './search.ts'
import { benchSimulator } from './simulator.ts'

const names = [...scenarios.map(({ name }) => name), 'search', 'idle']
/** No single measurement takes longer. */
const limitMs = 240_000

const run = async (options: Options): Promise<Results> => {
  const { only, of, rounds, scale } = options
  const machine = describeMachine()
  const failures: string[] = []
  const wanted = (name: string) => only.length === 0 || only.includes(name)

  const attempt = async <Value>(
    name: string,
    measure: (conditions: Conditions) => Promise<Value>,
  ): Promise<Value | undefined> => {
    try {
      return await measure({ signal: AbortSignal.timeout(limitMs), profile: options.profile })
    } catch (error) {
      const { message } = error as Error
      failures.push(`${name}: ${message.split('\n', 1)[0]}`)
      process.stderr.write(`${name}: ${(error as Error).stack}\n`)
      return undefined
    }
  }

  const measurements: Measurement[] = []
  for (const scenario of scenarios.filter(({ name }) => wanted(name))) {
    const scaled = scaledBy(scenario, scale)
    const present = scenario.contestants.filter(
      (each) => (of.length === 0 || of.includes(each)) && (machine.redis !== undefined || !needsRedis(each)),
    )
    for (let round = 0; round < rounds; round++)
      for (const contestant of present) {
        const name = `${scenario.name} ${contestant}`
        const found = await attempt(name, (conditions) =>
          measureBy[scenario.kind](scaled, contestant, conditions),
        )
        if (!found) continue
        measurements.push({ ...found, round })
        progress(found, round)
      }
  }
  const search: SearchResult | undefined = wanted('search')
    ? await attempt('search', (conditions) => measureSearch(scale, conditions))
    : undefined
  const idle: IdleResult | undefined = wanted('idle') ? await attempt('idle', measureIdle) : undefined

  return {
    date: new Date().toISOString(),
    commit: currentCommit(),
    machine,
    rounds,
    scale,
    measurements,
    ...(search && { search }),
    ...(idle && { idle }),
    failures,
  }
}

const scaledBy = (scenario: Scenario, scale: number): Scenario => ({
  ...scenario,
  messages: Math.round((scenario.messages * scale) / 100) * 100,
  warmup: Math.round((scenario.warmup * scale) / 100) * 100,
  behind: Math.round(((scenario.behind ?? 0) * scale) / 100) * 100,
})

const progress = ({ scenario, contestant, perSecond, cpuUs }: Measured, round: number): void => {
  const figures = `${Math.round(perSecond)} messages/s, ${cpuUs.toFixed(1)} CPU µs/message`
  process.stderr.write(`${scenario} ${contestant} (${round + 1}): ${figures}\n`)
}

/**
 * Results of a part, of few messages or under a profiler are shown, but do not take the place of real ones.
 */
const isWhole = ({ only, of, scale, profile }: Options): boolean =>
  only.length === 0 && of.length === 0 && scale >= 1 && profile === undefined

const save = (results: Results, report: string): void => {
  const folder = join(import.meta.dirname, 'results')
  mkdirSync(folder, { recursive: true })
  const file = `${results.date.slice(0, 10)}-${results.commit.replace('+', '-changed')}.json`
  writeFileSync(join(folder, file), `${JSON.stringify(results, null, 2)}\n`)
  writeFileSync(join(folder, 'latest.md'), report)
}

const main = async (args: readonly string[]): Promise<void> => {
  if (args[0] === 'simulator') return benchSimulator()
  if (args[0] === 'nodes') return benchNodes(args.slice(1))
  if (args.includes('--help')) return void process.stdout.write(usage)
  if (args.includes('--list')) return void process.stdout.write(`${names.join('\n')}\n`)
  const options = parseOptions(args, names)
  const results = await run(options)
  const report = renderReport(results)
  process.stdout.write(report)
  if (isWhole(options)) save(results, report)
  process.exitCode = results.failures.length > 0 ? 1 : 0
}

// `exit` handlers end the Redis, and children end when their conductor is gone.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))
await main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
})
process.exit()
