/** A send of the facade: the same acceptance as `POST /v1/messages`, and an answer only once it is durable. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { channelTraits } from '../channels.ts'
import type { Account } from '../directory.ts'
import { facadeMsgid } from '../facade-msgid.ts'
import { type Channel, facadeKey, type Message, type MessageId } from '../message.ts'
import { type AcceptOptions, acceptMessage } from './accept.ts'
import { missingKey } from './facade-errcodes.ts'
import { type FacadeInput, facadeInput } from './facade-input.ts'
import { type Answers, Refusal } from './facade-reply.ts'
import type { FacadeTokens } from './facade-token.ts'
import { unconfirmed } from './failures.ts'
import type { RouteParts } from './gateway.ts'
import { checkTexts, parseLenientJson } from './json.ts'
import { queryText } from './query.ts'
import { refuseOverload } from './send.ts'

export interface FacadeParts extends RouteParts {
  readonly tokens: FacadeTokens
  readonly answers: Answers
  /** Whether this number has not just been given to another message. */
  readonly isNewMsgid: (id: MessageId, msgid: string) => boolean
}

export const facadeSend = (parts: FacadeParts, channel: Channel) => {
  const { queue, observer, answers, isNewMsgid } = parts

  const numbered = (accept: () => Message): { readonly message: Message; readonly msgid: string } => {
    for (;;) {
      const message = accept()
      const msgid = facadeMsgid(message.id)
      if (isNewMsgid(message.id, msgid)) return { message, msgid }
    }
  }

  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const account = callerOf(request, parts)
    if (!channelTraits[channel].accountKinds.includes(account.kind)) throw new Refusal(48001)
    refuseOverload(parts)
    parts.acceptRate.admit(account.tenant, reply)
    const body = request.body as Buffer | undefined
    if (body === undefined || body.length === 0) throw new Refusal(44002)
    const value = parseLenientJson(body)
    const { message, msgid } = numbered(() => messageOf(value, { account, channel, parts }))
    const [publication] = await queue.publish([message]).catch((error) => {
      throw unconfirmed(error)
    })
    // Under WeChat's key the first message stands, whatever the later ones say.
    if (publication!.kind !== 'accepted') return answers.accept(reply, facadeMsgid(publication!.id))
    observer.observe({ kind: 'accepted', ids: [message.id] })
    return answers.accept(reply, msgid)
  }
}

/** What WeChat answers for an account that it has frozen, and we for one whose tenant is disabled. */
export const frozen = 50007

const callerOf = (request: FastifyRequest, { tokens, clock, directory }: FacadeParts): Account => {
  const token = queryText(request, 'access_token')
  if (token === undefined) throw new Refusal(41001)
  const account = tokens.check(token, clock.now())
  if (typeof account === 'number') throw new Refusal(account)
  if (directory.tenant(account.tenant)?.disabled) throw new Refusal(frozen)
  return account
}

interface Context {
  readonly account: Account
  readonly channel: Channel
  readonly parts: FacadeParts
}

const messageOf = (value: unknown, { account, channel, parts }: Context): Message => {
  const { input, clientMsgId } = facadeInput(value, account, channel)
  checkTexts(input)
  const { directory, clock, defaultLifeMs } = parts
  const message = accept(input, { directory, tenant: account.tenant, now: clock.now(), defaultLifeMs })
  if (clientMsgId === undefined) return message
  // One fingerprint for all: like WeChat we go by the key alone and do not compare bodies.
  return { ...message, clientMsgId, idempotency: { key: facadeKey(clientMsgId, message), fingerprint: '' } }
}

const accept = (input: FacadeInput['input'], options: AcceptOptions): Message => {
  try {
    return acceptMessage(input, options)
  } catch (error) {
    throw missingKey(error, input.data ?? {}) ?? error
  }
}

/** Keeps the numbers of one millisecond: those of another one differ anyhow. */
export const createRecentMsgids = (): FacadeParts['isNewMsgid'] => {
  let moment = ''
  const given = new Set<string>()
  return (id, msgid) => {
    const now = id.slice('msg_'.length, 'msg_'.length + 12)
    if (now !== moment) given.clear()
    moment = now
    if (given.has(msgid)) return false
    given.add(msgid)
    return true
  }
}
