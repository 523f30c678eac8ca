/** What an event of WeChat's means for our books. Pure. */
import type { CallbackEvent } from './callback-event.ts'
import type { Account } from './directory.ts'
import { type GrantChange, windows } from './grants.ts'
import type { Note, Receipt } from './recipients.ts'

export interface Arrival {
  readonly account: Account
  readonly event: CallbackEvent
  /**
   * Whether WeChat has signed the body: in the compat and safe modes. The signature of a plain one covers only its
   * time and nonce, so it is taken as a hint: it can add knowledge, but takes nobody's permission away.
   */
  readonly authentic: boolean
  /** Names this very request: the timestamp and nonce that its signature covers. */
  readonly requestKey: string
}

/** What to take note of, or nothing. */
export const noteOf = (arrival: Arrival): Note | undefined => {
  const { account, event } = arrival
  const base = { account: account.appid, keys: keysOf(arrival), grants: [] }
  const contact = { touser: event.openid, at: event.at }
  switch (event.kind) {
    case 'receipt':
      return {
        ...base,
        keys: receiptKeys(arrival),
        receipt: receiptOf(event, arrival.authentic),
        grants: arrival.authentic ? withdrawnBy(event, account) : [],
      }
    case 'grants':
      return { ...base, grants: decided(event, arrival) }
    case 'follow':
      return {
        ...base,
        contact: { ...contact, following: true },
        grants: opened(account, event, 'follow'),
      }
    case 'unfollow':
      return arrival.authentic ? { ...base, contact: { ...contact, following: false } } : undefined
    case 'interaction':
      return {
        ...base,
        contact: { ...contact, interacted: true },
        grants: opened(account, event, event.what),
      }
    case 'component-ticket':
    case 'authorized':
    case 'unauthorized':
    case 'other':
      return undefined
  }
}

const keysOf = ({ event, authentic, requestKey }: Arrival): readonly string[] =>
  authentic ? [event.key] : [event.key, requestKey]

/** A receipt with a msgid changes its message once, however often it comes; one without could meet another message. */
const receiptKeys = (arrival: Arrival): readonly string[] => {
  const { event, authentic } = arrival
  return event.kind === 'receipt' && event.msgid !== undefined && authentic ? [] : keysOf(arrival)
}

const receiptOf = (event: CallbackEvent & { kind: 'receipt' }, authentic: boolean): Receipt => {
  const { openid: touser, channel, msgid, templateId, at, result } = event
  return {
    touser,
    channel,
    at,
    result,
    authentic,
    ...(msgid !== undefined && { msgid }),
    ...(templateId !== undefined && { templateId }),
  }
}

/** A subscribe message that was refused after all says the same as the refusal itself. */
const withdrawnBy = (
  { openid: touser, templateId, result }: CallbackEvent & { kind: 'receipt' },
  { appid: account }: Account,
): readonly GrantChange[] =>
  templateId !== undefined && result.kind === 'undelivered' && result.reason === 'errcode-43101'
    ? [{ account, touser, templateId, kind: 'subscribe', change: 'withdraw' }]
    : []

/** Which of two reports of one popup counts. */
export const countsEvents = ({ grantsFrom, callback }: Account): boolean =>
  (grantsFrom ?? (callback ? 'events' : 'reports')) === 'events'

const decided = (
  { openid: touser, origin, decisions }: CallbackEvent & { kind: 'grants' },
  { account, authentic }: Arrival,
): readonly GrantChange[] =>
  decisions.flatMap(({ templateId, accepted }): readonly GrantChange[] => {
    const holder = { account: account.appid, touser, templateId, kind: 'subscribe' as const }
    // To say no in a popup takes back nothing that was given before; to switch it off in the settings does.
    if (!accepted) return authentic && origin === 'settings' ? [{ ...holder, change: 'withdraw' }] : []
    return countsEvents(account) ? [acceptedChange(account, touser, templateId)] : []
  })

/** One yes of a person: a message more, or any number where the template is long-term. */
export const acceptedChange = (account: Account, touser: string, templateId: string): GrantChange => {
  const lasting = account.templates.find((known) => known.templateId === templateId)?.grants === 'lasting'
  const holder = { account: account.appid, touser, templateId, kind: 'subscribe' as const }
  return lasting ? { ...holder, change: 'lasting' } : { ...holder, change: 'add', count: 1 }
}

/** The window that an interaction opens, from the moment WeChat names. */
const opened = (
  { appid, kind }: Account,
  { openid: touser, at }: CallbackEvent,
  what: string,
): readonly GrantChange[] => {
  const kinds: Readonly<Record<string, { readonly count: number; readonly lifeMs: number }>> =
    kind === 'official' ? windows.official : kind === 'miniprogram' ? windows.miniprogram : {}
  const window = kinds[what]
  if (window === undefined) return []
  const { count, lifeMs } = window
  const holder = { account: appid, touser, templateId: '', kind: 'window' as const, name: what }
  return [{ ...holder, change: 'set', count, expiresAt: at + lifeMs }]
}
