import { messageKeyOf } from '../message-crypto.ts'
import { BadInput, type Input, needed, readInput } from './input.ts'
import { type Latency, usualPushDelay } from './latency.ts'

/** Where an account's events go and how they are sealed, as it stands in the console; and what goes wrong on the way. */
export interface CallbackTarget extends Partial<PushConduct> {
  readonly url: string
  readonly token: string
  /** EncodingAESKey: 43 letters and digits. Needed in compat and safe mode. */
  readonly aesKey?: string
  readonly mode: 'plain' | 'compat' | 'safe'
  readonly format: 'xml' | 'json'
  /** Of an account that has authorised a platform: the platform's, for which everything is encrypted. */
  readonly componentAppid?: string
}

/** Times are real milliseconds, probabilities 0 to 1. */
export interface PushConduct {
  /** From what happened to the first attempt. */
  readonly delay: Latency
  /** Up to so much more, evenly: puts events out of order. */
  readonly jitterMs: number
  /** Events of so long are pushed together at its end. */
  readonly burstMs: number
  /** An event is never pushed. */
  readonly lost: number
  /** An event that was answered well is pushed once more. */
  readonly duplicated: number
  /** The result of a message comes before the answer to the call that sent it. */
  readonly beforeReply: boolean
  /** MsgID is 0 where the message had a client_msg_id. */
  readonly msgidZero: boolean
  /** How JSON writes a `List` of one. */
  readonly singleList: 'object' | 'array'
  /** Whether JSON keeps the wrapper that XML has around a `List`. */
  readonly jsonWrapper: boolean
  /** For one attempt; after three it is over. */
  readonly timeoutMs: number
  /** So many events in a row that nobody took stop all pushes for a simulated minute; 0: never. */
  readonly markFailAfter: number
  /** What becomes of the events of that minute. */
  readonly pausedEvents: 'lost' | 'kept'
  /** The first that fits decides how a message ends. */
  readonly receipts: readonly ReceiptRule[]
}

export interface ReceiptRule {
  readonly touser?: string
  readonly templateId?: string
  /** Of a template message, such as `failed: system failed`. */
  readonly status: string
  /** Of a subscribe message. */
  readonly errorCode: number
  readonly probability: number
}

export const usualConduct: PushConduct = {
  delay: usualPushDelay,
  jitterMs: 0,
  burstMs: 0,
  lost: 0,
  duplicated: 0,
  beforeReply: false,
  msgidZero: false,
  singleList: 'object',
  jsonWrapper: false,
  timeoutMs: 5000,
  markFailAfter: 0,
  pausedEvents: 'lost',
  receipts: [],
}

export const targetFields = [
  'appid',
  'url',
  'token',
  'aes_key',
  'mode',
  'format',
  'component_appid',
  'delay_ms',
  'jitter_ms',
  'burst_ms',
  'lost',
  'duplicated',
  'before_reply',
  'msgid_zero',
  'single_list',
  'json_wrapper',
  'timeout_ms',
  'mark_fail_after',
  'paused_events',
  'receipts',
] as const

const longestMs = 3_600_000
const share = { min: 0, max: 1 }
const duration = { min: 0, max: longestMs }

/** What is given, over what there was. */
export const parseTarget = (input: Input, before: CallbackTarget | undefined): CallbackTarget => {
  const aesKey = input.text('aes_key') ?? before?.aesKey
  const componentAppid = input.text('component_appid') ?? before?.componentAppid
  const target: CallbackTarget = {
    ...before,
    url: needed('url', input.text('url') ?? before?.url),
    token: needed('token', input.text('token') ?? before?.token),
    mode: input.choice('mode', ['plain', 'compat', 'safe'] as const) ?? before?.mode ?? 'plain',
    format: input.choice('format', ['xml', 'json'] as const) ?? before?.format ?? 'xml',
    ...(aesKey !== undefined && { aesKey }),
    ...(componentAppid !== undefined && { componentAppid }),
    ...parseConduct(input),
  }
  checkTarget(target)
  return target
}

export const checkTarget = ({ url, mode, aesKey }: CallbackTarget): void => {
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) throw new BadInput('url must be one of http or https')
  if (mode !== 'plain' && (aesKey === undefined || messageKeyOf(aesKey) === undefined))
    throw new BadInput(`aes_key must be 43 letters and digits in ${mode} mode`)
}

/** Only what was given. */
const parseConduct = (input: Input): Partial<PushConduct> => {
  const given: Partial<Record<keyof PushConduct, unknown>> = {
    delay: delayOf(input.given.delay_ms),
    jitterMs: input.number('jitter_ms', duration),
    burstMs: input.number('burst_ms', duration),
    lost: input.number('lost', share),
    duplicated: input.number('duplicated', share),
    beforeReply: input.flag('before_reply'),
    msgidZero: input.flag('msgid_zero'),
    singleList: input.choice('single_list', ['object', 'array'] as const),
    jsonWrapper: input.flag('json_wrapper'),
    timeoutMs: input.number('timeout_ms', { min: 1, max: longestMs }),
    markFailAfter: input.number('mark_fail_after', { min: 0, integer: true }),
    pausedEvents: input.choice('paused_events', ['lost', 'kept'] as const),
    receipts: receiptsOf(input.given.receipts),
  }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

/** A number, or `{median, p99}`. */
const delayOf = (value: unknown): Latency | undefined => {
  if (value === undefined) return undefined
  if (typeof value === 'number') return { fixedMs: readInput({ ms: value }, ['ms']).number('ms', duration)! }
  const input = readInput(value, ['median', 'p99'])
  const medianMs = needed('median', input.number('median', { min: 1, max: longestMs }))
  return { medianMs, p99Ms: input.number('p99', { min: medianMs, max: longestMs }) ?? medianMs }
}

const receiptsOf = (value: unknown): readonly ReceiptRule[] | undefined => {
  if (value === undefined) return undefined
  if (!Array.isArray(value)) throw new BadInput('receipts must be a list')
  return value.map((each) => {
    const input = readInput(each, ['touser', 'template_id', 'status', 'error_code', 'probability'])
    const [touser, templateId] = [input.text('touser'), input.text('template_id')]
    return {
      ...(touser !== undefined && { touser }),
      ...(templateId !== undefined && { templateId }),
      status: input.text('status') ?? 'success',
      errorCode: input.number('error_code', { min: 0, integer: true }) ?? 0,
      probability: input.number('probability', share) ?? 1,
    }
  })
}

/** The opposite of `parseTarget`: as the admin API and scenario files take it. */
export const targetJson = (target: CallbackTarget) => {
  const { delay, receipts } = target
  return {
    url: target.url,
    token: target.token,
    aes_key: target.aesKey,
    mode: target.mode,
    format: target.format,
    component_appid: target.componentAppid,
    delay_ms: delay && ('fixedMs' in delay ? delay.fixedMs : { median: delay.medianMs, p99: delay.p99Ms }),
    jitter_ms: target.jitterMs,
    burst_ms: target.burstMs,
    lost: target.lost,
    duplicated: target.duplicated,
    before_reply: target.beforeReply,
    msgid_zero: target.msgidZero,
    single_list: target.singleList,
    json_wrapper: target.jsonWrapper,
    timeout_ms: target.timeoutMs,
    mark_fail_after: target.markFailAfter,
    paused_events: target.pausedEvents,
    receipts: receipts?.map(({ touser, templateId, status, errorCode, probability }) => ({
      touser,
      template_id: templateId,
      status,
      error_code: errorCode,
      probability,
    })),
  }
}
