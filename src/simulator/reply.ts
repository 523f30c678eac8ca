import { errcodeOf } from '../errcodes.ts'

/** What WeChat makes of one call: the JSON it answers, and what was accepted. */
export interface Reply {
  /** 0 for a success, even where the body does not say so. */
  readonly errcode: number
  readonly body: string
  /** Of the message that was accepted by this call. */
  readonly msgid?: string
}

/** Makes a refusal; `text` replaces the usual errmsg. WeChat puts the request's id behind it, so no two are equal (C). */
export type Refusals = (errcode: number, text?: string) => Reply

export const createRefusals =
  (newRid: (nowMs: number) => string, now: () => number): Refusals =>
  (errcode, text = errcodeOf(errcode).errmsg) => ({
    errcode,
    body: JSON.stringify({ errcode, errmsg: `${text} rid: ${newRid(now())}` }),
  })

/** `{"errcode":0,"errmsg":"ok",…}` */
export const success = (fields: object = {}): Reply => ({
  errcode: 0,
  body: JSON.stringify({ errcode: 0, errmsg: 'ok', ...fields }),
})

/** The msgid is written as a bare number out of its text: no JavaScript number could carry it. */
export const accepted = (msgid: string): Reply => ({
  errcode: 0,
  body: `{"errcode":0,"errmsg":"ok","msgid":${msgid}}`,
  msgid,
})
