import type { ChannelTraits } from './channel.ts'

/**
 * Subscribe messages of mini programs (`subscribe/send`). Each uses up a grant of its recipient; there is no key
 * by which a repeat is recognised, and calls to one openid must not overlap (43108). The msgid of a success is not
 * documented but comes; the event tells of part of the failures.
 */
export const subscribe: ChannelTraits = {
  path: '/cgi-bin/message/subscribe/send',
  accountKinds: ['miniprogram'],
  repeatInDoubt: 'never',
  success: 'perhaps-msgid',
  receipt: 'subscribe_msg_sent_event',
  grant: 'subscribe',
  oneCallPerRecipient: true,
  fields: ['page', 'miniprogram_state', 'lang'],
  hasTemplate: true,
  body: ({ touser, page, miniprogram_state, lang }, { templateId, data }) => ({
    touser,
    template_id: templateId,
    page,
    miniprogram_state,
    lang,
    data,
  }),
}
