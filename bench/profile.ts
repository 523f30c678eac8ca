/**
 * `node bench/profile.ts <folder>`: where the time of each profiled thread went, by function, from what
 * `--profile <folder>` wrote. Time in which a thread waited is left out.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Profile {
  readonly nodes: readonly ProfileNode[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

interface ProfileNode {
  readonly id: number
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
}

const shown = 25
const root = join(import.meta.dirname, '..')

/** Microseconds of each function itself, without what it called. */
const selfTimes = ({ nodes, samples, timeDeltas }: Profile): ReadonlyMap<string, number> => {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
  const times = new Map<string, number>()
  for (const [index, id] of samples.entries()) {
    const name = names.get(id)!
    times.set(name, (times.get(name) ?? 0) + timeDeltas[index]!)
  }
  times.delete('(idle)')
  return times
}

const nameOf = ({ functionName, url, lineNumber }: ProfileNode['callFrame']): string => {
  const place = url.replace(/^file:\/\//, '').replace(`${root}/`, '')
  return place === '' ? functionName : `${functionName || '(anonymous)'} ${place}:${lineNumber + 1}`
}

const print = (file: string, times: ReadonlyMap<string, number>): void => {
  const total = [...times.values()].reduce((sum, time) => sum + time, 0)
  const top = [...times].sort(([, a], [, b]) => b - a).slice(0, shown)
  process.stdout.write(`${file}: ${(total / 1000).toFixed(0)} ms\n`)
  for (const [name, time] of top)
    process.stdout.write(`  ${((100 * time) / total).toFixed(1).padStart(5)} %  ${name}\n`)
}

const folder = process.argv[2]
if (folder === undefined) throw new Error('Which folder?')
for (const file of readdirSync(folder).filter((name) => name.endsWith('.cpuprofile')))
  print(file, selfTimes(JSON.parse(readFileSync(join(folder, file), 'utf8')) as Profile))
