/**
 * Keeps the templates of all accounts as WeChat lists them: once a day, soon after a start when that is due, and when
 * somebody asks. One account at a time by itself, and never twice at once for one account. Of several processes one does
 * it: the first whose turn comes claims it for an hour, and the others see in the directory that it is done. (An account
 * that WeChat lists nothing for shows nothing there, so each process asks for it once a day.)
 */
import type { Clock, Random } from './clock.ts'
import type { Account, Directory, KnownTemplate } from './directory.ts'
import type { Observe } from './observe.ts'
import { driftText } from './template-drift.ts'
import { type FamilyFailure, mergeSync, type TemplateChange, type TemplateListing } from './template-sync.ts'

export type SyncOutcome =
  | {
      readonly kind: 'synced'
      readonly listed: number
      readonly changes: readonly TemplateChange[]
      readonly failures: readonly FamilyFailure[]
    }
  | { readonly kind: 'failed'; readonly failures: readonly FamilyFailure[] }
  /** An account of this kind has no templates of its own, or there is no such account any more. */
  | { readonly kind: 'not-applicable' }

export interface TemplateWatch {
  /** Asks WeChat for the list of an account and keeps it. Never rejects for a refusal of WeChat. */
  sync(appid: string): Promise<SyncOutcome>
  /** From now on it is done by itself, too. */
  start(): void
  /** Begins nothing new and does not wait for answers of WeChat; resolves when nothing is written any more. */
  stop(): Promise<void>
}

export interface TemplateWatchParts {
  readonly directory: Pick<Directory, 'account' | 'everyAccount' | 'changeAccount'>
  /** Never rejects, and answers within a time of its own. */
  readonly list: (account: Account) => Promise<TemplateListing>
  /** Whether nobody has claimed this account before, for as long as until then. Absent where one process is all. */
  readonly claim?: (appid: string, until: number) => Promise<boolean>
  readonly clock: Clock
  readonly random: Random
  readonly observe: Observe
}

const dayMs = 24 * 3_600_000
/** After a failure; a day has two dozen of these. */
const retryMs = 3_600_000
/** A little less, so that who has claimed an account may try again. */
const claimMs = retryMs - 60_000
/** How often it is looked whose turn it is. */
const lookMs = 60_000
/** Spreads the work of many accounts, and of many processes, over so much time. */
const spreadMs = 30 * 60_000
/** Templates that one alert names. */
const namedInAlert = 10

