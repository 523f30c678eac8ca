/**
 * One access token for all processes: of those that want one, one asks, and the others are told.
 *
 * What was answered stands on the shelf, sealed, under the id of the question that brought it. A process knows the id of
 * the answer it goes by. If there is another one on the shelf, that is its answer, without a call: also about a token
 * that WeChat has rejected, because whoever has asked since has had it replaced or confirmed. If not, the process puts
 * the id of a question of its own there, and with that it has the right to ask; the answer takes the place of the id.
 *
 * The right is fenced, because the answer is put only where the id still stands; and it is bounded: whoever has watched
 * the same id for longer than a question can take puts its own in the place of it. The time of watching is measured by
 * the watcher alone, so that clocks which differ, or are set, take the right from nobody.
 */
import type { Clock } from '../clock.ts'
import type { Shelf } from '../coordination.ts'
import type { Account, Vault } from '../directory.ts'
import {
  type Brought,
  isNews,
  leaveToAsk,
  lifeLeftMs,
  newsMs,
  openAnswer,
  readShelved,
  type Shelved,
  sealAnswer,
  withAnswer,
  withoutAnswer,
  writeShelved,
} from './shelved-token.ts'
import { sourceOf, type TokenSource } from './token.ts'
import type { TokenAnswer } from './token-answer.ts'
import type { AskForToken, HowToAsk } from './token-centre.ts'
import { waitDetails } from './token-entry.ts'

export interface SharedTokenParts {
  /** Asks the source itself. */
  readonly ask: AskForToken
  readonly shelf: Shelf
  readonly vault: Vault
  readonly clock: Clock
  /** A word that no other process says. */
  readonly newId: () => string
  /** How long one call to a source may take. */
  readonly callMs: number
}

export const createSharedAsk = (parts: SharedTokenParts): AskForToken => {
  const { shelf, vault, clock, newId } = parts
  /** The question whose answer the token centre goes by, for each appid. */
  const known = new Map<string, string>()

  /** The token on the shelf, if it is another one than the centre has been told of. */
  const newToken = ({ token }: Shelved, account: Account): TokenAnswer | undefined => {
    if (token === undefined || token.id === known.get(account.appid)) return undefined
    const answer = openAnswer(token, account, vault)
    if (answer?.kind !== 'token') return undefined
    const lifeMs = lifeLeftMs(token, answer.lifeMs, clock.now())
    if (lifeMs <= 0) return undefined
    known.set(account.appid, token.id)
    return { ...answer, lifeMs, shared: token.forced ? 'forced' : 'asked' }
  }

  /** The refusal on the shelf, while it is news. `before`: the one that a person who insists has seen already. */
  const freshRefusal = (
    { refusal }: Shelved,
    account: Account,
    { how, before }: { readonly how: HowToAsk; readonly before: Brought | undefined },
  ): TokenAnswer | undefined => {
    // That no more may be forced is no answer to a question without force.
    if (refusal === undefined || (refusal.forced && !how.forced)) return undefined
    const answer = openAnswer(refusal, account, vault)
    const isFresh = answer && !how.insisting && isNews(refusal, answer, clock.now())
    return answer && (isFresh || refusal.id !== before?.id)
      ? { ...answer, shared: 'asked', newsMs: newsMs(answer) }
      : undefined
  }

  /** Waits for an answer of another process, or for the right to ask. Rejects when the shelf does not answer. */
  const comeToTurn = async (account: Account, how: HowToAsk): Promise<Turn | TokenAnswer> => {
    const name = nameOf(account)
    const watch = createWatch(clock, longestQuestionMs(sourceOf(account), parts.callMs))
    let before: { readonly refusal: Brought | undefined } | undefined
    for (let looks = 0; looks < mostLooks && !watch.isTooLong(); looks++) {
      const seen = await shelf.look(name)
      const shelved = readShelved(seen)
      before ??= { refusal: shelved.refusal }
      const answer =
        newToken(shelved, account) ?? freshRefusal(shelved, account, { how, before: before.refusal })
      if (answer !== undefined) return answer
      if (shelved.asking !== undefined && !watch.hasOutlasted(shelved.asking)) {
        await watch.pause(shelved.asking)
        continue
      }
      const leave = leaveToAsk(shelved, account, how, clock.now())
      if (leave.kind === 'denied') return deniedAnswer(leave)
      const mine = { ...leave.shelved, asking: newId() }
      const text = writeShelved(mine)
      if (await shelf.swap(name, { seen, next: text })) return { kind: 'turn', shelved: mine, text }
    }
    return { kind: 'lacking', error: 'token-unavailable', until: clock.now() + 1000, detail: waitedLong }
  }

  const askInTurn = async (account: Account, how: HowToAsk, turn: Turn): Promise<TokenAnswer> => {
    const { shelved, text } = turn
    const id = shelved.asking
    const name = nameOf(account)
    const answer = await parts.ask(account, how)
    const brought = (sealed: string): Brought => ({ id, at: clock.now(), forced: how.forced, sealed })
    const next =
      answer.kind === 'lacking'
        ? withoutAnswer(shelved)
        : withAnswer(shelved, brought(sealAnswer(answer, account, vault)), answer)
    // An answer that cannot be put there is of use all the same, to this process.
    const isPut = await shelf.swap(name, { seen: text, next: writeShelved(next) }).catch(() => undefined)
    // Another process has lost patience with us. What it was answered is newer.
    const newer = isPut === false ? await shelf.look(name).catch(() => undefined) : undefined
    const theirs = newer === undefined ? undefined : newToken(readShelved(newer), account)
    if (theirs !== undefined) return theirs
    if (answer.kind === 'token') known.set(account.appid, id)
    return answer
  }

  return async (account, how) => {
    let turn: Turn | TokenAnswer
    try {
      turn = await comeToTurn(account, how)
    } catch (error) {
      return isHarmless[sourceOf(account)] && !how.forced ? parts.ask(account, how) : away(error, clock.now())
    }
    return turn.kind === 'turn' ? askInTurn(account, how, turn) : turn
  }
}

