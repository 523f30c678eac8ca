/** All that the simulated WeChat knows and remembers, and how it is emptied. */
import { type Account, type Accounts, createAccounts } from './account.ts'
import { type Calls, createCalls } from './calls.ts'
import { type Clock, createClock } from './clock.ts'
import { createDedupe, type Dedupe } from './dedupe.ts'
import { createEffects, type Effect, type Effects } from './effects.ts'
import { createFaults, type Faults } from './faults.ts'
import { boundlessGrants, type Grants } from './grants.ts'
import { type Journal, type JournalRecord, noJournal, openJournal } from './journal.ts'
import { createMsgids, type Msgids } from './msgid.ts'
import { createQuota, documentedLimits, type Limit, type Quota, sandboxLimits } from './quota.ts'
import { createRandom, type Random } from './random.ts'
import { createRecipients, type Recipients } from './recipients.ts'
import { createRefusals, type Refusals } from './reply.ts'
import { createRids } from './rid.ts'
import { createRidLog, type RidLog } from './rid-log.ts'
import type { ResolvedOptions } from './options.ts'
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
  /** Makes a message true: on disk first, if there is one, then in memory. */
  accept(effect: Effect): void
  /** Tells the journal about a clock that was moved. */
  clockMoved(): void
  /** Starts over. Tokens that work keep working, and msgids never come again. */
  reset(): void
  close(): void
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
  const calls = createCalls()
  const newRid = createRids()
  const ridLog = createRidLog()
  const tokens = createTokens({
    now,
    resetHour: switches.quotaResetHour,
    malformedErrcode: switches.malformedTokenErrcode,
    forcedRefreshOverlap: switches.forcedRefreshOverlap,
    onIssued: (token) => journal.append({ kind: 'token', token }),
  })

  const remember = (effect: Effect): void => {
    const { appid, touser, client_msg_id: clientMsgId, msgid, at } = effect
    if (clientMsgId !== null) dedupe.remember({ appid, touser, clientMsgId }, msgid, at)
    effects.record(effect)
  }

  const replay = (record: JournalRecord): void => {
    switch (record.kind) {
      case 'effect':
        msgids.continueAfter(record.effect.msgid)
        return remember(record.effect)
      case 'token':
        return tokens.restore(record.token)
      case 'clock':
        return clock.restore(record.clock)
      case 'msgid':
        return msgids.continueAfter(record.last)
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
    accept: (effect) => {
      journal.append({ kind: 'effect', effect })
      remember(effect)
    },
    clockMoved: () => journal.append({ kind: 'clock', clock: clock.state() }),
    reset,
    close: journal.close,
  }
}
