/**
 * Access tokens in their worlds: `plain` (/cgi-bin/token), `stable` (/cgi-bin/stable_token), `component`
 * (a platform's own) and `authorizer` (an account's, in the hands of a platform). Refreshing in one never
 * touches the other (D).
 *
 * A token lives 7200 s. When a newer one is issued, the old one works for five more minutes, except
 * after a forced refresh, where it dies at once (D). The stable world hands out the same token until
 * its last five minutes. A token that died of a newer one answers 40001, one that died of age 42001.
 */
import { randomBytes } from 'node:crypto'
import { dayOf } from './quota.ts'
import type { Switches } from './switches.ts'

export type TokenWorld = 'plain' | 'stable' | 'component' | 'authorizer'

/** One token as it was issued; the journal keeps these. */
export interface IssuedToken {
  readonly appid: string
  readonly world: TokenWorld
  readonly token: string
  readonly at: number
  /** For how long its predecessors live on, in milliseconds. */
  readonly overlapMs: number
  /** A client forced it: it counts against the spacing and the day's budget. */
  readonly forced: boolean
  /** The platform that holds it, in the authorizer world. */
  readonly component?: string
}

export interface TokenAnswer {
  readonly token: string
  /** The life left, in seconds, each begun one counted: a new one has all of them. */
  readonly expiresIn: number
}

export interface Tokens {
  /** /cgi-bin/token: always a new one. */
  renew(appid: string): TokenAnswer
  /** A platform's own token: always a new one. */
  renewComponent(appid: string): TokenAnswer
  /** An account's token for a platform: always a new one. */
  renewAuthorizer(appid: string, component: string): TokenAnswer
  /** stable_token in normal mode: the same one until its last five minutes. */
  stable(appid: string): TokenAnswer
  /** stable_token in forced mode. Within 30 s of the last force it refreshes nothing; past 20 a day it is refused. */
  force(appid: string): TokenAnswer | 45009
  /** What happens when another system refreshes: by force in the stable world, with overlap in the plain one. */
  rotate(appid: string, world: TokenWorld): TokenAnswer
  /** Whose token this is and whether it still works: 0, or the errcode of the refusal. */
  check(token: string): TokenState
  /** Takes in a token from the journal. */
  restore(issued: IssuedToken): void
  /** Forgets budgets and moves what is alive along with the clock; answers the tokens that are left. */
  restart(clockJumpMs: number): IssuedToken[]
}

export interface TokenState {
  readonly appid?: string
  readonly errcode: 0 | 40001 | 40014 | 42001
  readonly world?: TokenWorld
  readonly component?: string
}

export interface TokenOptions {
  readonly now: () => number
  readonly switches: Switches
  readonly onIssued: (issued: IssuedToken) => void
}

interface Live extends IssuedToken {
  /** From when on it is refused, and with what. */
  until: number
  refusal: 40001 | 42001
}

interface Line {
  current?: Live
  /** The current one and those it overlaps with. */
  alive: Live[]
  /** Every forced refresh of the day it belongs to. */
  forcedDay: number
  forcedCount: number
  lastForcedAt: number
}

const lifeMs = 7_200_000
const overlapMs = 300_000
const forceSpacingMs = 30_000
const forcesADay = 20
/** Dead tokens are remembered for their errcode, the oldest forgotten first. A forgotten one is 40001 like any stranger's. */
const tokensKept = 100_000

/** The look of a real one: `<integer>_<url-safe characters>`, 136 or more (C). */
const wellFormed = /^\d+_[\w-]{100,}$/

export const createTokens = (options: TokenOptions): Tokens => {
  const { now, switches } = options
  const known = new Map<string, Live>()
  const lines = new Map<string, Line>()

  const lineOf = (appid: string, world: TokenWorld, component = ''): Line => {
    const key = `${appid} ${world} ${component}`
    const line = lines.get(key) ?? { alive: [], forcedDay: 0, forcedCount: 0, lastForcedAt: -Infinity }
    lines.set(key, line)
    return line
  }

  const install = (issued: IssuedToken): Live => {
    const line = lineOf(issued.appid, issued.world, issued.component)
    line.alive = line.alive.filter(({ until }) => until > issued.at)
    for (const older of line.alive) {
      if (issued.at + issued.overlapMs >= older.until) continue
      older.until = issued.at + issued.overlapMs
      older.refusal = 40001
    }
    const live: Live = { ...issued, until: issued.at + lifeMs, refusal: 42001 }
    line.current = live
    line.alive.push(live)
    known.set(live.token, live)
    if (issued.forced) noteForce(line, dayOf(issued.at, switches.quotaResetHour), issued.at)
    for (const oldest of known.keys()) {
      if (known.size <= tokensKept) break
      known.delete(oldest)
    }
    return live
  }

  const issue = (
    appid: string,
    world: TokenWorld,
    how: { overlapMs: number; forced: boolean; component?: string },
  ): TokenAnswer => {
    const token = `97_${randomBytes(102).toString('base64url')}`
    const issued: IssuedToken = { appid, world, token, at: now(), ...how }
    options.onIssued(issued)
    return answer(install(issued))
  }

  const answer = (live: Live): TokenAnswer => ({
    token: live.token,
    expiresIn: Math.ceil((live.at + lifeMs - now()) / 1000),
  })

  const stable = (appid: string): TokenAnswer => {
    const { current } = lineOf(appid, 'stable')
    const fresh = current !== undefined && now() < current.at + lifeMs - overlapMs
    return fresh ? answer(current) : issue(appid, 'stable', { overlapMs, forced: false })
  }

  const forcedOverlapMs = (): number => (switches.forcedRefreshOverlap ? overlapMs : 0)

  return {
    renew: (appid) => issue(appid, 'plain', { overlapMs, forced: false }),
    renewComponent: (appid) => issue(appid, 'component', { overlapMs, forced: false }),
    renewAuthorizer: (appid, component) =>
      issue(appid, 'authorizer', { overlapMs, forced: false, component }),
    stable,
    force: (appid) => {
      const line = lineOf(appid, 'stable')
      if (now() - line.lastForcedAt < forceSpacingMs) return stable(appid)
      const today = dayOf(now(), switches.quotaResetHour)
      if (line.forcedDay === today && line.forcedCount >= forcesADay) return 45009
      return issue(appid, 'stable', { overlapMs: forcedOverlapMs(), forced: true })
    },
    rotate: (appid, world) =>
      issue(appid, world, { overlapMs: world === 'plain' ? overlapMs : forcedOverlapMs(), forced: false }),
    check: (token) => {
      const live = known.get(token)
      if (live === undefined)
        return { errcode: wellFormed.test(token) ? 40001 : switches.malformedTokenErrcode }
      const { appid, world, component } = live
      const errcode = now() < live.until ? 0 : live.refusal
      return component === undefined ? { appid, errcode, world } : { appid, errcode, world, component }
    },
    restore: (issued) => void install(issued),
    restart: (clockJumpMs) => {
      lines.clear()
      const alive = [...known.values()].filter(({ until }) => now() - clockJumpMs < until)
      known.clear()
      const moved = alive.map(({ until: _until, refusal: _refusal, ...issued }) => {
        return { ...issued, at: issued.at + clockJumpMs, forced: false }
      })
      for (const issued of moved) install(issued)
      return moved
    },
  }
}

const noteForce = (line: Line, day: number, at: number): void => {
  line.forcedCount = line.forcedDay === day ? line.forcedCount + 1 : 1
  line.forcedDay = day
  line.lastForcedAt = at
}
