import type { ChannelTraits } from './channel.ts'

/**
 * A signed HTTP POST to an address of the tenant's own (Standard Webhooks), for handing a message on to a provider
 * of text messages or e-mail. Its receiver recognises a repeat by `webhook-id`, which is the same at every attempt.
 */
export const webhook: ChannelTraits = {
  path: '',
  accountKinds: ['webhook'],
  repeatInDoubt: 'within-window',
  success: 'nothing',
  oneCallPerRecipient: false,
  fields: [],
  hasTemplate: true,
  body: ({ touser }, { templateId, data, clientMsgId }) => ({
    touser,
    template_id: templateId,
    client_msg_id: clientMsgId,
    data,
  }),
}
