/** What WeChat tells later of a message that it has accepted. */
import type { Effect } from './effects.ts'
import type { Receipt } from './happening.ts'
import type { CallbackTarget, PushConduct, ReceiptRule } from './push-target.ts'
import type { Random } from './random.ts'
import { bizsendPath, subscribeSendPath, templateSendPath } from './send.ts'

export interface ReceiptParts {
  readonly target: CallbackTarget & PushConduct
  readonly random: Random
}

/** By the rules of the account, then by what the recipient has done. Nothing: WeChat does not tell. */
export const receiptOf = (effect: Effect, { target, random }: ReceiptParts): Receipt | undefined => {
  const { template_id: templateId } = effect
  const rule = target.receipts.find((each) => concerns(each, effect) && random.next() < each.probability)
  const { status, errorCode } = rule ?? (effect.receipt === undefined ? well : blockedWith(effect.receipt))
  const msgid = target.msgidZero && effect.client_msg_id !== null ? '0' : effect.msgid
  switch (eventOf(effect)) {
    case 'job-finished':
      return { kind: 'job-finished', msgid, status }
    case 'sent':
      return { kind: 'sent', msgid, templateId, errorCode, errorStatus: status }
    case undefined:
      return undefined
  }
}

const well = { status: 'success', errorCode: 0 }
/** Of a template message documented; that a subscribe message says it with 43101 is our inference. */
const blockedWith = (status: string) => ({ status, errorCode: 43101 })

const concerns = (rule: ReceiptRule, effect: Effect): boolean =>
  (rule.touser === undefined || rule.touser === effect.touser) &&
  (rule.templateId === undefined || rule.templateId === effect.template_id)

/** Which event tells it, by the API that was called. Of the other kinds of message none is documented. */
const eventOf = ({ path }: Effect): Receipt['kind'] | undefined => {
  switch (path) {
    case templateSendPath:
      return 'job-finished'
    case subscribeSendPath:
    case bizsendPath:
      return 'sent'
    default:
      return undefined
  }
}
