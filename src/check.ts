/** Could this be sent now? The answer from what is known, with the reasons, before anybody is called. */
import { channelTraits } from './channels.ts'
import type { Account } from './directory.ts'
import { type Bilingual, errcodeOf } from './errcodes.ts'
import type { Grant } from './grants.ts'
import type { Hold } from './holds.ts'
import type { Channel } from './message.ts'
import type { Contact } from './recipients.ts'
import { errcodeInReason } from './verdict.ts'

/** `unknown`: nothing speaks against it, but something that decides is not known. */
export interface Answer {
  readonly answer: 'yes' | 'no' | 'unknown'
  /** What the answer rests on, the gravest first; one at least. */
  readonly reasons: readonly Reason[]
}

export interface Reason {
  readonly code: string
  readonly answer: Answer['answer']
  readonly why: Bilingual
  readonly next: Bilingual
}

export interface Facts {
  readonly account: Account
  readonly channel: Channel
  readonly templateId: string
  /** The scene or form id that the message would use. */
  readonly grantName?: string
  readonly grants: readonly Grant[]
  readonly contact: Contact | undefined
  /** What holds the account or its API back at this moment. */
  readonly hold: Hold | undefined
  /** Milliseconds since 1970 UTC. */
  readonly now: number
}

export const canSend = (facts: Facts): Answer => {
  const found = [held(facts), retired(facts), template(facts), following(facts), grant(facts)].filter(
    (reason) => reason !== undefined,
  )
  const worst = (['no', 'unknown', 'yes'] as const).find((answer) =>
    found.some((each) => each.answer === answer),
  )
  if (worst === undefined) return { answer: 'yes', reasons: [nothingAgainst] }
  return { answer: worst, reasons: found.toSorted((a, b) => gravity[b.answer] - gravity[a.answer]) }
}

const gravity: Readonly<Record<Answer['answer'], number>> = { yes: 0, unknown: 1, no: 2 }

const reason = (code: string, answer: Answer['answer'], why: Bilingual, next: Bilingual): Reason => ({
  code,
  answer,
  why,
  next,
})

const nothingToDo: Bilingual = { zh: '无需处理。', en: 'There is nothing to do.' }

const nothingAgainst = reason(
  'nothing-against',
  'yes',
  { zh: '没有发现妨碍发送的情况。', en: 'Nothing is known that would be in the way.' },
  nothingToDo,
)

const held = ({ hold }: Facts): Reason | undefined => {
  if (hold === undefined) return undefined
  const errcode = errcodeInReason(hold.reason)
  const until = new Date(hold.until).toISOString()
  const cause = errcode === undefined ? { zh: hold.reason, en: hold.reason } : errcodeOf(errcode).cause
  return reason(
    hold.reason,
    'no',
    {
      zh: `账号或接口暂停到 ${until}：${cause.zh}`,
      en: `The account or its API is on hold until ${until}: ${cause.en}`,
    },
    errcode === undefined
      ? {
          zh: '到时自动恢复；现在提交的消息会排队等待。',
          en: 'It goes on by itself then; what is accepted now waits.',
        }
      : errcodeOf(errcode).next,
  )
}

const retired = ({ channel }: Facts): Reason | undefined =>
  channel === 'form' ? reason('retired', 'no', errcodeOf(46101).cause, errcodeOf(46101).next) : undefined

const template = ({ account, channel, templateId }: Facts): Reason | undefined => {
  if (!channelTraits[channel].hasTemplate || account.kind === 'webhook') return undefined
  const known = account.templates.find((each) => each.templateId === templateId)
  if (known?.missingSince === undefined) return undefined
  return reason(
    'template-missing',
    'no',
    {
      zh: '微信不再列出这个模板，它可能已被删除。',
      en: 'WeChat does not list this template any more; it may have been deleted.',
    },
    {
      zh: '在公众平台检查模板，然后重新同步。',
      en: 'Look at it in WeChat’s console, then synchronise again.',
    },
  )
}

/** Template messages reach followers only (43004). */
const following = ({ channel, contact }: Facts): Reason | undefined =>
  channel === 'template' && contact?.following === false
    ? reason('not-following', 'no', errcodeOf(43004).cause, errcodeOf(43004).next)
    : undefined

const grant = (facts: Facts): Reason | undefined => {
  const { account, channel, grantName, now } = facts
  const kind = channelTraits[channel].grant
  if (kind === undefined || channel === 'form') return undefined
  const known = facts.grants.filter(
    (each) => each.kind === kind && (grantName === undefined || each.name === grantName),
  )
  const usable = known.filter(
    ({ left, expiresAt }) => (left === undefined || left > 0) && (expiresAt === undefined || expiresAt > now),
  )
  if (usable.length > 0) return granted(usable)
  if (kind === 'window') return account.callback ? windowClosed : windowUnknown
  return known.length > 0 ? grantsSpent : grantsUnknown
}

const granted = (usable: readonly Grant[]): Reason => {
  const lasting = usable.some(({ left }) => left === undefined)
  const count = usable.reduce((sum, { left = 0 }) => sum + left, 0)
  return reason(
    'granted',
    'yes',
    lasting
      ? { zh: '用户的授权长期有效。', en: 'The recipient’s permission has no end.' }
      : { zh: `账本上还有 ${count} 次可用。`, en: `The books hold ${count} more.` },
    nothingToDo,
  )
}

const askAgain: Bilingual = {
  zh: '请用户再次授权（wx.requestSubscribeMessage），授权上报后即可发送。',
  en: 'Ask the recipient again (wx.requestSubscribeMessage); once that is reported it can be sent.',
}

const grantsSpent = reason(
  'no-grant',
  'no',
  { zh: '用户的授权已用完或已关闭。', en: 'The recipient’s permissions are used up or switched off.' },
  askAgain,
)

const grantsUnknown = reason(
  'grant-unknown',
  'unknown',
  {
    zh: '账本上没有这个用户对该模板的授权记录。',
    en: 'The books know nothing of this recipient and this template.',
  },
  {
    zh: '可以尝试发送；要得到确定的回答，请接入回调或用 POST /v1/grants 上报授权结果。',
    en: 'It can be tried; to know, connect the callbacks or report what recipients allow with POST /v1/grants.',
  },
)

const windowClosed = reason(
  'window-closed',
  'no',
  {
    zh: '用户近期没有互动，客服消息窗口已关闭或次数已用完。',
    en: 'The recipient has not interacted lately, or all messages of the window are used.',
  },
  {
    zh: '等用户再次发消息或点菜单后即可发送，或改用其他通道。',
    en: 'It can be sent after their next message or click, or through another channel.',
  },
)

const windowUnknown = reason(
  'window-unknown',
  'unknown',
  {
    zh: '账号没有接入回调，不知道用户最近是否有互动。',
    en: 'The account has no callbacks, so nobody knows whether the recipient has interacted.',
  },
  {
    zh: '为账号配置回调（/callbacks/{账号}）。',
    en: 'Set up the callbacks of the account (/callbacks/{account}).',
  },
)
