/** `node test/fault/callbacks.ts --count 1000000 --seed 7`: forged and damaged callbacks. One line of JSON. */
import { parseArgs } from 'node:util'
import { runMutations } from './callback-mutations.ts'
import { commit } from './report.ts'

const { values } = parseArgs({
  options: { count: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
})
const [count, seed] = [Number(values.count), Number(values.seed)]
if (!(count >= 0 && seed >= 0)) throw new Error('Numbers are needed')

const started = performance.now()
const report = runMutations({ count, seed })
const seconds = Math.round((performance.now() - started) / 1000)
process.stdout.write(`${JSON.stringify({ ...report, commit: commit(), seconds })}\n`)
const { accepted, thrown, otherwise, originalsRefused } = report
process.exitCode = accepted + thrown + otherwise + originalsRefused > 0 ? 1 : 0
