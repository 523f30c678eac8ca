import type { Channel } from './message.ts'

/** What the rest of the system needs to know about one way of sending, as data. */
export interface ChannelTraits {
  /** Path of the API that sends. Quotas and pauses of WeChat are per account and path. */
  readonly path: string
  /** Which kind of account may use it. */
  readonly accountKind: AccountKind
  /**
   * What may be done when WeChat may have taken a message without our knowing.
   * `within-window`: WeChat recognises a repeat by `client_msg_id` for about ten minutes, so repeat, but
   * stop well before. `never`: there is no such key; wait for a receipt, then say `unknown`.
   */
  readonly repeatInDoubt: 'within-window' | 'never'
}

export type AccountKind = 'official' | 'miniprogram'

export const channelTraits: Readonly<Record<Channel, ChannelTraits>> = {
  template: {
    path: '/cgi-bin/message/template/send',
    accountKind: 'official',
    repeatInDoubt: 'within-window',
  },
  subscribe: {
    path: '/cgi-bin/message/subscribe/send',
    accountKind: 'miniprogram',
    repeatInDoubt: 'never',
  },
}

/** The channel that an account of this kind uses when the caller names none. */
export const defaultChannel = (kind: AccountKind): Channel => (kind === 'official' ? 'template' : 'subscribe')
