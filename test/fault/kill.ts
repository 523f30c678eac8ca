/**
 * `npm run fault`: any number of rounds of kills, on the embedded engine or, with `--engine redis`, of gateways, workers
 * and their Redis; `--sustained`: a steady stream instead. One line of
 * JSON at the end.
 */
import { parseArgs } from 'node:util'
import type { FinalRecord } from './checker.ts'
import { type KillResult, runKills } from './kill-run.ts'
import { faultsOf, reportOf } from './report.ts'
import { runSustained } from './sustained.ts'

const { values } = parseArgs({
  options: {
    engine: { type: 'string', default: 'embedded' },
    kills: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '60' },
    lanes: { type: 'string', default: '2' },
    json: { type: 'boolean', default: false },
    sustained: { type: 'boolean', default: false },
  },
})

const ends: (() => unknown)[] = []
const owner = { after: (end: () => unknown) => void ends.unshift(end) }
const say = (text: string) => {
  if (!values.json) process.stderr.write(`${text}\n`)
}

/** Services side by side, each with its share of the kills and a seed of its own: a start uses one core at most. */
const killSideBySide = async (): Promise<readonly string[]> => {
  const [kills, seed, minutes, lanes] = [values.kills, values.seed, values.minutes, values.lanes].map(Number)
  if (![kills, seed, minutes, lanes].every((value) => value! >= 0)) throw new Error('Numbers are needed')
  const { engine } = values
  if (engine !== 'embedded' && engine !== 'redis') throw new Error('The engine is embedded or redis')
  const started = performance.now()
  let done = 0
  const onRound = () => {
    done++
    if (done % 25 === 0) say(`${done} rounds, ${Math.round((performance.now() - started) / 1000)} s`)
  }
  const shares = Array.from({ length: lanes! }, (_, lane) => Math.floor((kills! + lane) / lanes!))
  const results = await Promise.all(
    shares.map((share, lane) =>
      runKills(owner, {
        engine,
        rounds: share,
        seed: seed! * 100 + lane,
        until: started + minutes! * 60_000,
        // A short run need not wait two minutes for receipts that never come.
        receiptsMayWait: kills! < 500,
        onRound,
      }),
    ),
  )
  const report = reportOf(results, { engine, seed: seed!, seconds: (performance.now() - started) / 1000 })
  const faults = faultsOf(report)
  if (faults.length > 0) showEvidence(results)
  process.stdout.write(`${JSON.stringify(report)}\n`)
  return faults
}

const shown = 5

/** Enough of what was found to begin with. */
const showEvidence = (results: readonly KillResult[]): void => {
  for (const { findings, records } of results)
    for (const [name, members] of Object.entries(findings))
      for (const member of members.slice(0, shown))
        say(`${name}: ${JSON.stringify(recordOf(records, member) ?? member)}`)
}

const recordOf = (records: readonly FinalRecord[], name: string): FinalRecord | undefined =>
  records.find(({ id, key }) => id === name || key === name)

try {
  const faults = values.sustained
    ? await runSustained(owner, { seed: Number(values.seed), minutes: 2, say })
    : await killSideBySide()
  for (const fault of faults) say(`FAULT  ${fault}`)
  process.exitCode = faults.length > 0 ? 1 : 0
} finally {
  for (const end of ends) await end()
}
