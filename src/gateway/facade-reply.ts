/** Answers in WeChat's own shape: HTTP status 200 whatever happens, the outcome in the JSON. */
import { randomBytes } from 'node:crypto'
import type { FastifyReply } from 'fastify'
import type { Clock } from '../clock.ts'
import { errcodeOf } from '../errcodes.ts'

/** As WeChat names it, `encoding` for `charset`. Its clients are used to it. */
const contentType = 'application/json; encoding=utf-8'

/** A refusal of the facade. `text` stands in place of the usual errmsg. */
export class Refusal extends Error {
  readonly errcode: number
  constructor(errcode: number, text = errcodeOf(errcode).errmsg) {
    super(text)
    this.name = 'Refusal'
    this.errcode = errcode
  }
}

export interface Answers {
  /** What WeChat answers when it refuses: `{"errcode":…,"errmsg":"… rid: …"}`. */
  refuse(reply: FastifyReply, refusal: Refusal): FastifyReply
  /** The msgid is written as a bare number out of its text: no JavaScript number could carry it. */
  accept(reply: FastifyReply, msgid: string): FastifyReply
  /** A success of a token API has no errcode. */
  token(reply: FastifyReply, token: { readonly text: string; readonly lifeSeconds: number }): FastifyReply
}

export const createAnswers = (clock: Clock): Answers => {
  const newRid = createRids(clock)
  return {
    refuse: (reply, { errcode, message }) =>
      send(reply, JSON.stringify({ errcode, errmsg: `${message} rid: ${newRid()}` })),
    accept: (reply, msgid) => send(reply, `{"errcode":0,"errmsg":"ok","msgid":${msgid}}`),
    token: (reply, { text, lifeSeconds }) =>
      send(reply, JSON.stringify({ access_token: text, expires_in: lifeSeconds })),
  }
}

/** Bytes go out under the Content-Type that is set; to a text the framework would add a charset. */
const send = (reply: FastifyReply, body: string): FastifyReply =>
  reply.code(200).header('Content-Type', contentType).send(Buffer.from(body))

/** Three groups of eight hex digits, the first of which is the Unix time, as WeChat's are. */
const createRids = (clock: Clock): (() => string) => {
  const run = randomBytes(4).toString('hex')
  let count = 0
  return () => {
    count = (count + 1) >>> 0
    return `${hex8(clock.now() / 1000)}-${hex8(count)}-${run}`
  }
}

const hex8 = (n: number): string => (n >>> 0).toString(16).padStart(8, '0')
