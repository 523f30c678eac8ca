/**
 * One call at a time for one recipient of one account, where WeChat refuses a second one (43108), and a rest for
 * recipients who were sent to too often (43117, seen in the field).
 */
import { channelTraits } from './channels.ts'
import type { Hold } from './holds.ts'
import type { DeliveredMessage } from './queue.ts'

/** Of this process; that others have nothing for the same recipient in hand is for the queue to see to. */
export interface RecipientLane {
  /** Whether a call to this recipient is under way that this one must not overlap. */
  isBusy(message: DeliveredMessage): boolean
  enter(message: DeliveredMessage): void
  leave(message: DeliveredMessage): void
  /** Nothing more to this recipient until the hold is over. */
  hold(recipient: Recipient, hold: Hold): void
  over(message: DeliveredMessage, now: number): Hold | undefined
}

export type Recipient = Pick<DeliveredMessage, 'account' | 'touser'>

/** Holds that are remembered; beyond, the oldest is forgotten, and its recipient's next message asks for it anew. */
const maxHolds = 10_000

/** Who is busy is bounded by the calls under way. */
export const createRecipientLane = (): RecipientLane => {
  const busy = new Map<string, Set<string>>()
  const holds = new Map<string, Hold>()

  return {
    isBusy: ({ account, channel, touser }) =>
      channelTraits[channel].oneCallPerRecipient && (busy.get(account)?.has(touser) ?? false),

    enter({ account, channel, touser }) {
      if (!channelTraits[channel].oneCallPerRecipient) return
      const recipients = busy.get(account)
      if (recipients) recipients.add(touser)
      else busy.set(account, new Set([touser]))
    },

    leave({ account, channel, touser }) {
      if (!channelTraits[channel].oneCallPerRecipient) return
      const recipients = busy.get(account)
      recipients?.delete(touser)
      if (recipients?.size === 0) busy.delete(account)
    },

    hold(recipient, hold) {
      const key = recipientKey(recipient)
      holds.delete(key)
      holds.set(key, hold)
      if (holds.size > maxHolds) holds.delete(holds.keys().next().value!)
    },

    over(message, now) {
      if (holds.size === 0) return undefined
      const key = recipientKey(message)
      const hold = holds.get(key)
      if (hold && hold.until <= now) holds.delete(key)
      return hold && hold.until > now ? hold : undefined
    },
  }
}

const recipientKey = ({ account, touser }: Recipient): string => `${account} ${touser}`
