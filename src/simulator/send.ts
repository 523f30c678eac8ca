/**
 * The sending APIs that fill in a template: template/send and bizsend of official accounts, subscribe/send of
 * mini programs. The checks come in the order of precedence we assume (I); the first that fails is the answer.
 */
import { acceptMessage, type Draft, paceErrcode, permissionErrcode, wordsErrcode } from './acceptance.ts'
import type { Account, AccountKind } from './account.ts'
import { type Call, textField } from './call.ts'
import { dedupeKey } from './dedupe.ts'
import { accepted, type Reply } from './reply.ts'
import { type Business, businessRoute, type Route } from './route.ts'
import type { Switches } from './switches.ts'
import { dataFault, strangerDataFault, type Template } from './template.ts'
import type { World } from './world.ts'

export const templateSendPath = '/cgi-bin/message/template/send'
export const subscribeSendPath = '/cgi-bin/message/subscribe/send'
export const bizsendPath = '/cgi-bin/message/subscribe/bizsend'

interface SendApi {
  readonly path: string
  readonly kind: AccountKind
  /** The permission sets that allow it to a platform. */
  readonly funcs: readonly number[]
  /** Whether messages need a grant of the user, and take templates that are made for that. */
  readonly subscribed: boolean
  /** A banned template. */
  readonly bannedErrcode: 43116 | 43107
  /** Sensitive words. */
  readonly wordsErrcode: 45168 | 40249
  /** Whether the same client_msg_id is sent only once; subscribe/send has no such key (D). */
  readonly dedupes: (switches: Switches) => boolean
}

export const templateSend: SendApi = {
  path: templateSendPath,
  kind: 'official',
  funcs: [7, 100, 101],
  subscribed: false,
  bannedErrcode: 43116,
  wordsErrcode: 40249,
  dedupes: () => true,
}

export const subscribeSend: SendApi = {
  path: subscribeSendPath,
  kind: 'miniprogram',
  funcs: [18],
  subscribed: true,
  bannedErrcode: 43107,
  wordsErrcode: 45168,
  dedupes: () => false,
}

export const bizsend: SendApi = {
  path: bizsendPath,
  kind: 'official',
  funcs: [89],
  subscribed: true,
  bannedErrcode: 43107,
  wordsErrcode: 40249,
  dedupes: ({ bizsendDedupes }) => bizsendDedupes,
}

export const sendRoute = (world: World, api: SendApi): Route =>
  businessRoute(world, {
    path: api.path,
    kind: api.kind,
    sends: true,
    funcs: api.funcs,
    handle: (business) => send(world, api, business),
  })

interface Message extends Draft {
  readonly template: Template | undefined
  readonly json: Readonly<Record<string, unknown>>
}

const send = (world: World, api: SendApi, { call, account, json }: Business): Reply => {
  const { refuse, switches } = world
  const unaddressed = openidErrcode(world, account, call)
  if (unaddressed !== 0) return refuse(unaddressed)
  const { touser = '', templateId } = call
  const template = templateId === undefined ? undefined : account.templates.get(templateId)
  if (templateId === undefined) return refuse(40037)
  if (template === undefined && !(world.accounts.acceptAny && templateId !== ''))
    return refuse(templateId.length === templateIdLength ? 40037 : 40036)
  if (!api.subscribed && template?.source.type !== undefined) return refuse(40037)
  const clientMsgId = textField(json, 'client_msg_id') || null
  const guarded = clientMsgId !== null && api.dedupes(switches)
  const message: Message = {
    call,
    account,
    touser,
    templateId: template?.source.template_id ?? templateId,
    clientMsgId,
    content: json.data ?? null,
    permission: api.subscribed ? { kind: 'subscribe', templateId } : undefined,
    key: guarded ? dedupeKey(account.appid, touser, clientMsgId) : undefined,
    exclusive: api.path === subscribeSendPath,
    template,
    json,
  }
  const refusal = refusalOf(world, api, message)
  return refusal ?? deliver(world, message)
}

const templateIdLength = 43

/** Whom a message is for is looked at in the same way by every sending API. */
export const openidErrcode = (
  { accounts }: World,
  account: Account,
  { json, touser }: Pick<Call, 'json' | 'touser'>,
): 0 | 41009 | 40003 => {
  if (typeof json !== 'number' && json.touser === undefined) return 41009
  if (touser === '') return 41009
  return touser !== undefined && (accounts.acceptAny || account.openids.has(touser)) ? 0 : 40003
}

