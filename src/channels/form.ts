import type { ChannelTraits } from './channel.ts'

/**
 * Template messages of mini programs by form_id (`wxopen/template/send`). WeChat took the API offline on 2020-01-10:
 * it answers 46101, and so does the simulator unless it plays history. Kept for those who migrate: their stored
 * form ids and the reason why they are of no use any more.
 */
export const form: ChannelTraits = {
  path: '/cgi-bin/message/wxopen/template/send',
  accountKinds: ['miniprogram'],
  repeatInDoubt: 'never',
  success: 'nothing',
  grant: 'form',
  oneCallPerRecipient: false,
  fields: ['page', 'form_id', 'emphasis_keyword'],
  hasTemplate: true,
  body: ({ touser, page, form_id, emphasis_keyword }, { templateId, data }) => ({
    touser,
    template_id: templateId,
    page,
    form_id,
    emphasis_keyword,
    data,
  }),
}

/** The body with the form id that was reserved for it. A caller's own stays. */
export const withFormId = (body: string, formId: string): string => {
  const value = JSON.parse(body) as Record<string, unknown>
  return JSON.stringify({ ...value, form_id: value.form_id ?? formId })
}
