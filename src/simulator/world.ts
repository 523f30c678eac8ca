/** All that the simulated WeChat knows and remembers, and how it is emptied. */
import { type Account, type Accounts, createAccounts } from './account.ts'
import { type Calls, createCalls } from './calls.ts'
import { type Clock, createClock } from './clock.ts'
import { createDedupe, type Dedupe, dedupeKey } from './dedupe.ts'
import { createEffects, type Effect, type Effects } from './effects.ts'
import { createFaults, type Faults } from './faults.ts'
import { boundlessGrants, type Grants } from './grants.ts'
import type { Happening } from './happening.ts'
import { type Journal, type JournalRecord, noJournal, openJournal } from './journal.ts'
import { createMsgids, type Msgids } from './msgid.ts'
import type { ResolvedOptions } from './options.ts'
import { createQuota, documentedLimits, type Limit, type Quota, sandboxLimits } from './quota.ts'
import { createRandom, type Random } from './random.ts'
import { createRecipients, type Recipients } from './recipients.ts'
import { createRefusals, type Refusals } from './reply.ts'
import { createRids } from './rid.ts'
import { createRidLog, type RidLog } from './rid-log.ts'
import type { Switches } from './switches.ts'
import { createTokens, type Tokens } from './tokens.ts'

export interface World {
  readonly switches: Switches
  readonly clock: Clock
  readonly random: Random
  readonly accounts: Accounts
  readonly recipients: Recipients
  readonly grants: Grants
  readonly tokens: Tokens
  readonly quota: Quota
  readonly faults: Faults
  readonly dedupe: Dedupe
  readonly msgids: Msgids
  readonly effects: Effects
  readonly calls: Calls
  readonly ridLog: RidLog
  readonly refuse: Refusals
  /** Whether the ledgers keep what the messages said. */
  readonly keepsBodies: boolean
  limitsOf(account: Account): Readonly<Record<string, Limit>>
  /** Makes a message true: in the journal first, if there is one, then in memory. `key` guards it against repeats. */
  accept(effect: Effect, key: string | undefined): void
  /** Something that an account hears about. Whether it was told to anybody. */
  happened(happening: Happening): boolean
  /** What must be over before the caller is answered, if this message is one of those. */
  beforeReply(msgid: string | null): Promise<void> | undefined
  /** Who is told of all that happens from now on. */
  observe(observer: WorldObserver): void
  /** Tells the journal about a clock that was moved. */
  clockMoved(): void
  /** Starts over. Tokens that work keep working, and msgids never come again. */
  reset(): void
  close(): void
}

/** Takes part in what happens; it must not throw. */
export interface WorldObserver {
  accepted(effect: Effect): void
  beforeReply(msgid: string): Promise<void> | undefined
  happened(happening: Happening): boolean
  clockMoved(): void
  reset(): void
}

/** Bodies are what takes the memory: roughly 300 MB when either list is full. */
const effectsKept = { withBodies: 500_000, withoutBodies: 2_000_000 }

export const createWorld = (options: ResolvedOptions): World => {
  const { switches, benchmark } = options
  const clock = createClock()
  const { now } = clock
  const random = createRandom(options.seed)
  const msgids = createMsgids()
  const dedupe = createDedupe()
  const quota = createQuota({ now, resetHour: switches.quotaResetHour })
  const recipients = createRecipients()
  const faults = createFaults(random)
  const effects = createEffects({ capacity: benchmark ? effectsKept.withoutBodies : effectsKept.withBodies })
  const calls = createCalls({ keepsRows: !benchmark })
  const newRid = createRids()
  const ridLog = createRidLog()
  const tokens = createTokens({
    now,
    resetHour: switches.quotaResetHour,
    malformedErrcode: switches.malformedTokenErrcode,
    forcedRefreshOverlap: switches.forcedRefreshOverlap,
    onIssued: (token) => journal.append({ kind: 'token', token }),
  })

  let observer: WorldObserver | undefined

  const remember = (effect: Effect, key: string | undefined): void => {
    if (key !== undefined) dedupe.remember(key, effect)
    effects.record(effect)
  }

  const keyOf = ({ appid, touser, client_msg_id: clientMsgId }: Effect): string | undefined =>
    clientMsgId === null ? undefined : dedupeKey(appid, touser, clientMsgId)

  const replay = (record: JournalRecord): void => {
    switch (record.kind) {
      case 'effect':
        msgids.continueAfter(record.effect.msgid)
        remember(record.effect, keyOf(record.effect))
        break
      case 'token':
        tokens.restore(record.token)
        break
      case 'clock':
        clock.restore(record.clock)
        break
      case 'msgid':
        msgids.continueAfter(record.last)
        break
    }
  }

  const journal: Journal =
    options.home === undefined || benchmark ? noJournal : openJournal(options.home, replay)

  const reset = (): void => {
    for (const part of [effects, calls, dedupe, quota, recipients, faults, ridLog]) part.clear()
    const alive = tokens.restart(clock.restart())
    journal.clear()
    const last = msgids.last()
    if (last !== undefined) journal.append({ kind: 'msgid', last })
    for (const token of alive) journal.append({ kind: 'token', token })
    observer?.reset()
  }

  return {
    switches,
    clock,
    random,
    accounts: createAccounts(options.accounts, options.anyAccount),
    recipients,
    grants: boundlessGrants,
    tokens,
    quota,
    faults,
    dedupe,
    msgids,
    effects,
    calls,
    ridLog,
    refuse: createRefusals(newRid, now),
    keepsBodies: !benchmark,
    limitsOf: ({ flags }) => (benchmark ? {} : flags.sandbox ? sandboxLimits : documentedLimits),
    accept: (effect, key) => {
      journal.append({ kind: 'effect', effect })
      remember(effect, key)
      observer?.accepted(effect)
    },
    happened: (happening) => observer?.happened(happening) ?? false,
    beforeReply: (msgid) => (msgid === null ? undefined : observer?.beforeReply(msgid)),
    observe: (given) => {
      observer = given
    },
    clockMoved: () => {
      journal.append({ kind: 'clock', clock: clock.state() })
      observer?.clockMoved()
    },
    reset,
    close: journal.close,
  }
}
