/**
 * Permissions to send. WeChat asks for one with most messages and tells nobody how many are left, so we keep books:
 * what came in (events, reports, hand), what a delivery has reserved, what was used up. What the books say is never
 * more than what WeChat has, as far as what they were told is true; it may be less.
 *
 * Sources: the guides on subscribe messages, one-time subscriptions, customer messages and form ids (documented);
 * that a sent message uses its grant up when it is accepted (documented); that 43101 means there is none (documented).
 */
import { channelTraits } from './channels.ts'
import type { Message } from './message.ts'

/**
 * `subscribe`: given per template in a popup, one message each, or any number where the template is long-term.
 * `scene`: of a one-time subscription; one per scene, a second one does not add up.
 * `window`: opened by an interaction of the recipient; so many messages until a time.
 * `form`: form ids (one message) and prepay ids (three), seven days.
 */
export type GrantKind = 'subscribe' | 'scene' | 'window' | 'form'

/** What to do with a message when the books hold no permission for it: they may be incomplete. */
export const grantPolicies = ['try', 'park', 'refuse'] as const
export type GrantPolicy = (typeof grantPolicies)[number]

/** Whose permission, and for what. `templateId` is empty for `window` and `form`. */
export interface GrantHolder {
  /** The appid. */
  readonly account: string
  readonly touser: string
  readonly templateId: string
}

/** A change of the books. */
export type GrantChange = GrantHolder & { readonly kind: GrantKind; readonly name?: string } & (
    | {
        /** So many more. */
        readonly change: 'add'
        readonly count: number
        readonly expiresAt?: number
      }
    /** So many, whatever there was. */
    | { readonly change: 'set'; readonly count: number; readonly expiresAt?: number }
    /** Any number, until it is withdrawn. */
    | { readonly change: 'lasting' }
    /** None any more: refused, switched off, or WeChat said so. */
    | { readonly change: 'withdraw' }
  )

/** What the books say of one permission. */
export interface Grant extends GrantHolder {
  readonly kind: GrantKind
  /** The scene, the form id, or which interaction opened the window. */
  readonly name?: string
  /** How many messages it is good for; nothing: any number. */
  readonly left?: number
  /** Held by deliveries whose outcome is open. */
  readonly reserved: number
  /** Used up since the books begin. */
  readonly used: number
  /** Milliseconds since 1970 UTC. */
  readonly expiresAt?: number
  readonly updatedAt: number
}

/** What a delivery holds of the books. */
export type Reservation =
  /** The engine's own handle of it, and the name of what was reserved, if it has one. */
  | { readonly kind: 'reserved'; readonly handle: string; readonly name?: string }
  /** There is none to be had. */
  | { readonly kind: 'none' }

const hourMs = 3_600_000
const minuteMs = 60_000

/** How long form ids and prepay ids are good, and for how many messages. */
export const formGrants = {
  form: { count: 1, lifeMs: 7 * 24 * hourMs },
  prepay: { count: 3, lifeMs: 7 * 24 * hourMs },
} as const

/** What an interaction opens (official page on customer messages; older editions of it print other counts). */
export const windows = {
  official: {
    message: { count: 5, lifeMs: 48 * hourMs },
    menu: { count: 3, lifeMs: minuteMs },
    follow: { count: 3, lifeMs: minuteMs },
    scan: { count: 3, lifeMs: minuteMs },
  },
  miniprogram: {
    message: { count: 5, lifeMs: 48 * hourMs },
    session: { count: 2, lifeMs: minuteMs },
  },
} as const

/**
 * How long a message that was sent without a grant in the books is set off against the next word of one: that word was
 * on its way. WeChat pushes an event three times within seconds, and a page reports what its user has just allowed.
 */
export const owedGrantMs = 10 * minuteMs

/** Whose permission a message needs. Windows and form ids are not tied to a template. */
export const grantHolderOf = ({
  account,
  touser,
  templateId,
  channel,
}: Pick<Message, 'account' | 'touser' | 'templateId' | 'channel'>): GrantHolder => {
  const kind = channelTraits[channel].grant
  return { account, touser, templateId: kind === 'window' || kind === 'form' ? '' : templateId }
}

/**
 * Errcodes that say that there is no grant: refused, used up or switched off (43101), outside the window or all its
 * messages sent (45015, 45047), form id unknown or used (41028, 41029).
 */
export const noGrantErrcodes: ReadonlySet<number> = new Set([43101, 45015, 45047, 41028, 41029])

/** What a message waits for when its grant is missing: the key of the condition that the next grant releases. */
export const grantCondition = ({ account, touser, templateId }: GrantHolder): string =>
  `grant ${account} ${touser} ${templateId}`
