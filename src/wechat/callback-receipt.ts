/** What became of a message, in the words of the two events that tell it. */
import type { CallbackContent, ReceiptResult } from '../callback-event.ts'
import { type Fields, textOf } from './callback-fields.ts'

type Receipt = Extract<CallbackContent, { kind: 'receipt' }>

/** Of TEMPLATESENDJOBFINISH. Nothing: it does not tell. */
export const templateReceipt = (fields: Fields): Receipt | undefined => {
  const status = textOf(fields, 'Status')
  if (status === undefined) return undefined
  return { kind: 'receipt', channel: 'template', ...msgidOf(fields), result: resultOfStatus(status) }
}

/** Of one entry of subscribe_msg_sent_event. Nothing: it does not tell. */
export const subscribeReceipt = (entry: Fields): Receipt | undefined => {
  const result = resultOfEntry(entry)
  if (result === undefined) return undefined
  const templateId = templateIdOf(entry)
  return {
    kind: 'receipt',
    channel: 'subscribe',
    ...msgidOf(entry),
    ...(templateId !== undefined && { templateId }),
    result,
  }
}

/** A real one has 43 characters; a longer text is none. */
export const templateIdOf = (fields: Fields): string | undefined => {
  const id = textOf(fields, 'TemplateId', 'TemplateID')
  return id !== undefined && id.length <= longestTemplateId ? id : undefined
}

const longestTemplateId = 128

/** `failed:user block` has no blank behind its colon and `failed: system failed` has one (documented). */
const resultOfStatus = (status: string): ReceiptResult =>
  status === 'success'
    ? { kind: 'delivered' }
    : { kind: 'undelivered', reason: short(/^failed:\s*(.*)$/s.exec(status)?.[1] || status) }

const resultOfEntry = (entry: Fields): ReceiptResult | undefined => {
  const code = textOf(entry, 'ErrorCode')
  const status = textOf(entry, 'ErrorStatus')
  if (code === undefined) return status === undefined ? undefined : resultOfStatus(status)
  return code === '0' ? { kind: 'delivered' } : { kind: 'undelivered', reason: short(`errcode-${code}`) }
}

/** WeChat may write 0 for a message that had a client_msg_id (seen in the field): that is the number of no message. */
const msgidOf = (fields: Fields): { readonly msgid: string } | undefined => {
  const msgid = textOf(fields, 'MsgID', 'MsgId', 'Msgid', 'msgid')
  return msgid !== undefined && /^[1-9]\d{0,19}$/.test(msgid) ? { msgid } : undefined
}

const longestReason = 100

const short = (text: string): string => text.slice(0, longestReason).toWellFormed()
