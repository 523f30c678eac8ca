/** All that the simulated WeChat knows and remembers, and how it is emptied. */
import { type Account, type Accounts, createAccounts } from './account.ts'
import { type Calls, createCalls } from './calls.ts'
import { type Clock, createClock } from './clock.ts'
import { type Components, createComponents } from './components.ts'
import { givenBy } from './consequences.ts'
import { createDedupe, type Dedupe, dedupeKey } from './dedupe.ts'
import { createEffects, type Effect, type Effects } from './effects.ts'
import { createFaults, type Faults } from './faults.ts'
import { createGrants, type Grants, type Held, type Permission } from './grants.ts'
import type { Happening } from './happening.ts'
import { createInbox, type Inbox } from './inbox.ts'
import { type Journal, type JournalRecord, noJournal, openJournal } from './journal.ts'
import { createMsgids, type Msgids } from './msgid.ts'
import type { ResolvedOptions } from './options.ts'
import { createPace, type Pace } from './pace.ts'
import { createQuota, documentedLimits, type Limit, type Quota, sandboxLimits } from './quota.ts'
import { createRandom, type Random } from './random.ts'
import { createRecipients, type Recipients } from './recipients.ts'
import { createRefusals, type Refusals } from './reply.ts'
import { createRids } from './rid.ts'
import { createRidLog, type RidLog } from './rid-log.ts'
import { createRing, type Ring } from './ring.ts'
import { type Stage, stageOf } from './scenario.ts'
import type { Switches } from './switches.ts'
import type { SimulatedTemplate } from './template.ts'
import { createTokens, type Tokens } from './tokens.ts'

