/** A steady stream against a WeChat that takes 80 ms, with the settings that everybody starts with. */
import { setTimeout as pause } from 'node:timers/promises'
import { createRandom } from '../../src/simulator/random.ts'
import { check, type FinalRecord, type SeenEffect } from './checker.ts'
import type { Owner } from './child-process.ts'
import { createHistory } from './history.ts'
import { aTemplateWish, sendUntilAnswered, type Wish } from './load.ts'
import { commit, sizesOf, spreadOf } from './report.ts'
import { openStage } from './stage.ts'
import { readRecords, untilQuiet } from './truth.ts'

export interface SustainedOptions {
  readonly seed: number
  readonly minutes: number
  readonly say: (text: string) => void
}

const perMinute = 10_000
const latencyMs = 80
/** In each tick, half of the messages come in one array and half one by one. */
const perTick = 10
const tickMs = (60_000 / perMinute) * perTick
const quietLimitMs = 60_000

/** Prints the result as one line of JSON; answers what was wrong with it. */
export const runSustained = async (
  owner: Owner,
  { seed, minutes, say }: SustainedOptions,
): Promise<readonly string[]> => {
  const { simulator, caller, first } = await openStage(owner, { seed, latencyMs })
  const history = createHistory()
  const random = createRandom(seed)
  const acceptMs: number[] = []

  const send = async (wishes: readonly Wish[]): Promise<void> => {
    const from = performance.now()
    await sendUntilAnswered({ caller, history }, { actor: 'stream', wishes, random })
    acceptMs.push(performance.now() - from)
  }

  const ticks = Math.round((minutes * 60_000) / tickMs)
  const started = performance.now()
  const requests: Promise<void>[] = []
  for (let tick = 0; tick < ticks; tick++) {
    await pause(Math.max(0, started + tick * tickMs - performance.now()))
    const wishes = Array.from({ length: perTick }, (_, index) => aTemplateWish(`s-${tick}-${index}`, index))
    requests.push(
      send(wishes.slice(0, perTick / 2)),
      ...wishes.slice(perTick / 2).map((wish) => send([wish])),
    )
    if (tick % Math.round(10_000 / tickMs) === 0) say(`${tick * perTick} messages`)
  }
  await Promise.all(requests)
  const streamSeconds = (performance.now() - started) / 1000
  await untilQuiet(caller, { limitMs: quietLimitMs, receiptsMayWait: false })
  const quietMs = performance.now() - started - streamSeconds * 1000

  const records = await readRecords(caller, false)
  const effects = await simulator.effects()
  const calls = (await simulator.calls()).filter(({ key }) => key !== '').length
  const sets = sizesOf(check({ history: history.lines, records, effects }))
  const sent = records.filter(({ state }) => state === 'sent').length
  await first.stop()

  const result = {
    mode: 'sustained',
    seed,
    commit: commit(),
    engine: 'embedded',
    perMinute: Math.round((records.length / streamSeconds) * 60),
    minutes,
    sets,
    accepted: records.length,
    sent,
    effects: effects.length,
    calls,
    acceptMs: spreadOf(acceptMs),
    acceptedToSeenMs: spreadOf(delaysOf(records, effects)),
    quietMs: Math.round(quietMs),
  }
  process.stdout.write(`${JSON.stringify(result)}\n`)
  return [
    ...Object.entries(sets).flatMap(([name, size]) => (size > 0 ? [`${name}: ${size}`] : [])),
    ...(sent === ticks * perTick ? [] : [`sent ${sent} of ${ticks * perTick}`]),
    ...(calls === sent ? [] : [`${calls} calls for ${sent} messages`]),
  ]
}

/** From the acceptance of each message to the moment when its user saw it. */
const delaysOf = (records: readonly FinalRecord[], effects: readonly SeenEffect[]): readonly number[] => {
  const seenAt = new Map(effects.map(({ key, at }) => [key, at]))
  return records.map(({ key, timeline }) => (seenAt.get(key) ?? Number.NaN) - timeline[0]!.at)
}