const refusalOf = (world: World, api: SendApi, message: Message): Reply | undefined => {
  const errcode = bannedErrcode(api, message)
  if (errcode !== undefined) return world.refuse(errcode)
  const recipientFirst = world.switches.precedence === 'recipient-first'
  return recipientFirst
    ? (recipientRefusal(world, api, message) ?? contentRefusal(world, api, message))
    : (contentRefusal(world, api, message) ?? recipientRefusal(world, api, message))
}

const bannedErrcode = (api: SendApi, { account: { flags }, templateId }: Message): number | undefined => {
  if (flags.bannedTemplates?.includes(templateId)) return api.bannedErrcode
  return api.subscribed && flags.subscribeBanned ? 43107 : undefined
}

const recipientRefusal = (world: World, api: SendApi, message: Message): Reply | undefined => {
  const errcode = recipientErrcode(world, api, message) ?? paceErrcode(world, message)
  return errcode === undefined ? undefined : world.refuse(errcode)
}

/** A mini program has neither followers nor a blacklist: every no of its users is a 43101. */
const recipientErrcode = (world: World, api: SendApi, message: Message): number | undefined => {
  const { account, touser, templateId } = message
  const state = world.recipients.stateOf(account.appid, touser)
  if (!api.subscribed && !state.following) return 43004
  if (state.blocked) return api.subscribed ? 43101 : 43019
  if (state.frozen) return 50002
  if (state.refuses.includes(templateId)) return 43101
  return permissionErrcode(world, message) || undefined
}

const contentRefusal = (world: World, api: SendApi, message: Message): Reply | undefined => {
  const errcode = targetErrcode(message)
  if (errcode !== undefined) return world.refuse(errcode)
  const fault = faultOfData(world, message)
  if (fault !== undefined) return world.refuse(47003, `argument invalid! ${fault}`)
  const word = wordsErrcode(world, message, api.wordsErrcode)
  return word === undefined ? undefined : world.refuse(word)
}

/** In bytes. That there is a limit is documented (40039), its value is not (I). */
const urlLimit = 2_048

/** Where a tap on the message leads to. */
export const targetErrcode = ({
  json,
  account: { flags, kind },
}: Pick<Message, 'json' | 'account'>): 40039 | 40165 | 40166 | 41030 | undefined => {
  const url = textField(json, 'url')
  if (url !== undefined && url.length > urlLimit / 4 && Buffer.byteLength(url) > urlLimit) return 40039
  const page = kind === 'miniprogram' ? textField(json, 'page') : undefined
  if (page && flags.pages !== undefined && !flags.pages.includes(pathOf(page))) return 41030
  const { miniprogram } = json
  if (typeof miniprogram !== 'object' || miniprogram === null) return undefined
  const { appid, pagepath } = miniprogram as Record<string, unknown>
  if (typeof appid !== 'string') return 40166
  if (flags.boundMiniprograms !== undefined && !flags.boundMiniprograms.includes(appid)) return 40166
  return pagepath === undefined || typeof pagepath === 'string' ? undefined : 40165
}

/** A page without its query. */
const pathOf = (page: string): string => page.split('?', 1)[0]!.replace(/^\//, '')

const faultOfData = ({ switches }: World, { account, template, json }: Message): string | undefined => {
  const { lengthUnit, nonStringValue, extraKeys } = switches
  const rules = { lengthUnit, nonStringValue, extraKeys, anyLength: account.flags.sandbox ?? false }
  return template === undefined ? strangerDataFault(json.data, rules) : dataFault(template, json.data, rules)
}

const deliver = (world: World, message: Message): Reply => {
  const earlier = message.key === undefined ? undefined : world.dedupe.find(message.key, message.call.at)
  if (earlier !== undefined) return repeated(world, earlier.msgid)
  return accepted(acceptMessage(world, message).msgid)
}

/** The user sees nothing new; what the caller is told is not documented. */
const repeated = ({ switches, refuse }: World, msgid: string): Reply => {
  switch (switches.repeatedClientMsgId) {
    case 'same-msgid':
      return accepted(msgid)
    case 'msgid-0':
      return accepted('0')
    case 'error':
      return refuse(44007)
  }
}
