/**
 * Where WeChat pushes its events to. An event is answered with `success` only once what it means is on stable
 * storage; otherwise WeChat pushes it again, three times in all. It waits five seconds, so we answer within less.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { CallbackAccount, CallbackEvent, CallbackReader } from '../callback-event.ts'
import { noteOf } from '../callback-note.ts'
import type { Account, Directory } from '../directory.ts'
import type { Noted } from '../recipients.ts'
import { type RouteParts, rawBody } from './gateway.ts'
import { Problem } from './problems.ts'

export interface CallbackParts {
  readonly reader: CallbackReader
  /** What concerns a third-party platform itself: its tickets, and who has authorised it. Resolves once it is kept. */
  readonly onPlatformEvent: (account: Account, event: CallbackEvent) => Promise<void>
}

/** Bodies are small; an encrypted one is a third larger than what it says. */
const bodyLimit = 64 * 1024
/** WeChat hangs up after five seconds and pushes again; to say so ourselves tells more. */
const answerWithinMs = 4500
/** Operations waiting for the disk, beyond which an event is better pushed again later. */
const maxPending = 50_000

export const callbackRoutes = (app: FastifyInstance, parts: RouteParts): void => {
  app.register(async (routes) => {
    routes.removeAllContentTypeParsers()
    routes.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    routes.setErrorHandler((error, request, reply) => {
      const { statusCode = 500 } = error as { statusCode?: number }
      refuse(parts, accountName(request), statusCode < 500 ? 'unreadable' : 'failed')
      if (statusCode >= 500) parts.reportFault(faultOf(error), request)
      return bare(reply, statusCode)
    })
    routes.get('/callbacks/:account', { schema: checkSchema }, async (request, reply) =>
      checkUrl(request, reply, parts),
    )
    routes.post('/callbacks/:account', { schema: pushSchema, bodyLimit }, async (request, reply) =>
      take(request, reply, parts),
    )
  })
}

const checkUrl = (request: FastifyRequest, reply: FastifyReply, parts: RouteParts): FastifyReply => {
  const account = accountOf(request, parts.directory)
  if (account?.callback === undefined) return refused(reply, parts, accountName(request), 'no-callbacks')
  const checked = parts.callbacks.reader.checkUrl({
    settings: account.callback,
    query: request.query as Readonly<Record<string, unknown>>,
  })
  if (checked.kind === 'refused') return refused(reply, parts, account.appid, checked.code)
  return plain(reply).send(checked.echostr)
}

const take = async (
  request: FastifyRequest,
  reply: FastifyReply,
  parts: RouteParts,
): Promise<FastifyReply> => {
  const { clock, directory, observer, callbacks } = parts
  const account = accountOf(request, directory)
  if (account?.callback === undefined) return refused(reply, parts, accountName(request), 'no-callbacks')
  const query = request.query as Readonly<Record<string, unknown>>
  const reading = callbacks.reader.readCallback({
    account: callbackAccountOf(account),
    query,
    body: rawBody(request),
    now: clock.now(),
  })
  if (reading.kind === 'refused') {
    if (reading.alarm !== undefined) alarm(parts, account, reading.alarm)
    return refused(reply, parts, account.appid, reading.code, reading.status)
  }
  if (reading.kind === 'ignored') {
    observer.observe({ kind: 'callback', account: account.appid, result: 'ignored', what: reading.why })
    return plain(reply).send('success')
  }
  if (parts.pending() > maxPending) return failed(reply, parts, account)
  const requestKey = `${String(query.timestamp)} ${String(query.nonce)}`
  const kept = Promise.all(
    [reading.event, ...reading.more].map((event, index) =>
      keep({ account, event, authentic: reading.authentic, requestKey: `${requestKey} ${index}` }, parts),
    ),
  )
  return (await within(kept, parts)) ? plain(reply).send('success') : failed(reply, parts, account)
}

