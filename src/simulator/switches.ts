import type { LengthUnit } from '../fields.ts'
import { BadInput, readInput } from './input.ts'

/** What nobody outside WeChat knows for sure. A client must be right whichever way each one stands. */
export interface Switches {
  /** What template/send answers when a client_msg_id comes again within its ten minutes. `error` is 44007. */
  readonly repeatedClientMsgId: 'same-msgid' | 'msgid-0' | 'error'
  /** Whether bizsend knows client_msg_id too: only a sample of its page shows the field. */
  readonly bizsendDedupes: boolean
  /** How the length of a field is counted. */
  readonly lengthUnit: LengthUnit
  /** Whether a refused call uses up quota. */
  readonly failedCallsCount: boolean
  /** The hour, Beijing time, at which daily quotas start anew. */
  readonly quotaResetHour: number
  /** Whether a call that a fault answers with -1 may have been accepted: then half of them are. */
  readonly ambiguousBusyDelivers: boolean
  /** The answer to a token that cannot be one. */
  readonly malformedTokenErrcode: 40001 | 40014
  /** The answer of the token APIs to a wrong secret. */
  readonly wrongSecretErrcode: 40001 | 40125
  /** Whether the old stable token lives on for five minutes after a forced refresh (documentation: no). */
  readonly forcedRefreshOverlap: boolean
  /** Whether a field's value may be a number or a boolean. */
  readonly nonStringValue: 'accept' | 'reject'
  /** What happens to fields that the template does not have. */
  readonly extraKeys: 'ignore' | 'reject'
  /** Which is told when both are wrong: the recipient (43101 and its kin), or url and data (47003 and its kin). */
  readonly precedence: 'recipient-first' | 'data-first'
  /** Whether everybody has given every permission for ever, or permissions are counted as they are given. */
  readonly grants: 'boundless' | 'counted'
  /** The answer to an API that belongs to the other kind of account. */
  readonly otherKindErrcode: 48001 | 45103
  /** The answer of custom/send to a msgtype that does not exist. */
  readonly unknownMsgtypeErrcode: 40008 | 45072
  /** Whether subscribe/send refuses a call (43108) while one to the same openid is still without its answer. */
  readonly concurrentCalls: 'refuse' | 'accept'
  /** Messages to one openid within a minute before 43117; 0 for any number. No threshold is published. */
  readonly recipientPace: number
  /** Whether the same content to the same openid within 60 s is 40241. */
  readonly sameContent: 'accept' | 'refuse'
  /** Words that a message must not hold: 45168 from mini programs' APIs, 40249 from official accounts'. */
  readonly sensitiveWords: readonly string[]
  /** Whether wxopen/template/send answers as it does today (46101), or keeps the rules it had before 2020. */
  readonly formMessages: 'retired' | 'history'
  /** Whether an official account may still add templates of an industry, or must take category templates (40247). */
  readonly industryTemplates: 'accept' | 'refuse'
  /** Whether every use of an authorizer_refresh_token brings a new one that takes its place. */
  readonly refreshTokenRotates: boolean
}

export const usualSwitches: Switches = {
  repeatedClientMsgId: 'same-msgid',
  bizsendDedupes: false,
  lengthUnit: 'code-point',
  failedCallsCount: true,
  quotaResetHour: 0,
  ambiguousBusyDelivers: false,
  malformedTokenErrcode: 40014,
  wrongSecretErrcode: 40125,
  forcedRefreshOverlap: false,
  nonStringValue: 'accept',
  extraKeys: 'ignore',
  precedence: 'recipient-first',
  grants: 'boundless',
  otherKindErrcode: 48001,
  unknownMsgtypeErrcode: 40008,
  concurrentCalls: 'refuse',
  recipientPace: 0,
  sameContent: 'accept',
  sensitiveWords: [],
  formMessages: 'retired',
  industryTemplates: 'accept',
  refreshTokenRotates: true,
}

/** What a switch may be set to: one of some values, a whole number from 0 to a limit, or any texts. */
export type Position = readonly (string | number | boolean)[] | { readonly upTo: number } | 'texts'

const onOff = [true, false] as const

/** Every switch with its positions; the documentation and the admin API both read this. */
export const positions: { readonly [name in keyof Switches]: Position } = {
  repeatedClientMsgId: ['same-msgid', 'msgid-0', 'error'],
  bizsendDedupes: onOff,
  lengthUnit: ['code-point', 'utf16'],
  failedCallsCount: onOff,
  quotaResetHour: { upTo: 23 },
  ambiguousBusyDelivers: onOff,
  malformedTokenErrcode: [40001, 40014],
  wrongSecretErrcode: [40001, 40125],
  forcedRefreshOverlap: onOff,
  nonStringValue: ['accept', 'reject'],
  extraKeys: ['ignore', 'reject'],
  precedence: ['recipient-first', 'data-first'],
  grants: ['boundless', 'counted'],
  otherKindErrcode: [48001, 45103],
  unknownMsgtypeErrcode: [40008, 45072],
  concurrentCalls: ['refuse', 'accept'],
  recipientPace: { upTo: 1_000_000 },
  sameContent: ['accept', 'refuse'],
  sensitiveWords: 'texts',
  formMessages: ['retired', 'history'],
  industryTemplates: ['accept', 'refuse'],
  refreshTokenRotates: onOff,
}

/** Some switches as somebody wrote them; a name or a position that does not exist is told. */
export const parseSwitches = (value: unknown): Partial<Switches> => {
  const names = Object.keys(positions) as (keyof Switches)[]
  const input = readInput(value, names)
  const parsed: Record<string, unknown> = {}
  for (const name of names) {
    const found = positionOf(input, name)
    if (found !== undefined) parsed[name] = found
  }
  return parsed as Partial<Switches>
}

const positionOf = (input: ReturnType<typeof readInput>, name: keyof Switches): unknown => {
  const position = positions[name]
  if (position === 'texts') {
    const texts = input.texts(name)
    if (texts?.includes('')) throw new BadInput(`${name} must not hold an empty text`)
    return texts
  }
  return 'upTo' in position
    ? input.number(name, { min: 0, max: position.upTo, integer: true })
    : input.choice(name, position)
}