export const createTemplateWatch = (parts: TemplateWatchParts): TemplateWatch => {
  const { directory, list, clock, random } = parts
  const stopping = new AbortController()
  const stopped = Promise.withResolvers<void>()
  stopping.signal.addEventListener('abort', () => stopped.resolve(), { once: true })
  const underWay = new Map<string, Promise<SyncOutcome>>()
  const writing = new Set<Promise<unknown>>()
  const nextAt = new Map<string, number>()

  const syncNow = async (account: Account): Promise<SyncOutcome> => {
    const listing = await Promise.race([list(account), stopped.promise])
    if (listing === undefined || stopping.signal.aborted) return { kind: 'failed', failures: [] }
    if (listing.kind === 'failed') return listing
    const kept = keep(account, listing)
    writing.add(kept)
    try {
      return await kept
    } finally {
      writing.delete(kept)
    }
  }

  /** The account may have changed while WeChat was asked, so what it is by now is what is merged. */
  const keep = async (
    { appid }: Account,
    listing: TemplateListing & { kind: 'listed' },
  ): Promise<SyncOutcome> => {
    let changes: readonly TemplateChange[] = []
    const changed = await directory.changeAccount(appid, (present) => {
      const merged = mergeSync(present.templates, listing, clock.now())
      changes = merged.changes
      return { ...present, templates: merged.templates }
    })
    if (changed === undefined) return { kind: 'not-applicable' }
    alertOf(parts.observe, appid, changes)
    return { kind: 'synced', listed: listing.templates.length, changes, failures: listing.failures }
  }

  const sync = (appid: string): Promise<SyncOutcome> => {
    const account = directory.account(appid)
    if (account === undefined || !hasTemplates(account)) return Promise.resolve({ kind: 'not-applicable' })
    const present = underWay.get(appid)
    if (present) return present
    const outcome = syncNow(account).finally(() => underWay.delete(appid))
    underWay.set(appid, outcome)
    return outcome
  }

  const turn = async (account: Account): Promise<void> => {
    const now = clock.now()
    // Another process may have done it since.
    const due = Math.max(nextAt.get(account.appid) ?? now, firstDue(account, now))
    nextAt.set(account.appid, due)
    if (now < due) return
    if (!(await isOurs(account, now))) {
      nextAt.set(account.appid, now + retryMs)
      return
    }
    // A store that fails ends the process elsewhere; here it is one more reason to try again later.
    const outcome = await sync(account.appid).catch(() => undefined)
    const waitMs = outcome === undefined || outcome.kind === 'failed' ? retryMs : dayMs
    nextAt.set(account.appid, clock.now() + waitMs + random() * spreadMs)
  }

  /** While it cannot be found out whose it is, it is nobody's. */
  const isOurs = async ({ appid }: Account, now: number): Promise<boolean> =>
    parts.claim === undefined || parts.claim(appid, now + claimMs).catch(() => false)

  const firstDue = ({ templates }: Account, now: number): number => {
    const last = lastSyncOf(templates)
    return last === undefined || last > now ? now : last + dayMs
  }

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const accounts = directory.everyAccount().filter(hasTemplates)
      forgetOthers(nextAt, accounts)
      for (const account of accounts) {
        if (stopping.signal.aborted) return
        await turn(account)
      }
      await clock.sleep(lookMs, stopping.signal)
    }
  }

  let running: Promise<void> | undefined
  return {
    sync,
    start() {
      running ??= run()
    },
    async stop() {
      stopping.abort()
      await running
      await Promise.allSettled([...writing])
    },
  }
}

/** Webhooks have none, and a platform's are those of the accounts it looks after. */
export const hasTemplates = ({ kind }: Account): boolean => kind === 'official' || kind === 'miniprogram'

/** When WeChat last listed any of them; milliseconds since 1970 UTC. */
export const lastSyncOf = (templates: readonly KnownTemplate[]): number | undefined =>
  templates.reduce<number | undefined>(
    (last, { syncedAt }) => (syncedAt === undefined ? last : Math.max(syncedAt, last ?? syncedAt)),
    undefined,
  )

const forgetOthers = (nextAt: Map<string, number>, accounts: readonly Account[]): void => {
  const appids = new Set(accounts.map(({ appid }) => appid))
  for (const appid of nextAt.keys()) if (!appids.has(appid)) nextAt.delete(appid)
}

const alertOf = (observe: Observe, account: string, changes: readonly TemplateChange[]): void => {
  const drifted = changes.filter(({ kind, drift }) => kind === 'changed' && drift.length > 0)
  const missing = changes.filter(({ kind }) => kind === 'missing')
  if (drifted.length > 0)
    observe({
      kind: 'alert',
      code: 'template-drift',
      account,
      detail: `WeChat has changed templates: ${named(drifted, ({ drift }) => ` (${driftText(drift)})`)}`,
    })
  if (missing.length > 0)
    observe({
      kind: 'alert',
      code: 'template-missing',
      account,
      detail: `WeChat does not list these templates any more: ${named(missing, () => '')}`,
    })
}

const named = (changes: readonly TemplateChange[], more: (change: TemplateChange) => string): string => {
  const names = changes
    .slice(0, namedInAlert)
    .map((change) => (change.template.alias ?? change.template.templateId) + more(change))
  const rest = changes.length - names.length
  return rest > 0 ? `${names.join('; ')}; and ${rest} more` : names.join('; ')
}
