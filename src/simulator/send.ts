/**
 * The two sending APIs: template/send of official accounts and subscribe/send of mini programs.
 * The checks come in the order of precedence we assume (I); the first that fails is the answer.
 */
import type { Account, AccountKind } from './account.ts'
import { textField } from './call.ts'
import { dedupeKey } from './dedupe.ts'
import type { Effect } from './effects.ts'
import { accepted, type Reply } from './reply.ts'
import { type Business, businessRoute, type Route } from './route.ts'
import { dataFault, strangerDataFault, type Template } from './template.ts'
import type { World } from './world.ts'

export const templateSendPath = '/cgi-bin/message/template/send'
export const subscribeSendPath = '/cgi-bin/message/subscribe/send'

interface SendApi {
  readonly path: string
  readonly kind: AccountKind
  /** A banned template. */
  readonly bannedErrcode: 43116 | 43107
  /** Whether the same client_msg_id is sent only once; subscribe/send has no such key (D). */
  readonly dedupes: boolean
}

export const templateSend: SendApi = {
  path: templateSendPath,
  kind: 'official',
  bannedErrcode: 43116,
  dedupes: true,
}

export const subscribeSend: SendApi = {
  path: subscribeSendPath,
  kind: 'miniprogram',
  bannedErrcode: 43107,
  dedupes: false,
}

export const sendRoute = (world: World, api: SendApi): Route =>
  businessRoute(world, {
    path: api.path,
    kind: api.kind,
    handle: (business) => send(world, api, business),
  })

interface Message {
  readonly account: Account
  readonly touser: string
  readonly templateId: string
  readonly template: Template | undefined
  readonly json: Readonly<Record<string, unknown>>
}

const send = (world: World, api: SendApi, { call, account, json }: Business): Reply => {
  const { refuse } = world
  const { touser, templateId } = call
  if (json.touser === undefined || touser === '') return refuse(41009)
  if (touser === undefined || !knowsOpenid(world, account, touser)) return refuse(40003)
  const template = templateId === undefined ? undefined : account.templates.get(templateId)
  if (templateId === undefined) return refuse(40037)
  if (template === undefined && !(world.accounts.acceptAny && templateId !== ''))
    return refuse(templateId.length === templateIdLength ? 40037 : 40036)
  const message: Message = { account, touser, templateId, template, json }
  const errcode = bannedErrcode(api, message) ?? recipientErrcode(world, api, message) ?? targetErrcode(json)
  if (errcode !== undefined) return refuse(errcode)
  const fault = faultOfData(world, message)
  if (fault !== undefined) return refuse(47003, `argument invalid! ${fault}`)
  return accept(world, api, message, call.at)
}

const templateIdLength = 43

const knowsOpenid = ({ accounts }: World, account: Account, touser: string): boolean =>
  accounts.acceptAny || account.openids.has(touser)

const bannedErrcode = (api: SendApi, { account: { flags }, templateId }: Message): number | undefined => {
  if (flags.bannedTemplates?.includes(templateId)) return api.bannedErrcode
  return api.kind === 'miniprogram' && flags.subscribeBanned ? 43107 : undefined
}

/** A mini program has neither followers nor a blacklist: every no of its users is a 43101. */
const recipientErrcode = (world: World, api: SendApi, message: Message): number | undefined => {
  const { appid } = message.account
  const { touser, templateId } = message
  const state = world.recipients.stateOf(appid, touser)
  const official = api.kind === 'official'
  if (official && !state.following) return 43004
  if (state.blocked) return official ? 43019 : 43101
  if (state.frozen) return 50002
  if (state.refuses.includes(templateId)) return 43101
  return official || world.grants.allows(appid, touser, templateId) ? undefined : 43101
}

/** In bytes. That there is a limit is documented (40039), its value is not (I). */
const urlLimit = 2_048

const targetErrcode = (json: Readonly<Record<string, unknown>>): 40039 | 40166 | undefined => {
  const url = textField(json, 'url')
  if (url !== undefined && url.length > urlLimit / 4 && Buffer.byteLength(url) > urlLimit) return 40039
  const { miniprogram } = json
  if (typeof miniprogram !== 'object' || miniprogram === null) return undefined
  return 'appid' in miniprogram && typeof miniprogram.appid === 'string' ? undefined : 40166
}

const faultOfData = ({ switches }: World, { account, template, json }: Message): string | undefined => {
  const rules = { ...switches, anyLength: account.flags.sandbox ?? false }
  return template === undefined ? strangerDataFault(json.data, rules) : dataFault(template, json.data, rules)
}

const accept = (world: World, api: SendApi, message: Message, at: number): Reply => {
  const { appid } = message.account
  const { touser, templateId, template, json } = message
  const clientMsgId = textField(json, 'client_msg_id') || null
  const key = api.dedupes && clientMsgId !== null ? dedupeKey(appid, touser, clientMsgId) : undefined
  const earlier = key === undefined ? undefined : world.dedupe.find(key, at)
  if (earlier !== undefined) return repeated(world, earlier.msgid)
  const effect: Effect = {
    appid,
    touser,
    template_id: template?.source.template_id ?? templateId,
    client_msg_id: clientMsgId,
    msgid: world.msgids.next(),
    data: world.keepsBodies ? (json.data ?? null) : null,
    at,
  }
  world.accept(effect, key)
  if (api.kind === 'miniprogram') world.grants.use(appid, touser, templateId)
  return accepted(effect.msgid)
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
