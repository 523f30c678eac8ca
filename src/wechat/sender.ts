/** The way to WeChat over HTTP: a message's body, its channel's path and its account's token. */
import { channelTraits } from '../channels.ts'
import type { Clock } from '../clock.ts'
import type { Account } from '../directory.ts'
import { errcodeOf } from '../errcodes.ts'
import type { Attempt, Channel } from '../message.ts'
import type { DeliveredMessage } from '../queue.ts'
import type { Sender, Sending } from '../sender.ts'
import type { Sent, WechatClient } from './client.ts'
import type { TokenResult } from './token.ts'
import type { TokenCentre } from './token-centre.ts'

export interface SenderParts {
  readonly client: Pick<WechatClient, 'send' | 'close'>
  readonly tokens: TokenCentre
  readonly accountOf: (appid: string) => Account | undefined
  readonly clock: Clock
}

/**
 * One `send` takes at most four times as long as one call may: it may wait for a token, call, wait for
 * another token and call again.
 */
export const createSender = ({ client, tokens, accountOf, clock }: SenderParts): Sender => {
  const pathOf = createPaths()

  const post = (message: DeliveredMessage, token: string): Promise<Sent> =>
    client.send(pathOf(message.account, message.channel, token), message.body)

  const sendWith = async (message: DeliveredMessage, token: string): Promise<Sending> => {
    const sent = await post(message, token)
    if (isTaken(sent)) tokens.accepted(message.account, token)
    else if (isAboutToken(sent)) return sendAgain(message, token, sent)
    return { reply: sent.reply, attempts: [attemptOf(sent)] }
  }

  const sendAgain = async (message: DeliveredMessage, rejected: string, first: Sent): Promise<Sending> => {
    const result = await tokens.heal(message.account, rejected, first.startedAt)
    if (result.kind === 'unavailable') return withoutToken(result, [attemptOf(first)])
    const sent = await post(message, result.token)
    if (isTaken(sent)) tokens.accepted(message.account, result.token)
    // This message has had its repeat; the next one is to find a token that works.
    else if (isAboutToken(sent)) void tokens.heal(message.account, result.token, sent.startedAt)
    return { reply: sent.reply, attempts: [attemptOf(first), attemptOf(sent)] }
  }

  const fetchAndSend = async (message: DeliveredMessage): Promise<Sending> => {
    const result = await tokens.get(message.account)
    return result.kind === 'token' ? sendWith(message, result.token) : withoutToken(result, [])
  }

  return {
    send(message) {
      if (accountOf(message.account) === undefined) return Promise.resolve(unknownSending(clock.now()))
      const token = tokens.current(message.account)
      return token === undefined ? fetchAndSend(message) : sendWith(message, token)
    },
    close: () => client.close(),
  }
}

const isTaken = ({ reply }: Sent): boolean => reply.kind === 'answered' && reply.errcode === 0

const isAboutToken = ({ reply }: Sent): boolean =>
  reply.kind === 'answered' && errcodeOf(reply.errcode).action === 'token'

const attemptOf = ({ reply, startedAt, endedAt }: Sent): Attempt => {
  if (reply.kind !== 'answered') return { startedAt, endedAt, outcome: reply.kind, error: reply.error }
  const { errcode, errmsg, rid } = reply
  if (errcode === 0 && rid === undefined) return { startedAt, endedAt, outcome: 'answered', errcode }
  return {
    startedAt,
    endedAt,
    outcome: 'answered',
    errcode,
    ...(errcode !== 0 && { errmsg }),
    ...(rid !== undefined && { rid }),
  }
}

const withoutToken = (
  result: TokenResult & { kind: 'unavailable' },
  attempts: readonly Attempt[],
): Sending => ({
  reply: { ...result, kind: 'no-token' },
  attempts,
})

const unknownSending = (now: number): Sending => ({
  reply: { kind: 'no-token', error: 'account-unknown', until: now + 60_000 },
  attempts: [],
})

interface Paths {
  readonly token: string
  readonly byChannel: Map<Channel, string>
}

/**
 * Full paths by account, made anew when its token changes: a token is escaped once, not for every message.
 */
const createPaths = (): ((appid: string, channel: Channel, token: string) => string) => {
  const byAccount = new Map<string, Paths>()
  return (appid, channel, token) => {
    let paths = byAccount.get(appid)
    if (paths?.token !== token) {
      paths = { token, byChannel: new Map() }
      byAccount.set(appid, paths)
    }
    const known = paths.byChannel.get(channel)
    if (known !== undefined) return known
    const path = `${channelTraits[channel].path}?access_token=${encodeURIComponent(token)}`
    paths.byChannel.set(channel, path)
    return path
  }
}
