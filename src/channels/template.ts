import type { ChannelTraits } from './channel.ts'

/**
 * Template messages of certified official accounts (`template/send`), to followers only. WeChat sends the same
 * `client_msg_id` to the same openid once within about ten minutes (documented). The result comes as an event.
 */
export const template: ChannelTraits = {
  path: '/cgi-bin/message/template/send',
  accountKinds: ['official'],
  repeatInDoubt: 'within-window',
  success: 'msgid',
  receipt: 'TEMPLATESENDJOBFINISH',
  oneCallPerRecipient: false,
  fields: ['url', 'miniprogram'],
  hasTemplate: true,
  // JSON.stringify leaves out what is undefined.
  body: ({ touser, url, miniprogram }, { templateId, data, clientMsgId }) => ({
    touser,
    template_id: templateId,
    url,
    miniprogram,
    client_msg_id: clientMsgId,
    data,
  }),
}
