/**
 * Asks quota/get on behalf of the quotas: one question at a time for each, and none that a call has to wait for. While
 * messages wait for a quota, it is asked every few minutes, so that they go on as soon as WeChat lets them, whatever
 * the clocks say.
 */
import type { Clock } from './clock.ts'
import type { Observe } from './observe.ts'
import type { Quota, QuotaAnswer } from './quota.ts'

export interface WatchedQuota {
  readonly account: string
  readonly path: string
  readonly quota: Quota
}

export interface QuotaWatch {
  /** Asks now, unless that is being done. Resolves when it has learned the answer; never rejects. */
  ask(watched: WatchedQuota): Promise<void>
  /** Messages wait for it: asks again and again until they need not. */
  attend(watched: WatchedQuota): void
  stop(): void
}

export interface QuotaWatchParts {
  /** Never rejects. */
  readonly askQuota: (account: string, path: string) => Promise<QuotaAnswer>
  /** `Queue.release`. */
  readonly release: (condition: string) => Promise<number>
  readonly clock: Clock
  readonly observe: Observe
}

/** Between two questions while messages wait. */
const attendEveryMs = 5 * 60_000
/** What was in hand at the release and is parked only then has been by now. */
const lateParksMs = 5000

export const createQuotaWatch = ({ askQuota, release, clock, observe }: QuotaWatchParts): QuotaWatch => {
  const stopping = new AbortController()
  const asking = new Map<WatchedQuota, Promise<void>>()
  const attended = new Set<WatchedQuota>()

  const ask = (watched: WatchedQuota): Promise<void> => {
    const present = asking.get(watched)
    if (present) return present
    const { account, path, quota } = watched
    quota.asking(clock.now())
    const asked = askQuota(account, path).then((answer) => {
      asking.delete(watched)
      quota.learn(answer, clock.now())
    })
    asking.set(watched, asked)
    return asked
  }

  /** Until when any messages had to wait while it was looked at; `now` is later than that unless they may go early. */
  const outlast = async (watched: WatchedQuota): Promise<number> => {
    const { quota } = watched
    let last = 0
    if (asking.has(watched) || quota.isDue(clock.now())) await ask(watched)
    while (!stopping.signal.aborted) {
      const until = quota.heldUntil(clock.now())
      if (until === undefined) break
      last = Math.max(last, until)
      await clock.sleep(Math.min(until - clock.now(), attendEveryMs), stopping.signal)
      if (!stopping.signal.aborted) await ask(watched)
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
    ask,
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
