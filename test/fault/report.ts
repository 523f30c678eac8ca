/** The one line that a run leaves: what was done, what was found. */
import { execFileSync } from 'node:child_process'
import type { Channel, State } from '../../src/message.ts'
import type { Findings } from './checker.ts'
import type { KillResult } from './kill-run.ts'
import { clusterLeaseMs, type EngineName } from './stage.ts'
import { missedWindows, type Windows } from './windows.ts'

export interface Report {
  readonly seed: number
  readonly commit: string
  readonly engine: EngineName
  readonly faults: string
  readonly rounds: number
  /** Processes killed in all the rounds. */
  readonly kills: number
  /** Sizes of the checker's sets. */
  readonly sets: Readonly<Record<keyof Findings, number>>
  readonly accepted: number
  readonly effects: number
  /** Messages by channel and final state, such as `template sent`. */
  readonly states: States
  readonly windows: Windows
  readonly startMs: Spread
  readonly recoveryMs: Spread
  /** Leases run out on Redis; on the embedded engine the next start gives them back. */
  readonly reclaimMs?: Spread
  readonly quietMs: number
  readonly seconds: number
}

export interface Spread {
  readonly median: number
  readonly p99: number
  readonly max: number
}

export interface ReportOptions {
  readonly engine: EngineName
  readonly seed: number
  readonly seconds: number
}

/** Of runs side by side, as of one. */
export const reportOf = (
  results: readonly KillResult[],
  { engine, seed, seconds }: ReportOptions,
): Report => ({
  seed,
  commit: commit(),
  engine,
  faults: 'sigkill',
  rounds: sum(results.map(({ rounds }) => rounds)),
  kills: sum(results.map(({ kills }) => kills)),
  sets: sumEach(results.map(({ findings }) => sizesOf(findings))),
  accepted: sum(results.map(({ records }) => records.length)),
  effects: sum(results.map(({ effects }) => effects)),
  states: statesOf(results),
  windows: sumEach(results.map(({ windows }) => windows as WindowSizes)) as unknown as Windows,
  startMs: spreadOf(results.flatMap(({ startMs }) => startMs)),
  recoveryMs: spreadOf(results.flatMap(({ recoveryMs }) => recoveryMs)),
  ...(engine === 'redis' && { reclaimMs: spreadOf(results.flatMap(({ reclaimMs }) => reclaimMs)) }),
  quietMs: Math.max(...results.map(({ quietMs }) => quietMs)),
  seconds: Math.round(seconds),
})

export const sizesOf = (findings: Findings): Readonly<Record<keyof Findings, number>> =>
  Object.fromEntries(
    Object.entries(findings).map(([name, members]) => [name, members.length]),
  ) as unknown as Readonly<Record<keyof Findings, number>>

type WindowSizes = Readonly<Record<keyof Windows, number>>

/** So many that every window must have been hit. */
const manyRounds = 500
/** Of what a killed worker held, nearly everything is leased again so soon after its lease is over. */
export const reclaimLimitMs = clusterLeaseMs + 5000

/** Why a run is not good; empty if it is. */
export const faultsOf = ({ sets, windows, rounds, reclaimMs }: Report): readonly string[] => [
  ...Object.entries(sets)
    .filter(([, size]) => size > 0)
    .map(([name, size]) => `${name}: ${size}`),
  ...(reclaimMs !== undefined && reclaimMs.p99 > reclaimLimitMs ? [`reclaim p99: ${reclaimMs.p99} ms`] : []),
  ...(rounds < manyRounds ? [] : missedWindows(windows).map((name) => `no kill hit the window ${name}`)),
]

export const spreadOf = (values: readonly number[]): Spread => {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) => Math.round(sorted[Math.floor(sorted.length * share)] ?? 0)
  return {
    median: at(0.5),
    p99: at(0.99),
    max: Math.round(sorted.at(-1) ?? 0),
  }
}

type States = Readonly<Partial<Record<`${Channel} ${State}`, number>>>

const statesOf = (results: readonly KillResult[]): States => {
  const all = results.flatMap(({ records }) => records)
  const groups = Map.groupBy(all, ({ channel, state }) => `${channel} ${state}`)
  return Object.fromEntries([...groups].map(([name, { length }]) => [name, length]))
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

const sumEach = <Name extends string>(
  all: readonly Readonly<Record<Name, number>>[],
): Readonly<Record<Name, number>> => {
  const names = Object.keys(all[0]!) as Name[]
  return Object.fromEntries(names.map((name) => [name, sum(all.map((each) => each[name]))])) as Readonly<
    Record<Name, number>
  >
}

/** Which state of the product was under test; `unknown` outside of its repository. */
export const commit = (): string => {
  try {
    const cwd = import.meta.dirname
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd, stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .trim()
  } catch {
    return 'unknown'
  }
}
