/** What WeChat tells later of a message that it has accepted. */
import type { Effect } from './effects.ts'
import type { Receipt } from './happening.ts'
import type { CallbackTarget, PushConduct, ReceiptRule } from './push-target.ts'
import type { Random } from './random.ts'
import type { World } from './world.ts'

export interface ReceiptParts {
  readonly world: World
  readonly target: CallbackTarget & PushConduct
  readonly random: Random
}

/** By the rules of the account, then by what the recipient has done. Nothing: WeChat does not tell. */
export const receiptOf = (effect: Effect, { world, target, random }: ReceiptParts): Receipt | undefined => {
  const { appid, touser, template_id: templateId } = effect
  const rule = target.receipts.find((each) => concerns(each, effect) && random.next() < each.probability)
  const { status, errorCode } =
    rule ?? (world.recipients.stateOf(appid, touser).blocksMessages ? blocked : well)
  const msgid = target.msgidZero && effect.client_msg_id !== null ? '0' : effect.msgid
  switch (eventOf(world, effect)) {
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
const blocked = { status: 'failed:user block', errorCode: 43101 }

const concerns = (rule: ReceiptRule, effect: Effect): boolean =>
  (rule.touser === undefined || rule.touser === effect.touser) &&
  (rule.templateId === undefined || rule.templateId === effect.template_id)

/** Which event tells it. What an account sends decides: template messages or subscribe messages. */
const eventOf = (world: World, { appid }: Effect): Receipt['kind'] | undefined =>
  world.accounts.get(appid)?.kind === 'miniprogram' ? 'sent' : 'job-finished'
