/** The ways of sending, by name. */
import type { AccountKind, ChannelTraits } from './channels/channel.ts'
import { customer } from './channels/customer.ts'
import { form } from './channels/form.ts'
import { oaOnce } from './channels/oa-once.ts'
import { oaSubscribe } from './channels/oa-subscribe.ts'
import { subscribe } from './channels/subscribe.ts'
import { template } from './channels/template.ts'
import { webhook } from './channels/webhook.ts'
import type { Channel } from './message.ts'

export {
  type AccountKind,
  accountKinds,
  type ChannelTraits,
  type Content,
  type ContentField,
  type Identity,
} from './channels/channel.ts'

export const channelTraits: Readonly<Record<Channel, ChannelTraits>> = {
  template,
  subscribe,
  oa_subscribe: oaSubscribe,
  oa_once: oaOnce,
  customer,
  form,
  webhook,
}

/** The channel that an account of this kind uses when the caller names none; a platform sends nothing itself. */
export const defaultChannel = (kind: AccountKind): Channel | undefined => defaultChannels[kind]

const defaultChannels: Readonly<Record<AccountKind, Channel | undefined>> = {
  official: 'template',
  miniprogram: 'subscribe',
  webhook: 'webhook',
  component: undefined,
}