export interface World {
  /** As they stand now. */
  readonly switches: Switches
  readonly clock: Clock
  readonly random: Random
  readonly accounts: Accounts
  readonly recipients: Recipients
  readonly grants: Grants
  readonly components: Components
  readonly tokens: Tokens
  readonly quota: Quota
  readonly faults: Faults
  readonly dedupe: Dedupe
  readonly pace: Pace
  readonly msgids: Msgids
  readonly effects: Effects
  readonly calls: Calls
  readonly inbox: Inbox
  readonly ridLog: RidLog
  /** Messages that a filter stopped. */
  readonly blocked: Ring<BlockedMessage>
  /** What each official account has set last, by appid. */
  readonly industries: Map<string, Industries>
  readonly refuse: Refusals
  /** Whether the ledgers keep what the messages said. */
  readonly keepsBodies: boolean
  limitsOf(account: Account): Readonly<Record<string, Limit>>
  /**
   * Makes a message true: in the journal first, if there is one, then in memory. `key` guards it against
   * repeats, `used` is the permission that it takes.
   */
  accept(effect: Effect, key: string | undefined, used?: Permission): void
  /** A user gives a permission. */
  give(held: Held): void
  addTemplate(account: Account, template: SimulatedTemplate): void
  removeTemplate(account: Account, templateId: string): void
  changeSwitches(change: Partial<Switches>): void
  /** Something that an account hears about, with what it changes in the books. Whether it was told to anybody. */
  happened(happening: Happening): boolean
  /** What must be over before the caller is answered, if this message is one of those. */
  beforeReply(msgid: string | null): Promise<void> | undefined
  /** Who is told of all that happens from now on. */
  observe(observer: WorldObserver): void
  /** Tells the journal about a clock that was moved. */
  clockMoved(): void
  /** Empties the list of messages and the ledger of calls. What they used up stays used up. */
  forgetMessages(): void
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

export interface BlockedMessage {
  readonly appid: string
  readonly templateId: string
  readonly touser: string
  readonly content: unknown
  /** Milliseconds since 1970, simulated. */
  readonly at: number
}

export interface Industries {
  readonly first: string
  readonly second: string
  /** `2026-05`, in Beijing: when it was set. */
  readonly month: string
}

/** Bodies are what takes the memory: roughly 300 MB when either list is full. */
const effectsKept = { withBodies: 500_000, withoutBodies: 2_000_000 }
const blockedKept = 1_000

/** What a person may want to look at again. */
const inboxKept = 10_000

/** What is in memory; `append` writes into the journal what must outlive it. */
const createParts = (options: ResolvedOptions, append: (record: JournalRecord) => void) => {
  const { benchmark } = options
  const switches: Switches = { ...options.switches }
  const clock = createClock()
  const { now } = clock
  const random = createRandom(options.seed)
  const accounts = createAccounts(options.accounts, options.anyAccount)
  return {
    switches,
    clock,
    random,
    accounts,
    recipients: createRecipients(),
    grants: createGrants(),
    components: createComponents({
      now,
      switches,
      accounts,
      onChange: (change) => append({ kind: 'authorized', change }),
    }),
    tokens: createTokens({ now, switches, onIssued: (token) => append({ kind: 'token', token }) }),
    quota: createQuota({ now, resetHour: () => switches.quotaResetHour }),
    faults: createFaults(random),
    dedupe: createDedupe(),
    pace: createPace(switches),
    msgids: createMsgids(),
    effects: createEffects({ capacity: benchmark ? effectsKept.withoutBodies : effectsKept.withBodies }),
    calls: createCalls({ keepsRows: !benchmark }),
    inbox: createInbox({ capacity: benchmark ? 0 : inboxKept, start: now() }),
    ridLog: createRidLog(),
    blocked: createRing<BlockedMessage>(blockedKept),
    industries: new Map<string, Industries>(),
    refuse: createRefusals(createRids(), now),
    keepsBodies: !benchmark,
  }
}

type Parts = ReturnType<typeof createParts>

/** `stage` is where a play begins: what a scenario asks for, at the start and after every reset. */
export const createWorld = (options: ResolvedOptions, stage: Stage = stageOf(undefined)): World => {
  const { benchmark, home } = options
  // Nothing is issued or changed before the journal is open: replaying only restores.
  const parts = createParts(options, (record) => journal.append(record))
  const { clock, effects } = parts
  stage.set(parts)
  let clockIsKnown = false
  const journal: Journal =
    home === undefined || benchmark
      ? noJournal
      : openJournal(home, (record) => {
          clockIsKnown ||= record.kind === 'clock'
          replay(parts, record)
        })
  const noteClock = (): void => journal.append({ kind: 'clock', clock: clock.state() })
  if (stage.movesClock && !clockIsKnown) noteClock()
  let observer: WorldObserver | undefined

  const give = (held: Held): void => {
    journal.append({ kind: 'grant', held })
    parts.grants.give(held, held.grant)
  }

  return {
    ...parts,
    limitsOf: ({ flags }) => (benchmark ? {} : flags.sandbox ? sandboxLimits : documentedLimits),
    accept: (effect, key, used) => {
      const guarded = key !== undefined
      journal.append(used ? { kind: 'effect', effect, guarded, used } : { kind: 'effect', effect, guarded })
      remember(parts, effect, { key, used })
      observer?.accepted(effect)
    },
    give,
    happened: (happening) => {
      for (const held of givenBy(happening, parts)) give(held)
      return observer?.happened(happening) ?? false
    },
    beforeReply: (msgid) => (msgid === null ? undefined : observer?.beforeReply(msgid)),
    observe: (given) => {
      observer = given
    },
    addTemplate: (account, template) => {
      journal.append({ kind: 'template', appid: account.appid, template })
      account.templates.add(template)
    },
    removeTemplate: (account, templateId) => {
      journal.append({ kind: 'template-gone', appid: account.appid, templateId })
      account.templates.remove(templateId)
    },
    changeSwitches: (change) => void Object.assign(parts.switches, change),
    clockMoved: () => {
      noteClock()
      observer?.clockMoved()
    },
    forgetMessages: () => {
      journal.append({ kind: 'forgotten' })
      effects.clear()
      parts.calls.clear()
      parts.inbox.clear()
    },
    reset: () => {
      empty(parts, options)
      const before = clock.restart()
      const alive = parts.tokens.restart(before + stage.set(parts))
      journal.clear()
      const last = parts.msgids.last()
      if (last !== undefined) journal.append({ kind: 'msgid', last })
      for (const token of alive) journal.append({ kind: 'token', token })
      if (stage.movesClock) noteClock()
      observer?.reset()
    },
    close: journal.close,
  }
}

interface Kept {
  readonly key: string | undefined
  readonly used: Permission | undefined
}

const remember = ({ dedupe, effects, grants }: Parts, effect: Effect, { key, used }: Kept): void => {
  if (key !== undefined) dedupe.remember(key, effect)
  if (used !== undefined) grants.use(effect, used, effect.at)
  effects.record(effect)
}

/** In journals of earlier versions every client_msg_id guarded its message. */
const keyOf = (effect: Effect, guarded = true): string | undefined => {
  const { appid, touser, client_msg_id: clientMsgId } = effect
  return clientMsgId === null || !guarded ? undefined : dedupeKey(appid, touser, clientMsgId)
}

const replay = (parts: Parts, record: JournalRecord): void => {
  const { msgids, tokens, clock, grants, accounts, components, effects } = parts
  switch (record.kind) {
    case 'effect':
      msgids.continueAfter(record.effect.msgid)
      remember(parts, record.effect, {
        key: keyOf(record.effect, record.guarded),
        used: record.used,
      })
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
    case 'grant':
      grants.give(record.held, record.held.grant)
      break
    case 'template':
      accounts.get(record.appid)?.templates.add(record.template)
      break
    case 'template-gone':
      accounts.get(record.appid)?.templates.remove(record.templateId)
      break
    case 'authorized':
      components.restore(record.change)
      break
    case 'forgotten':
      effects.clear()
      break
  }
}

/** Everything but tokens, clock and msgids, as it was before anything happened. */
const empty = (parts: Parts, { switches }: ResolvedOptions): void => {
  const { effects, calls, inbox, dedupe, quota, recipients, grants, faults, ridLog, pace, blocked } = parts
  for (const part of [
    effects,
    calls,
    inbox,
    dedupe,
    quota,
    recipients,
    grants,
    faults,
    ridLog,
    pace,
    blocked,
  ])
    part.clear()
  parts.industries.clear()
  parts.components.reset()
  for (const account of parts.accounts.list()) account.reset()
  Object.assign(parts.switches, switches)
}