/** The right to ask. `text`: what stands on the shelf while it is ours. */
interface Turn {
  readonly kind: 'turn'
  readonly shelved: Shelved & { readonly asking: string }
  readonly text: string
}

const nameOf = ({ appid }: Account): string => `token ${appid}`

/**
 * Whether a process may ask although it cannot tell whether another one does: `stable` and the tenant's own endpoint
 * answer the same token to everybody. Each answer of the others makes a new token, and so ends the one that the other
 * processes have, or uses up a refresh token that they are about to use; without the shelf there is no queue either,
 * so that little waits for it.
 */
const isHarmless: Readonly<Record<TokenSource, boolean>> = {
  stable: true,
  foreign: true,
  plain: false,
  component: false,
  platform: false,
}

/** An account of a platform takes up to two of the platform's tokens and a call with each. */
const callsOf: Readonly<Record<TokenSource, number>> = {
  stable: 1,
  foreign: 1,
  plain: 1,
  component: 4,
  platform: 3,
}

/** Longer than a question and what belongs to it can take, of a process that lives. */
const longestQuestionMs = (source: TokenSource, callMs: number): number => callsOf[source] * callMs + 5000

const mostLooks = 2000
const shortestPauseMs = 25
const longestPauseMs = 400

/** Watches the questions of others, by the pauses between looks: no clock that is set can make them longer. */
const createWatch = (clock: Clock, longestMs: number) => {
  let watched: string | undefined
  let watchedMs = 0
  let totalMs = 0
  return {
    hasOutlasted: (id: string): boolean => id === watched && watchedMs >= longestMs,
    /** Two processes that died over their question are waited for, not any number. */
    isTooLong: (): boolean => totalMs >= 3 * longestMs,
    async pause(id: string): Promise<void> {
      if (id !== watched) watchedMs = 0
      watched = id
      const ms = Math.min(Math.max(watchedMs, shortestPauseMs), longestPauseMs)
      await clock.sleep(ms)
      watchedMs += ms
      totalMs += ms
    },
  }
}

const deniedAnswer = ({
  why,
  until,
}: {
  readonly why: keyof typeof waitDetails
  readonly until: number
}): TokenAnswer => ({ kind: 'lacking', error: 'token-rejected', until, detail: waitDetails[why] })

const away = (error: unknown, now: number): TokenAnswer => ({
  kind: 'lacking',
  error: 'token-shelf-away',
  until: now + 2000,
  detail: `the store of all processes does not say whether there is a token: ${error instanceof Error ? error.message : String(error)}`,
})

const waitedLong = 'another process asks for a token, and has no answer yet'
