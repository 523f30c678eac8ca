/**
 * Reads what WeChat answered to a send. Pure, and it never throws: whatever comes is one of the replies.
 *
 * WeChat answers with status 200 even when it refuses; any other status comes from gear in front of the API
 * and says nothing about the message. The content type is not to be trusted, so the body is read as UTF-8 in
 * any case. Shapes: `{"errcode":0,"errmsg":"ok","msgid":3248682510344192008}` and
 * `{"errcode":40003,"errmsg":"invalid openid rid: 65f0c1a2-0b3c4d5e-6f708192"}`.
 */
import type { Reply } from '../verdict.ts'

/** Nearly every reply is this one, byte for byte. What it matches, `readReply` reads the same way. */
const okReply = /^\{"errcode":0,"errmsg":"ok"(?:,"msgid":([1-9]\d{0,19}))?\}$/

/** What can come of a call that was made. */
export type CallReply = Extract<Reply, { kind: 'answered' | 'in-doubt' | 'not-sent' }>

const plainOk: CallReply = { kind: 'answered', errcode: 0, errmsg: 'ok' }
const junk: CallReply = { kind: 'in-doubt', error: 'junk-reply' }

/** What the answer to a send says. `bytes` is the whole body. */
export const parseReply = (status: number, bytes: Buffer): CallReply => {
  if (status !== 200) return { kind: 'in-doubt', error: statusReason(status) }
  const text = bytes.toString('utf8')
  const ok = okReply.exec(text)
  if (ok === null) return readReply(text)
  return ok[1] === undefined ? plainOk : { kind: 'answered', errcode: 0, errmsg: 'ok', msgid: ok[1] }
}

/** How a status that is not an answer is named: `http-502`, or `redirect`, which we never follow. */
export const statusReason = (status: number): string =>
  status >= 300 && status < 400 ? 'redirect' : `http-${status}`

/**
 * The JSON object in this text, if that is what it is. A byte order mark and white space around it do no
 * harm.
 */
export const parseObject = (text: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(text.trim())
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

/** An errcode: an integer, or the digits of one in quotes. */
export const parseErrcode = (value: unknown): number | undefined => {
  if (typeof value === 'string') return /^-?\d{1,15}$/.test(value) ? Number(value) + 0 : undefined
  // Adding 0 turns the -0 that JSON can spell into the 0 that it means.
  return typeof value === 'number' && Number.isSafeInteger(value) ? value + 0 : undefined
}

/**
 * Splits ` rid: …`, WeChat's number of the request, from the sentence before it; the sentence is kept short.
 */
export const parseErrmsg = (value: unknown): { readonly errmsg: string; readonly rid?: string } => {
  if (typeof value !== 'string') return { errmsg: '' }
  const rid = ridSuffix.exec(value)
  const errmsg = rid ? value.slice(0, rid.index) : value
  // Gear on the way may echo the address it was asked for, and our token is in it.
  const tidy = errmsg.replace(/access_token=[^&\s"']+/g, 'access_token=…')
  const short = tidy.slice(0, maxErrmsgChars).toWellFormed()
  return rid?.[1] === undefined ? { errmsg: short } : { errmsg: short, rid: rid[1] }
}

const ridSuffix = /,? rid: ?([0-9A-Za-z-]{1,64})\s*$/
const maxErrmsgChars = 300

const readReply = (text: string): CallReply => {
  const object = parseObject(text)
  if (object === undefined) return junk
  const msgid = readMsgid(text, object.msgid)
  // WeChat may leave `errcode` out when all is well, but then something has to say so.
  const errcode = object.errcode === undefined && msgid !== undefined ? 0 : parseErrcode(object.errcode)
  if (errcode === undefined) return junk
  const reply = { kind: 'answered', errcode, ...parseErrmsg(object.errmsg) } as const
  return msgid === undefined ? reply : { ...reply, msgid }
}

/**
 * The msgid as text. It is a 64-bit integer written as a bare number, which `JSON.parse` rounds: so the
 * digits come from the text, and the rounded number only tells which of several fields of that name is the
 * outermost. Zero, which WeChat sends for a repeat, is the number of no message.
 */
const readMsgid = (text: string, rounded: unknown): string | undefined => {
  if (typeof rounded !== 'number' && typeof rounded !== 'string') return undefined
  for (const [, digits = ''] of text.matchAll(/"msgid"\s*:\s*"?([1-9]\d{0,19})(?=["\s,}])/g))
    if (Number(digits) === Number(rounded)) return digits
  return undefined
}
