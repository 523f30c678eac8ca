import { type Errcode, errcodeOf } from './errcodes.ts'

/** What came back from one call. The kinds that concern a call never share a value. */
export type Reply =
  | {
      readonly kind: 'answered'
      readonly errcode: number
      readonly errmsg: string
      /** 64-bit integer as text. */
      readonly msgid?: string
      readonly rid?: string
    }
  /** No byte of the request left us: it was certainly not taken. */
  | { readonly kind: 'not-sent'; readonly error: string }
  /** The request, or part of it, left us, and no usable answer came: it may have been taken. */
  | { readonly kind: 'in-doubt'; readonly error: string }
  /** Of a webhook: it was not taken, and never will be. */
  | { readonly kind: 'rejected'; readonly error: string }
  /** Of a webhook: it was not taken, and may be later. */
  | { readonly kind: 'busy'; readonly error: string }
  /** There was no access token to call with, and will not be one before `until`. */
  | { readonly kind: 'no-token'; readonly error: string; readonly until: number; readonly errcode?: number }

/** What one reply means, before any policy has its say. */
export type Verdict =
  | { readonly kind: 'sent'; readonly msgid?: string }
  /** WeChat did not take the message; the row says what that asks of us. */
  | { readonly kind: 'refused'; readonly errcode: Errcode }
  /** WeChat says that it has this message already. */
  | { readonly kind: 'already-there'; readonly errcode: Errcode }
  /** WeChat may or may not have taken it. */
  | { readonly kind: 'in-doubt'; readonly reason: string }
  | { readonly kind: 'not-sent'; readonly reason: string }
  /** The receiver did not take it and never will. */
  | { readonly kind: 'rejected'; readonly reason: string }
  /** The receiver did not take it now. */
  | { readonly kind: 'busy'; readonly reason: string }
  | { readonly kind: 'no-token'; readonly reason: string; readonly until: number }

/** Total: every reply has exactly one meaning, and a code we have never met has a safe one. */
export const classify = (reply: Reply): Verdict => {
  switch (reply.kind) {
    case 'answered':
      return classifyErrcode(reply.errcode, reply.msgid)
    case 'not-sent':
    case 'in-doubt':
    case 'rejected':
    case 'busy':
      return { kind: reply.kind, reason: reply.error }
    case 'no-token':
      return { kind: 'no-token', reason: reasonOf(reply), until: reply.until }
  }
}

const classifyErrcode = (code: number, msgid: string | undefined): Verdict => {
  if (code === 0) return msgid === undefined ? { kind: 'sent' } : { kind: 'sent', msgid }
  const errcode = errcodeOf(code)
  if (errcode.ambiguous) return { kind: 'in-doubt', reason: errcodeReason(code) }
  return { kind: errcode.action === 'duplicate' ? 'already-there' : 'refused', errcode }
}

const reasonOf = (reply: Reply & { kind: 'no-token' }): string =>
  reply.errcode === undefined ? reply.error : errcodeReason(reply.errcode)

/** How a reason names an errcode: `errcode-43101`. */
export const errcodeReason = (code: number): string => `errcode-${code}`

/** The errcode that a reason names, if it names one. */
export const errcodeInReason = (reason: string): number | undefined => {
  const match = /^errcode-(-?\d+)$/.exec(reason)
  return match ? Number(match[1]) : undefined
}
