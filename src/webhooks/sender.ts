/** Posts messages of the channel `webhook` to the tenant's own address, signed, and reads what the status means. */
import { Agent, type Dispatcher, request } from 'undici'
import type { Clock } from '../clock.ts'
import type { Account } from '../directory.ts'
import type { Attempt } from '../message.ts'
import type { DeliveredMessage } from '../queue.ts'
import type { Sender, Sending } from '../sender.ts'
import type { Reply } from '../verdict.ts'
import { webhookHeaders } from '../webhook-signature.ts'
import { blockedAddress, type WebhookAddresses } from './address.ts'

export interface WebhookSenderParts {
  readonly accountOf: (appid: string) => Account | undefined
  readonly addresses: WebhookAddresses
  readonly clock: Clock
  /** How long one post may take, from the lookup of the name to the last byte; milliseconds. Less than a lease. */
  readonly timeoutMs: number
}

const connectTimeoutMs = 5000
/** Nothing of an answer is of use; more than this is not read. */
const maxReplyBytes = 16 * 1024
/** Per address; more messages wait in line within their time. */
const connectionsPerAddress = 16

export const createWebhookSender = (parts: WebhookSenderParts): Sender => {
  const { accountOf, addresses, clock, timeoutMs } = parts
  const agent = new Agent({
    connections: connectionsPerAddress,
    pipelining: 1,
    allowH2: false,
    maxResponseSize: maxReplyBytes,
    connect: { timeout: connectTimeoutMs, lookup: addresses.lookup, rejectUnauthorized: true },
  })

  const post = async (message: DeliveredMessage, { url, secret }: Account): Promise<Reply> => {
    const fault = addresses.fault(url!)
    if (fault !== undefined) return { kind: 'rejected', error: 'blocked-address' }
    const timestamp = Math.floor(clock.now() / 1000)
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'Hongyan',
      ...webhookHeaders([secret], { id: message.id, timestamp, body: message.body }),
    }
    const { answer, begun } = watched(agent)
    try {
      const { statusCode, body } = await request(url!, {
        method: 'POST',
        headers,
        body: message.body,
        dispatcher: answer,
        signal: AbortSignal.timeout(timeoutMs),
      })
      await body.dump({ limit: maxReplyBytes }).catch(() => {})
      return replyOf(statusCode)
    } catch (error) {
      return failureOf(error, begun())
    }
  }

  return {
    async send(message): Promise<Sending> {
      const account = accountOf(message.account)
      const startedAt = clock.now()
      if (account?.url === undefined) return { reply: unknownAccount(startedAt), attempts: [] }
      const reply = await post(message, account)
      return { reply, attempts: [attemptOf(reply, startedAt, clock.now())] }
    },
    close: () => agent.close(),
  }
}

/** Tells whether a request was begun: until then nothing of it has left us. */
const watched = (agent: Agent): { readonly answer: Dispatcher; readonly begun: () => boolean } => {
  let begun = false
  const answer = agent.compose(
    (dispatch) => (options, handler) =>
      dispatch(options, {
        ...delegating(handler),
        onRequestStart(controller, context) {
          begun = true
          handler.onRequestStart?.(controller, context)
        },
      }),
  )
  return { answer, begun: () => begun }
}

const delegating = (handler: Dispatcher.DispatchHandler): Dispatcher.DispatchHandler => ({
  onRequestUpgrade: (...args) => handler.onRequestUpgrade?.(...args),
  onResponseStart: (...args) => handler.onResponseStart?.(...args),
  onResponseData: (...args) => handler.onResponseData?.(...args),
  onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
  onResponseError: (...args) => handler.onResponseError?.(...args),
})

/** Statuses that ask to come back later, and say that the message was not taken. */
const busyStatuses: ReadonlySet<number> = new Set([408, 425, 429])

/** Redirects are not followed. After a 5xx nobody knows whether the message was taken; its id makes a repeat safe. */
const replyOf = (status: number): Reply => {
  if (status >= 200 && status < 300) return { kind: 'answered', errcode: 0, errmsg: 'ok' }
  if (status >= 500) return { kind: 'in-doubt', error: `http-${status}` }
  if (busyStatuses.has(status)) return { kind: 'busy', error: `http-${status}` }
  return { kind: 'rejected', error: status >= 300 && status < 400 ? 'redirect' : `http-${status}` }
}

const failureOf = (error: unknown, begun: boolean): Reply => {
  const { name, code, cause } = error as { name?: string; code?: string; cause?: { code?: string } }
  if (code === blockedAddress || cause?.code === blockedAddress)
    return { kind: 'rejected', error: 'blocked-address' }
  const late = name === 'TimeoutError' || name === 'AbortError'
  if (begun) return { kind: 'in-doubt', error: late ? 'timeout' : 'connection-lost' }
  return { kind: 'not-sent', error: late ? 'timeout' : 'connect' }
}

const unknownAccount = (now: number): Reply => ({
  kind: 'no-token',
  error: 'account-unknown',
  until: now + 60_000,
})

const attemptOf = (reply: Reply, startedAt: number, endedAt: number): Attempt => {
  switch (reply.kind) {
    case 'answered':
      return { startedAt, endedAt, outcome: 'answered', errcode: reply.errcode }
    case 'busy':
    case 'rejected':
      return { startedAt, endedAt, outcome: 'answered', error: reply.error }
    case 'in-doubt':
    case 'not-sent':
      return { startedAt, endedAt, outcome: reply.kind, error: reply.error }
    case 'no-token':
      return { startedAt, endedAt, outcome: 'not-sent', error: reply.error }
  }
}
