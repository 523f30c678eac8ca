/** template/subscribe: the one-time subscription message (一次性订阅消息) of official accounts. */
import { acceptMessage, type Draft, paceErrcode, permissionErrcode, wordsErrcode } from './acceptance.ts'
import { textField } from './call.ts'
import { type Reply, success } from './reply.ts'
import { type Business, businessRoute, type Route } from './route.ts'
import { openidErrcode, targetErrcode } from './send.ts'
import type { World } from './world.ts'

export const onceSendPath = '/cgi-bin/message/template/subscribe'

export const onceSendRoute = (world: World): Route =>
  businessRoute(world, {
    path: onceSendPath,
    kind: 'official',
    sends: true,
    funcs: [7, 100, 101],
    handle: (business) => send(world, business),
  })

/** In characters (D). */
const titleLimit = 15
const contentLimit = 200
const highestScene = 10_000

const send = (world: World, { call, account, json }: Business): Reply => {
  const { refuse, switches } = world
  const unaddressed = openidErrcode(world, account, call)
  if (unaddressed !== 0) return refuse(unaddressed)
  const { touser = '', templateId = '' } = call
  const known = account.templates.get(templateId) !== undefined || world.accounts.acceptAny
  if (templateId === '' || !known) return refuse(40037)
  if (account.flags.bannedTemplates?.includes(templateId)) return refuse(43116)
  const scene = sceneOf(json.scene)
  if (scene === undefined) return refuse(40035)
  const draft: Draft = {
    call,
    account,
    touser,
    templateId,
    clientMsgId: null,
    content: json.data ?? null,
    permission: { kind: 'scene', templateId, scene },
    key: undefined,
    exclusive: false,
  }
  const refusal =
    switches.precedence === 'recipient-first'
      ? (recipientRefusal(world, draft) ?? contentRefusal(world, draft, json))
      : (contentRefusal(world, draft, json) ?? recipientRefusal(world, draft))
  if (refusal !== undefined) return refusal
  const { msgid } = acceptMessage(world, draft)
  // The answer is documented without a msgid.
  return { ...success(), msgid }
}

/** A text or a number from 0 to 10000 (D). */
const sceneOf = (scene: unknown): string | undefined => {
  const text = typeof scene === 'number' ? String(scene) : scene
  return typeof text === 'string' && /^\d{1,5}$/.test(text) && Number(text) <= highestScene
    ? String(Number(text))
    : undefined
}

/** Whoever said yes need not follow the account (D). */
const recipientRefusal = (world: World, draft: Draft): Reply | undefined => {
  const { account, touser, templateId } = draft
  const { blocked, frozen, refuses } = world.recipients.stateOf(account.appid, touser)
  if (blocked) return world.refuse(43019)
  if (frozen) return world.refuse(50002)
  if (refuses.includes(templateId)) return world.refuse(43101)
  const errcode = permissionErrcode(world, draft) || paceErrcode(world, draft)
  return errcode ? world.refuse(errcode) : undefined
}

const contentRefusal = (world: World, draft: Draft, json: Business['json']): Reply | undefined => {
  const target = targetErrcode({ json, account: draft.account })
  if (target !== undefined) return world.refuse(target)
  const title = textField(json, 'title') ?? ''
  if (title === '' || [...title].length > titleLimit) return world.refuse(40062)
  const fault = contentFault(json.data)
  if (fault !== undefined) return world.refuse(47003, `argument invalid! ${fault}`)
  const word = wordsErrcode(world, draft, 40249)
  return word === undefined ? undefined : world.refuse(word)
}

const contentFault = (data: unknown): string | undefined => {
  const content = (data as { content?: { value?: unknown } } | null | undefined)?.content?.value
  if (typeof content !== 'string' || content === '') return 'data.content.value is empty'
  return [...content].length > contentLimit ? 'data.content.value invalid' : undefined
}
