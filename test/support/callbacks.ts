/** Callbacks as WeChat would make them, and how to read one. */
import type { CallbackAccount, CallbackReading } from '../../src/callback-event.ts'
import type { CallbackSettings } from '../../src/directory.ts'
import type { PushFields } from '../../src/simulator/push-fields.ts'
import { type PushRequest, pushRequest } from '../../src/simulator/push-request.ts'
import type { CallbackTarget } from '../../src/simulator/push-target.ts'
import { createRandom, type Random } from '../../src/simulator/random.ts'
import { readCallback } from '../../src/wechat/callback.ts'
import { testStart } from './clock.ts'

export const modes = ['plain', 'compat', 'safe'] as const
export const formats = ['xml', 'json'] as const

export interface Form {
  readonly mode: CallbackTarget['mode']
  readonly format: CallbackTarget['format']
}

export const forms: readonly Form[] = modes.flatMap((mode) => formats.map((format) => ({ mode, format })))

export const appid = 'wx0123456789abcdef'
export const token = 'simtoken'
export const aesKey = 'SimKey0SimKey1SimKey2SimKey3SimKey4SimKey50'

export const settingsOf = (mode: CallbackSettings['mode'], change: Partial<CallbackSettings> = {}) => ({
  token,
  aesKeys: mode === 'plain' ? [] : [aesKey],
  mode,
  ...change,
})

export const targetOf = (form: Form, change: Partial<CallbackTarget> = {}): CallbackTarget => ({
  url: 'http://127.0.0.1/callbacks',
  token,
  aesKey,
  ...form,
  ...change,
})

/** A request as it arrives. */
export interface Arrival {
  readonly query: Record<string, string>
  readonly body: Buffer
}

export const arrivalOf = ({ url, body }: Pick<PushRequest, 'url' | 'body'>): Arrival => ({
  query: Object.fromEntries(new URL(url).searchParams),
  body: Buffer.from(body),
})

export interface ArrivalOptions extends Form {
  readonly target?: Partial<CallbackTarget>
  readonly random?: Random
  readonly at?: number
}

/** What the simulator makes of these fields. */
export const arrivalFor = (fields: PushFields, options: ArrivalOptions): Arrival => {
  const { target = {}, random = createRandom(1), at = testStart } = options
  const sealing = { target: targetOf(options, target), appid, random, timestamp: Math.floor(at / 1000) }
  return arrivalOf(pushRequest(fields, sealing))
}

export const accountOf = (mode: CallbackSettings['mode'], change: Partial<CallbackAccount> = {}) => ({
  appid,
  callback: settingsOf(mode),
  ...change,
})

export const read = (
  { query, body }: Arrival,
  mode: CallbackSettings['mode'],
  { account = {}, now = testStart }: { account?: Partial<CallbackAccount>; now?: number } = {},
): CallbackReading => readCallback({ account: accountOf(mode, account), query, body, now })
