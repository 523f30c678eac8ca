/**
 * One service under load, killed again and again at moments that a seed decides, then left in peace until
 * everything is at rest, and compared with what callers were told and what users saw.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { createRandom, type Random } from '../../src/simulator/random.ts'
import { check, type FinalRecord, type Findings } from './checker.ts'
import type { Owner } from './child-process.ts'
import { createHistory, type History } from './history.ts'
import { type Load, startLoad } from './load.ts'
import type { Service } from './service-process.ts'
import { openStage } from './stage.ts'
import { readRecords, untilQuiet } from './truth.ts'
import { type Windows, windowsOf } from './windows.ts'

export interface KillOptions {
  readonly kills: number
  readonly seed: number
  /** No kill after this moment of `performance.now()`. */
  readonly until: number
  /** Whether messages may be left to wait for their receipts, which takes two minutes. */
  readonly receiptsMayWait: boolean
  readonly onKill?: () => void
}

export interface KillResult {
  readonly kills: number
  readonly findings: Findings
  readonly windows: Windows
  readonly records: readonly FinalRecord[]
  readonly effects: number
  /** From the start of the process to the first good answer of /readyz, of every start that got there. */
  readonly startMs: readonly number[]
  /** From a kill to the next moment at which the service was ready. */
  readonly recoveryMs: readonly number[]
  /** From the last start to the moment when everything was at rest. */
  readonly quietMs: number
}

const clients = 6
const thinkMs = 80
/**
 * A lease that a kill cut short is given back by the next start, so nothing waits for leases to run out (a minute);
 * only receipts are waited for, two minutes each.
 */
const quietLimitMs = { withoutReceipts: 45_000, withReceipts: 180_000 }
/** WeChat's answer takes this long in one run and that long in another. */
const latencyMs = { least: 20, most: 80 }

export const runKills = async (owner: Owner, options: KillOptions): Promise<KillResult> => {
  const { seed, receiptsMayWait } = options
  const random = createRandom(seed)
  const latency = Math.round(latencyMs.least + random.next() * (latencyMs.most - latencyMs.least))
  const { simulator, service, caller, first } = await openStage(owner, { seed, latencyMs: latency })
  await first.stop()

  const history = createHistory()
  const load = startLoad({ caller, history, seed, clients, thinkMs, prefix: `k${seed}` })
  const murders = await killManyTimes(service, { ...options, random, history, load })

  const peace = service.spawn()
  await peace.ready
  history.add({ actor: 'harness', op: 'ready', key: '', status: 'ok' })
  await load.finish()
  const limitMs = receiptsMayWait ? quietLimitMs.withoutReceipts : quietLimitMs.withReceipts
  await untilQuiet(caller, { limitMs, receiptsMayWait })
  const quietMs = Date.now() - peace.spawnedAt
  const records = await readRecords(caller, receiptsMayWait)
  const effects = await simulator.effects()
  await peace.stop()

  return {
    ...murders,
    findings: check({ history: history.lines, records, effects, receiptsMayWait }),
    windows: windowsOf({ history: history.lines, records, effects }),
    records,
    effects: effects.length,
    quietMs,
  }
}

interface Scene extends KillOptions {
  readonly random: Random
  readonly history: History
  readonly load: Load
}

/** Some starts are killed on the way; this share of them. */
const earlyShare = 0.3
const longestLifeMs = 300
/** In so many of the last kills of every ten nothing new comes in, and the service works off what it has. */
const drainKills = 3

const killManyTimes = async (service: Service, scene: Scene) => {
  const { random, history, load, onKill } = scene
  const startMs: number[] = []
  const recoveryMs: number[] = []
  let usualStartMs = 300
  let killedAt: number | undefined
  let kills = 0

  while (kills < scene.kills && performance.now() < scene.until) {
    if (load.fault()) throw load.fault()
    if (kills % 10 < 10 - drainKills) load.goOn()
    else load.rest()
    const life = service.spawn()
    const early = random.next() < earlyShare
    const moment = random.next()
    if (early) await Promise.race([pause(moment * usualStartMs), failureOf(life.ready)])
    else {
      await life.ready
      await pause(moment * longestLifeMs)
    }
    const readyMs = life.readyMs()
    const state = readyMs === undefined ? 'starting' : 'ready'
    if (readyMs !== undefined) {
      usualStartMs = readyMs
      startMs.push(readyMs)
      if (killedAt !== undefined) recoveryMs.push(life.spawnedAt + readyMs - killedAt)
    }
    history.add({ actor: 'harness', op: 'kill', key: '', status: 'ok', detail: { state } })
    killedAt = readyMs === undefined ? killedAt : Date.now()
    await life.kill()
    kills++
    onKill?.()
  }
  return { kills, startMs, recoveryMs }
}

/** Never resolves; rejects if the start failed. */
const failureOf = (ready: Promise<boolean>): Promise<never> =>
  new Promise((_, reject) => {
    ready.catch(reject)
  })
