/** How a call ends on the wire: with WeChat's answer, with something else, or with nothing. */
import type { FaultRule, Junk } from './faults.ts'
import type { Reply } from './reply.ts'

export type Ending =
  | { readonly kind: 'answer'; readonly status: number; readonly type: EndingType; readonly body: string }
  /** The socket stays open without a word. */
  | { readonly kind: 'hang' }
  /** The socket is reset. */
  | { readonly kind: 'reset' }

/** `api` is the content type of WeChat's answers; a redirect is a page with a Location. */
export type EndingType = 'api' | 'html' | 'redirect'

export interface Outcome {
  readonly ending: Ending
  /** What the answer said, or `null`. */
  readonly errcode: number | null
  /** Of the message that was accepted, whether the caller learns of it or not. */
  readonly msgid: string | null
}

/** The call as it goes when nothing is wrong. */
export const plainOutcome = (reply: Reply): Outcome => ({
  ending: { kind: 'answer', status: 200, type: 'api', body: reply.body },
  errcode: reply.errcode,
  msgid: reply.msgid ?? null,
})

export interface Stage {
  /** Lets the call take effect, once. */
  readonly act: () => Reply
  readonly refuse: (errcode: number) => Reply
  /** Whether a call answered with -1 is accepted all the same. */
  readonly busyDelivers: () => boolean
}

/** Plays a fault on a call. */
export const faultyOutcome = ({ misbehaviour }: FaultRule, stage: Stage): Outcome => {
  switch (misbehaviour.kind) {
    case 'latency':
      return plainOutcome(stage.act())
    case 'errcode': {
      const behind = misbehaviour.errcode === -1 && stage.busyDelivers() ? stage.act() : undefined
      return { ...plainOutcome(stage.refuse(misbehaviour.errcode)), msgid: behind?.msgid ?? null }
    }
    case 'hang':
    case 'reset': {
      const behind = misbehaviour.when === 'after' ? stage.act() : undefined
      return { ending: { kind: misbehaviour.kind }, errcode: null, msgid: behind?.msgid ?? null }
    }
    case 'junk':
      return junkOutcome(misbehaviour.junk, stage.act)
  }
}

const junkOutcome = (junk: Junk, act: () => Reply): Outcome => {
  switch (junk) {
    case 'html-502':
      return page(502, 'html', gatewayPage)
    case 'html-200':
      return page(200, 'html', gatewayPage)
    case 'redirect':
      return page(302, 'redirect', gatewayPage)
    case 'huge':
      return page(200, 'html', gatewayPage.padEnd(hugeLength, '\n'))
    case 'no-errcode':
      return distorted(act(), (body) => body.replace('"errcode":0,"errmsg":"ok",', ''))
    case 'string-errcode':
      return distorted(act(), (body) => body.replace(/"errcode":(-?\d+)/, '"errcode":"$1"'))
    case 'cut-json':
      return { ...distorted(act(), (body) => body.slice(0, body.length / 2)), errcode: null }
  }
}

const distorted = (reply: Reply, distort: (body: string) => string): Outcome =>
  plainOutcome({ ...reply, body: distort(reply.body) })

const page = (status: number, type: EndingType, body: string): Outcome => ({
  ending: { kind: 'answer', status, type, body },
  errcode: null,
  msgid: null,
})

const hugeLength = 8_000_000

const gatewayPage = `<html>
<head><title>502 Bad Gateway</title></head>
<body><center><h1>502 Bad Gateway</h1></center></body>
</html>
`