/** Takes note of one event and tells what became of it. */
const keep = async (
  arrival: Parameters<typeof noteOf>[0],
  { recipients, observer, callbacks }: RouteParts,
): Promise<void> => {
  const { account, event, authentic } = arrival
  const note = noteOf(arrival)
  // What WeChat tells a platform is always encrypted; unsigned, it could end the authorisation of every account.
  if (note === undefined && authentic) await callbacks.onPlatformEvent(account, event)
  const noted: Noted = note === undefined ? { kind: 'taken', released: 0 } : await recipients.note(note)
  const what = event.kind === 'other' ? event.event.slice(0, 64) : event.kind
  observer.observe({ kind: 'callback', account: account.appid, result: noted.kind, what })
  if (noted.kind === 'taken' && noted.sharpened) observer.observe({ kind: 'sharpened', ...noted.sharpened })
}

/** Whether it came to a good end in time. What is late goes on: its keys keep a repeat from counting twice. */
const within = async (work: Promise<unknown>, { observer, clock }: RouteParts): Promise<boolean> => {
  const answered = new AbortController()
  const result = await Promise.race([
    work.then(
      () => true,
      (error: unknown) => {
        observer.observe({ kind: 'alert', code: 'callback-failed', detail: String(error) })
        return false
      },
    ),
    clock.sleep(answerWithinMs, answered.signal).then(() => false),
  ])
  answered.abort()
  return result
}

/** By appid; or by a name, while only one account has it. */
const accountOf = (request: FastifyRequest, directory: Directory): Account | undefined => {
  const name = accountName(request)
  return directory.account(name) ?? directory.onlyAccountNamed(name)
}

const accountName = (request: FastifyRequest): string => (request.params as { account: string }).account

const callbackAccountOf = ({ appid, callback, authorizedBy }: Account): CallbackAccount => ({
  appid,
  callback: callback!,
  ...(authorizedBy && { componentAppid: authorizedBy.component }),
})

const alarm = ({ observer }: RouteParts, { appid }: Account, what: string): void =>
  observer.observe({
    kind: 'alert',
    code: `callback-${what}`,
    account: appid,
    detail:
      alarms[what] ?? 'A callback was refused; compare the account’s callback settings with WeChat’s console',
  })

const alarms: Readonly<Record<string, string>> = {
  downgraded:
    'A callback came unencrypted although the account’s mode is compat or safe: somebody forges it, or the mode was changed in WeChat’s console',
  encrypted:
    'A callback came encrypted although the account’s mode is plain: set the mode and the EncodingAESKey',
  'not-ours':
    'A callback with the right token could not be opened: the EncodingAESKey or the appid is another one than in WeChat’s console',
}

const refuse = ({ observer }: RouteParts, account: string, what: string): void =>
  observer.observe({ kind: 'callback', account: account.slice(0, 64), result: 'refused', what })

/** Nothing is told to who cannot prove to be WeChat. */
const refused = (
  reply: FastifyReply,
  parts: RouteParts,
  account: string,
  what: string,
  status = 403,
): FastifyReply => {
  refuse(parts, account, what)
  return bare(reply, status)
}

const failed = (reply: FastifyReply, { observer }: RouteParts, { appid }: Account): FastifyReply => {
  observer.observe({ kind: 'callback', account: appid, result: 'failed', what: 'not-kept' })
  return bare(reply, 503)
}

const bare = (reply: FastifyReply, status: number): FastifyReply => plain(reply).code(status).send('')

const plain = (reply: FastifyReply): FastifyReply =>
  reply.type('text/plain; charset=utf-8').header('X-Content-Type-Options', 'nosniff')

const faultOf = (cause: unknown): Problem => new Problem('internal', { cause })

const tags = ['callbacks']

const checkSchema = {
  tags,
  summary: 'WeChat checks the address: answers the echo',
  description: 'The address to enter in WeChat’s console. Authenticated by WeChat’s own signature.',
}

const pushSchema = { tags, summary: 'WeChat pushes an event, plain or encrypted, XML or JSON' }
