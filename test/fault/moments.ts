/**
 * When to kill: at any moment of a start or of the life after it, or just after something has happened that a kill can
 * spoil. A moment of the latter kind is rare by chance, and the one that matters.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Random } from '../../src/simulator/random.ts'
import { until } from '../support/waiting.ts'
import type { Actor, Kind } from './cast.ts'
import type { History } from './history.ts'
import type { Simulator } from './simulator-process.ts'

export interface Moments {
  /** Resolves when these are to be killed. Rejects if one of them ended by itself. */
  come(victims: readonly Actor[]): Promise<void>
}

/** Some starts are killed on the way; this share of them. */
const earlyShare = 0.3
/** Of those that are not, this share is killed just after something has happened. */
const directedShare = 0.4
const longestLifeMs = 300
/** How long something may take to happen; it does not while nothing new comes in. */
const eventLimitMs = 1000

export interface MomentOptions {
  readonly simulator: Simulator
  readonly history: History
  readonly random: Random
}

export const createMoments = ({ simulator, history, random }: MomentOptions): Moments => {
  const usualStartMs: Record<Kind, number> = { service: 300, gateway: 300, worker: 300, store: 50 }

  const answers = () => history.lines.length
  /** What tells that the work of this one has just moved on: a request was answered, a call was made, a user saw something. */
  const events: Readonly<Record<Kind, readonly (() => number | Promise<number>)[]>> = {
    gateway: [answers],
    worker: [() => simulator.total('calls'), () => simulator.total('effects')],
    store: [answers, () => simulator.total('effects')],
    service: [answers, () => simulator.total('calls'), () => simulator.total('effects')],
  }

  const happens = async ({ kind }: Actor, draw: number): Promise<void> => {
    const count = events[kind][Math.floor(draw * events[kind].length)]!
    const before = await count()
    await until(async () => (await count()) > before, eventLimitMs).catch(() => {})
  }

  return {
    async come(victims) {
      const [first] = victims
      const early = random.next() < earlyShare
      const directed = random.next() < directedShare
      const moment = random.next()
      const failures = victims.map((victim) => failureOf(victim.life().ready))
      if (early) return Promise.race([pause(moment * usualStartMs[first!.kind]), ...failures])
      await Promise.all(victims.map((victim) => victim.life().ready))
      for (const { kind, life } of victims) usualStartMs[kind] = life().readyMs()!
      await (directed ? happens(first!, moment) : pause(moment * longestLifeMs))
    },
  }
}

/** Never resolves; rejects if the start failed. */
const failureOf = (ready: Promise<boolean>): Promise<never> =>
  new Promise((_, reject) => {
    ready.catch(reject)
  })
