/**
 * Asks quota/get on behalf of the quotas: one question at a time for each, and none that a call has to wait for. While
 * messages wait for a quota, it is asked every few minutes, so that they go on as soon as WeChat lets them, whatever
 * the clocks say. Of several processes, one asks for all.
 */
import type { CallShares } from './call-shares.ts'
import type { Clock } from './clock.ts'
import type { Observe } from './observe.ts'
import type { Quota, QuotaAnswer } from './quota.ts'

export interface WatchedQuota {
  readonly account: string
  readonly path: string
  readonly quota: Quota
  /** It has learned an answer, which corrected what is used by so many calls. */
  readonly learned?: (answer: QuotaAnswer, correction: number) => void
}

export interface QuotaWatch {
  /**
   * Asks now, unless that is being done, or another process has just done it, who tells. `refused`: what was answered
   * before a refusal is of no use. Resolves when it has learned the answer, if it asked; never rejects.
   */
  ask(watched: WatchedQuota, why?: 'refused'): Promise<void>
  /** Messages wait for it: asks again and again until they need not. */
  attend(watched: WatchedQuota): void
  stop(): void
}

export interface QuotaWatchParts {
  /** Never rejects. */
  readonly askQuota: (account: string, path: string) => Promise<QuotaAnswer>
  /** With several processes: `CallShares.mayAsk`. */
  readonly mayAsk?: CallShares['mayAsk'] | undefined
  /** `Queue.release`. */
  readonly release: (condition: string) => Promise<number>
  readonly clock: Clock
  readonly observe: Observe
}

/** Between two questions while messages wait. */
const attendEveryMs = 5 * 60_000
/** Of several processes nobody asks again so soon; the margin is for clocks and answers that take their time. */
const gapMs = { usual: 50_000, attending: attendEveryMs - 30_000, refused: 5000 }
/** What was in hand at the release and is parked only then has been by now. */
const lateParksMs = 5000

export const createQuotaWatch = (parts: QuotaWatchParts): QuotaWatch => {
  const { askQuota, mayAsk, release, clock, observe } = parts
  const stopping = new AbortController()
  const asking = new Map<WatchedQuota, Promise<void>>()
  const attended = new Set<WatchedQuota>()

  const ask = (watched: WatchedQuota, why: keyof typeof gapMs): Promise<void> => {
    const present = asking.get(watched)
    if (present) return present
    const asked = (mayAsk ? askForAll(watched, mayAsk, gapMs[why]) : askNow(watched)).finally(() =>
      asking.delete(watched),
    )
    asking.set(watched, asked)
    return asked
  }

  const askNow = async (watched: WatchedQuota): Promise<void> => {
    const { account, path, quota } = watched
    quota.asking(clock.now())
    const answer = await askQuota(account, path)
    const correction = quota.learn(answer, clock.now())
    watched.learned?.(answer, correction)
  }

  const askForAll = async (
    watched: WatchedQuota,
    mayAsk: CallShares['mayAsk'],
    gapMs: number,
  ): Promise<void> => {
    // Or the next message would ask whether it may be asked.
    watched.quota.asking(clock.now())
    // Where nobody can be asked who has asked, a question too many does no harm.
    if (await mayAsk(watched, gapMs).catch(() => true)) await askNow(watched)
  }

  /** Until when any messages had to wait while it was looked at; `now` is later than that unless they may go early. */
  const outlast = async (watched: WatchedQuota): Promise<number> => {
    const { quota } = watched
    let last = 0
    if (asking.has(watched) || quota.isDue(clock.now())) await ask(watched, 'usual')
    while (!stopping.signal.aborted) {
      const until = quota.heldUntil(clock.now())
      if (until === undefined) break
      last = Math.max(last, until)
      await clock.sleep(Math.min(until - clock.now(), attendEveryMs), stopping.signal)
      if (!stopping.signal.aborted) await ask(watched, 'attending')
    }
    return last
  }

  const attend = async (watched: WatchedQuota): Promise<void> => {
    attended.add(watched)
    const until = await outlast(watched)
    attended.delete(watched)
    // Who waits until the reset comes back by himself, spread over a minute.
    if (stopping.signal.aborted || clock.now() >= until) return
    await release(watched.quota.condition)
    await clock.sleep(lateParksMs, stopping.signal)
    if (!stopping.signal.aborted) await release(watched.quota.condition)
  }

  return {
    ask: (watched, why) => ask(watched, why ?? 'usual'),
    attend(watched) {
      if (attended.has(watched) || stopping.signal.aborted) return
      attend(watched).catch((error: unknown) =>
        observe({
          kind: 'alert',
          code: 'quota-release-failed',
          account: watched.account,
          detail: String(error),
        }),
      )
    },
    stop: () => stopping.abort(),
  }
}
