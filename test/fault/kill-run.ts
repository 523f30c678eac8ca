/**
 * Processes under load, killed again and again at moments that a seed decides, then left in peace until everything is
 * at rest, and compared with what callers were told and what users saw.
 */
import { createRandom, type Random } from '../../src/simulator/random.ts'
import type { Actor } from './cast.ts'
import { check, type FinalRecord, type Findings } from './checker.ts'
import type { Owner } from './child-process.ts'
import { createHistory, type History } from './history.ts'
import { type Load, startLoad } from './load.ts'
import { createMoments, type Moments } from './moments.ts'
import { reclaimsOf } from './reclaim.ts'
import { type EngineName, openCluster, openStage } from './stage.ts'
import { readRecords, untilQuiet } from './truth.ts'
import { type Windows, windowsOf } from './windows.ts'

export interface KillOptions {
  readonly engine: EngineName
  /** How often somebody is killed; where there are several processes, often several at once. */
  readonly rounds: number
  readonly seed: number
  /** No kill after this moment of `performance.now()`. */
  readonly until: number
  /** Whether messages may be left to wait for their receipts, which takes two minutes. */
  readonly receiptsMayWait: boolean
  readonly onRound?: () => void
}

export interface KillResult {
  readonly rounds: number
  /** Processes killed. */
  readonly kills: number
  readonly findings: Findings
  readonly windows: Windows
  readonly records: readonly FinalRecord[]
  readonly effects: number
  /** From the start of a process to the moment at which it did its work, of every start that got there. */
  readonly startMs: readonly number[]
  /** From a kill to the next moment at which the killed one did its work again. */
  readonly recoveryMs: readonly number[]
  /** From the kill of a worker to the next lease of what it may have held, of every such message. */
  readonly reclaimMs: readonly number[]
  /** From the last start to the moment when everything was at rest. */
  readonly quietMs: number
}

const clients = 6
const thinkMs = 80
/**
 * The embedded engine gives the leases that a kill cut short back at the next start; on Redis they run out. Receipts
 * are waited for as long as the stage says.
 */
const quietLimitMs = { withoutReceipts: 90_000, withReceipts: 240_000 }
/** WeChat's answer takes this long in one run and that long in another. */
const latencyMs = { least: 20, most: 80 }

export const runKills = async (owner: Owner, options: KillOptions): Promise<KillResult> => {
  const { engine, seed, receiptsMayWait } = options
  const random = createRandom(seed)
  const latency = Math.round(latencyMs.least + random.next() * (latencyMs.most - latencyMs.least))
  const open = engine === 'embedded' ? openStage : openCluster
  const { simulator, cast, caller } = await open(owner, { seed, latencyMs: latency })

  const history = createHistory()
  for (const { kind, name } of cast)
    history.add({ actor: 'harness', op: 'ready', key: '', status: 'ok', detail: { victim: kind, name } })
  const moments = createMoments({ simulator, history, random })
  const load = startLoad({ caller, history, seed, clients, thinkMs, prefix: `k${seed}` })
  const murders = await killManyTimes(cast, { ...options, random, history, load, moments })

  await Promise.all(cast.map((actor) => actor.life().ready))
  const peaceAt = Date.now()
  history.add({ actor: 'harness', op: 'ready', key: '', status: 'ok' })
  await load.finish()
  const limitMs = receiptsMayWait ? quietLimitMs.withoutReceipts : quietLimitMs.withReceipts
  await untilQuiet(caller, { limitMs, receiptsMayWait })
  const quietMs = Date.now() - peaceAt
  const records = await readRecords(caller, receiptsMayWait)
  const effects = await simulator.effects()
  for (const actor of cast) await actor.life().stop()

  return {
    ...murders,
    findings: check({ history: history.lines, records, effects, receiptsMayWait }),
    windows: windowsOf({ history: history.lines, records, effects, several: cast.length > 1 }),
    reclaimMs: reclaimsOf({ history: history.lines, records }),
    records,
    effects: effects.length,
    quietMs,
  }
}

interface Scene extends KillOptions {
  readonly random: Random
  readonly history: History
  readonly load: Load
  readonly moments: Moments
}

/** In so many of the last rounds of every ten nothing new comes in, and the service works off what it has. */
const drainRounds = 3
/** This share of rounds kills several, where there are several. */
const severalShare = 0.3

const killManyTimes = async (cast: readonly Actor[], scene: Scene) => {
  const { random, history, load, moments, onRound } = scene
  const startMs: number[] = []
  const recoveryMs: number[] = []
  const killedAt = new Map<Actor, number>()
  let rounds = 0
  let kills = 0

  const note = (actor: Actor): 'starting' | 'ready' => {
    const { spawnedAt, readyMs } = actor.life()
    const ms = readyMs()
    if (ms === undefined) return 'starting'
    startMs.push(ms)
    const since = killedAt.get(actor)
    if (since !== undefined) recoveryMs.push(spawnedAt + ms - since)
    return 'ready'
  }

  while (rounds < scene.rounds && performance.now() < scene.until) {
    if (load.fault()) throw load.fault()
    if (rounds % 10 < 10 - drainRounds) load.goOn()
    else load.rest()
    const victims = victimsOf(cast, random)
    await moments.come(victims)
    await Promise.all(
      victims.map(async (victim) => {
        const state = note(victim)
        const { kind, name } = victim
        const detail = { state, victim: kind, name, together: victims.length }
        history.add({ actor: 'harness', op: 'kill', key: '', status: 'ok', detail })
        if (state === 'ready') killedAt.set(victim, Date.now())
        await victim.life().kill()
        kills++
      }),
    )
    for (const victim of shuffled(victims, random)) noteReady(victim, history)
    rounds++
    onRound?.()
  }
  return { rounds, kills, startMs, recoveryMs }
}

/** Starts it, and writes down when it is ready. */
const noteReady = (actor: Actor, history: History): void => {
  const { kind, name } = actor
  const detail = { victim: kind, name }
  // Whoever waits for it hears of a failure.
  const note = (ready: boolean) => {
    if (ready) history.add({ actor: 'harness', op: 'ready', key: '', status: 'ok', detail })
  }
  void actor.spawn().ready.then(note, () => {})
}

const victimsOf = (cast: readonly Actor[], random: Random): readonly Actor[] => {
  const order = shuffled(cast, random)
  const count = random.next() < severalShare ? 1 + Math.floor(random.next() * cast.length) : 1
  return order.slice(0, count)
}

const shuffled = <Item>(items: readonly Item[], random: Random): readonly Item[] =>
  items
    .map((item) => ({ item, place: random.next() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item)
