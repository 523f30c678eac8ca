import type { ChannelTraits } from './channel.ts'

/**
 * Subscribe notifications of official accounts (`subscribe/bizsend`). `client_msg_id` stands only in the sample of
 * the official page, so nothing rests on it: a call whose answer is lost is not repeated.
 */
export const oaSubscribe: ChannelTraits = {
  path: '/cgi-bin/message/subscribe/bizsend',
  accountKinds: ['official'],
  repeatInDoubt: 'never',
  success: 'perhaps-msgid',
  receipt: 'subscribe_msg_sent_event',
  grant: 'subscribe',
  oneCallPerRecipient: false,
  fields: ['page', 'miniprogram', 'miniprogram_state', 'lang'],
  hasTemplate: true,
  body: ({ touser, page, miniprogram, miniprogram_state, lang }, { templateId, data }) => ({
    touser,
    template_id: templateId,
    page,
    miniprogram,
    miniprogram_state,
    lang,
    data,
  }),
}
