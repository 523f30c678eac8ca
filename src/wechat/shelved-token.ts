/**
 * What all processes know of one account's token: the text on their shelf, read, written, and asked for an answer. Pure.
 *
 * Whoever reads it may have a clock that differs by minutes from that of whoever wrote it, so nothing is decided by
 * comparing two clocks but how long a token lives and how long a refusal is news. What is new, the id of a question tells.
 */
import type { Account, Vault } from '../directory.ts'
import { parseObject } from './reply.ts'
import {
  askRules,
  type Budget,
  budgetAt,
  forceWaitMs,
  longestRejectionMs,
  recentForces,
  sourceOf,
} from './token.ts'
import { isToken, type SourceAnswer } from './token-answer.ts'
import type { HowToAsk } from './token-centre.ts'

const seconds = 1000

export interface Shelved {
  /** The question that is under way, by its id. */
  readonly asking?: string
  /** The last token that was answered. */
  readonly token?: Brought
  /** What the last question was answered, if that was no token. */
  readonly refusal?: Brought
  /** The forced refreshes of the last day, of all processes. */
  readonly forcedAt: readonly number[]
  /** What is left of quick questions about rejected tokens, of all processes. */
  readonly budget?: Budget
}

/** An answer, and the question that brought it. `at`: when it came, by the clock of the process that had asked. */
export interface Brought {
  readonly id: string
  readonly at: number
  readonly forced: boolean
  readonly sealed: string
}

/** What is no text of ours is as good as nothing. */
export const readShelved = (text: string | undefined): Shelved => {
  const value = text === undefined ? undefined : parseObject(text)
  const { asking, token, refusal, forcedAt, budget } = value ?? {}
  return {
    ...(typeof asking === 'string' && { asking }),
    ...(isBrought(token) && { token }),
    ...(isBrought(refusal) && { refusal }),
    forcedAt: Array.isArray(forcedAt) ? forcedAt.filter((at) => typeof at === 'number') : [],
    ...(isBudget(budget) && { budget }),
  }
}

export const writeShelved = (shelved: Shelved): string => JSON.stringify(shelved)

/** What the shelf shows after a question. A token that is there stays there when its successor could not be had. */
export const withAnswer = (shelved: Shelved, brought: Brought, answer: SourceAnswer): Shelved => {
  const { asking: _, refusal: __, ...rest } = shelved
  return answer.kind === 'token' ? { ...rest, token: brought } : { ...rest, refusal: brought }
}

/** What the shelf shows after a question that came to nothing. */
export const withoutAnswer = ({ asking: _, ...rest }: Shelved): Shelved => rest

/**
 * Bound to the account and to all that its tokens are asked for with: after a change of its secret, what was answered
 * before does not open any more.
 */
export const sealAnswer = (answer: SourceAnswer, account: Account, vault: Vault): string =>
  vault.seal(JSON.stringify(answer), contextOf(account))

export const openAnswer = ({ sealed }: Brought, account: Account, vault: Vault): SourceAnswer | undefined => {
  try {
    return parseAnswer(parseObject(vault.open(sealed, contextOf(account))))
  } catch {
    return undefined
  }
}

const contextOf = (account: Account): string => {
  const { tenant, appid, kind, secret, tokenApi, tokenEndpoint, authorizedBy } = account
  const means = [kind, secret, tokenApi, tokenEndpoint?.url, tokenEndpoint?.authorization]
  // Refresh tokens come and go with the access tokens; that there is one at all says that the account is authorised.
  const authorized = [authorizedBy?.component, authorizedBy?.refreshToken !== '']
  return `${tenant}/account/${appid}/access-token/v1 ${JSON.stringify([...means, ...authorized])}`
}

const parseAnswer = (value: Readonly<Record<string, unknown>> | undefined): SourceAnswer | undefined => {
  const { kind, token, lifeMs, errcode, errmsg, error, detail } = value ?? {}
  if (kind === 'token' && isToken(token) && typeof lifeMs === 'number') return { kind, token, lifeMs }
  if (kind === 'refused' && typeof errcode === 'number' && typeof errmsg === 'string')
    return { kind, errcode, errmsg }
  if (kind === 'failed' && typeof error === 'string')
    return { kind, error, ...(typeof detail === 'string' && { detail }) }
  return undefined
}

/** The life that is left of a token. A clock that is behind that of the asker makes it no longer. */
export const lifeLeftMs = ({ at }: Brought, lifeMs: number, now: number): number =>
  Math.min(lifeMs, at + lifeMs - now)

/** Whether nobody else needs to be told the same once more. */
export const isNews = ({ at }: Brought, answer: SourceAnswer, now: number): boolean =>
  Math.abs(now - at) < newsMs(answer)

/**
 * A refusal is told to the others for a moment: fifty processes with a frozen secret are to ask once, and what can be
 * repaired is to be found out soon. One that is about the address of who asked may not hold for the next one's.
 */
export const newsMs = (answer: SourceAnswer): number => {
  if (answer.kind !== 'refused') return 5 * seconds
  return aboutAddress.has(answer.errcode) ? 15 * seconds : 60 * seconds
}

const aboutAddress: ReadonlySet<number> = new Set([
  40164, 61004, 89501, 89502, 89503, 89504, 89505, 89506, 89507,
])

export type Leave =
  | { readonly kind: 'granted'; readonly shelved: Shelved }
  | { readonly kind: 'denied'; readonly why: 'force-spent' | 'asked-often'; readonly until: number }

/**
 * Whether all processes together may ask once more. What is spent is on the shelf before the question, so that a
 * process that dies over it has not asked for nothing.
 */
export const leaveToAsk = (
  shelved: Shelved,
  account: Account,
  { forced, rejected }: Pick<HowToAsk, 'forced' | 'rejected'>,
  now: number,
): Leave => {
  const denied = (why: 'force-spent' | 'asked-often', waitMs: number): Leave => ({
    kind: 'denied',
    why,
    until: now + Math.min(waitMs, longestRejectionMs),
  })
  if (forced) {
    // A time far in the future was written with a clock that was wrong.
    const recent = recentForces(shelved.forcedAt, now).filter((at) => at < now + longestRejectionMs)
    const waitMs = forceWaitMs(recent, now)
    if (waitMs > 0) return denied('force-spent', waitMs)
    return { kind: 'granted', shelved: { ...shelved, forcedAt: [...recent, now] } }
  }
  if (!rejected) return { kind: 'granted', shelved }
  const source = sourceOf(account)
  const { left } = budgetAt(shelved.budget, source, now)
  if (left < 1) return denied('asked-often', (1 - left) * askRules[source].refillMs)
  return { kind: 'granted', shelved: { ...shelved, budget: { left: left - 1, at: now } } }
}

const isBrought = (value: unknown): value is Brought => {
  if (typeof value !== 'object' || value === null) return false
  const { id, at, forced, sealed } = value as Readonly<Record<string, unknown>>
  return (
    typeof id === 'string' &&
    typeof at === 'number' &&
    typeof forced === 'boolean' &&
    typeof sealed === 'string'
  )
}

const isBudget = (value: unknown): value is Budget => {
  if (typeof value !== 'object' || value === null) return false
  const { left, at } = value as Readonly<Record<string, unknown>>
  return typeof left === 'number' && typeof at === 'number'
}
