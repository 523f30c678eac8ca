/**
 * `node bench/profile.ts <folder>`: where the time of each profiled thread went, by function, from what
 * `--profile <folder>` wrote. Native code is named with the first function of ours or of a package that
 * called it. Time in which a thread waited for its next event, and time to load and compile modules, is left
 * out; a thread that waits for the disk does so inside SQLite, and that time is in.
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
  readonly callFrame: Frame
  readonly children?: readonly number[]
}

interface Frame {
  readonly functionName: string
  readonly url: string
  readonly lineNumber: number
}

const shown = 30
const loading = /^node:internal\/(modules|bootstrap|deps\/amaro|main)\/|\/ajv\/dist\/compile\//

/** Microseconds by function itself, without what it called. */
const selfTimes = ({ nodes, samples, timeDeltas }: Profile): ReadonlyMap<string, number> => {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])))
  const stackOf = (id: number | undefined): readonly Frame[] => {
    const frames: Frame[] = []
    for (let at = id; at !== undefined; at = parents.get(at)) frames.push(byId.get(at)!.callFrame)
    return frames
  }
  const names = new Map(nodes.map(({ id }) => [id, nameOf(stackOf(id))]))
  const times = new Map<string, number>()
  for (const [index, id] of samples.entries()) {
    const name = names.get(id)
    if (name !== undefined) times.set(name, (times.get(name) ?? 0) + timeDeltas[index]!)
  }
  return times
}

/** Undefined for what is left out. */
const nameOf = (stack: readonly Frame[]): string | undefined => {
  const [top] = stack
  if (top!.functionName === '(idle)' || stack.some(({ url }) => loading.test(url))) return undefined
  if (top!.url !== '') return placeOf(top!)
  const caller = stack.find(({ url }) => url.startsWith('file:'))
  return caller ? `${top!.functionName} < ${placeOf(caller)}` : top!.functionName
}

const placeOf = ({ functionName, url, lineNumber }: Frame): string => {
  const file = url.replace(/^file:\/\/.*\/(?=(src|bench|node_modules)\/)/, '').replace(/^wasm:.*/, 'wasm')
  return `${functionName || '(anonymous)'} ${file}:${lineNumber + 1}`
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
