/** custom/send: customer-service messages (客服消息), within the window that an interaction of the user opens. */
import { acceptMessage, type Draft, paceErrcode, permissionErrcode, wordsErrcode } from './acceptance.ts'
import type { Account, AccountKind } from './account.ts'
import { textField } from './call.ts'
import { contentOf } from './content.ts'
import { type Reply, success } from './reply.ts'
import { type Business, businessRoute, type Route } from './route.ts'
import { openidErrcode } from './send.ts'
import type { World } from './world.ts'

export const customSendPath = '/cgi-bin/message/custom/send'

export const customSendRoute = (world: World): Route =>
  businessRoute(world, { path: customSendPath, sends: true, handle: (business) => send(world, business) })

/** The fields that a payload must have, by msgtype. */
type Payloads = Readonly<Record<string, readonly string[]>>

/** By kind of account (D). */
const payloads: Readonly<Record<Exclude<AccountKind, 'component'>, Payloads>> = {
  official: {
    text: ['content'],
    image: ['media_id'],
    voice: ['media_id'],
    video: ['media_id'],
    music: ['musicurl'],
    news: ['articles'],
    mpnews: ['media_id'],
    mpnewsarticle: ['article_id'],
    msgmenu: ['list'],
    wxcard: ['card_id'],
    miniprogrampage: ['title', 'appid', 'pagepath', 'thumb_media_id'],
  },
  miniprogram: {
    text: ['content'],
    image: ['media_id'],
    link: ['title', 'url'],
    miniprogrampage: ['title', 'pagepath', 'thumb_media_id'],
  },
}

const send = (world: World, { call, account, json }: Business): Reply => {
  const { refuse } = world
  if (account.flags.customerBlocked) return refuse(45087)
  const unaddressed = openidErrcode(world, account, call)
  if (unaddressed !== 0) return refuse(unaddressed)
  const draft: Draft = {
    call,
    account,
    touser: call.touser ?? '',
    templateId: '',
    clientMsgId: null,
    content: contentOf(json),
    permission: { kind: 'window' },
    key: undefined,
    exclusive: false,
  }
  const errcode =
    world.switches.precedence === 'recipient-first'
      ? recipientErrcode(world, draft) || contentErrcode(world, draft, json)
      : contentErrcode(world, draft, json) || recipientErrcode(world, draft)
  if (errcode) return refuse(errcode)
  const { msgid } = acceptMessage(world, draft)
  // The answer is documented without a msgid.
  return { ...success(), msgid }
}

/** Whoever does not follow an official account any more has closed the window too (45015, D). */
const recipientErrcode = (world: World, draft: Draft): number | undefined => {
  const { account, touser } = draft
  const { following, blocked, frozen } = world.recipients.stateOf(account.appid, touser)
  if (account.kind === 'official' && !following) return 45015
  if (blocked) return 48002
  if (frozen) return 50002
  return permissionErrcode(world, draft) || paceErrcode(world, draft)
}

const contentErrcode = (world: World, draft: Draft, json: Business['json']): number | undefined => {
  const msgtype = textField(json, 'msgtype') ?? ''
  const needed = payloadOf(draft.account, msgtype)
  if (needed === undefined) return isKnown(msgtype) ? 48008 : world.switches.unknownMsgtypeErrcode
  const payload = json[msgtype]
  const complete =
    typeof payload === 'object' &&
    payload !== null &&
    needed.every((field) => isThere((payload as Record<string, unknown>)[field]))
  if (!complete) return 40035
  return wordsErrcode(world, draft, draft.account.kind === 'miniprogram' ? 45168 : 40249)
}

const isThere = (field: unknown): boolean =>
  Array.isArray(field) ? field.length > 0 : typeof field === 'string' && field !== ''

/** A stranger of the "accept any" mode may send whatever anybody may. */
const payloadOf = ({ kind }: Account, msgtype: string): readonly string[] | undefined => {
  if (kind === 'official' || kind === 'miniprogram') return ownField(payloads[kind], msgtype)
  return ownField(payloads.official, msgtype) ?? ownField(payloads.miniprogram, msgtype)
}

const isKnown = (msgtype: string): boolean =>
  Object.values(payloads).some((types) => Object.hasOwn(types, msgtype))

const ownField = (types: Payloads, msgtype: string): readonly string[] | undefined =>
  Object.hasOwn(types, msgtype) ? types[msgtype] : undefined
