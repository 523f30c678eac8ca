/**
 * The two APIs that WeChat has withdrawn. wxopen/template/send took form ids until 2020 and keeps those rules
 * on request; uniform_send has answered 45109 since 2023 (D).
 */
import { acceptMessage, type Draft, paceErrcode, permissionErrcode, wordsErrcode } from './acceptance.ts'
import { textField } from './call.ts'
import { type Reply, success } from './reply.ts'
import { type Business, businessRoute, type Route } from './route.ts'
import { openidErrcode, targetErrcode } from './send.ts'
import { dataFault, strangerDataFault } from './template.ts'
import type { World } from './world.ts'

export const formSendPath = '/cgi-bin/message/wxopen/template/send'
export const uniformSendPath = '/cgi-bin/message/wxopen/template/uniform_send'

export const formSendRoute = (world: World): Route =>
  businessRoute(world, {
    path: formSendPath,
    kind: 'miniprogram',
    sends: true,
    handle: (business) =>
      world.switches.formMessages === 'retired' ? world.refuse(46101) : send(world, business),
  })

export const uniformSendRoute = (world: World): Route =>
  businessRoute(world, { path: uniformSendPath, sends: true, handle: () => world.refuse(45109) })

/** What the developer tools hand out instead of a form id (C). */
const mockFormId = 'the formId is a mock one'

const send = (world: World, { call, account, json }: Business): Reply => {
  const { refuse } = world
  const unaddressed = openidErrcode(world, account, call)
  if (unaddressed !== 0) return refuse(unaddressed)
  const { touser = '', templateId = '' } = call
  const template = account.templates.get(templateId)
  if (templateId === '' || (template === undefined && !world.accounts.acceptAny)) return refuse(40037)
  const formId = textField(json, 'form_id') ?? ''
  if (formId === '' || formId === mockFormId) return refuse(41028)
  const draft: Draft = {
    call,
    account,
    touser,
    templateId,
    clientMsgId: null,
    content: json.data ?? null,
    permission: { kind: 'form', formId },
    key: undefined,
    exclusive: false,
  }
  const errcode =
    permissionErrcode(world, draft) || paceErrcode(world, draft) || targetErrcode({ json, account })
  if (errcode) return refuse(errcode)
  if (isForbiddenEmphasis(json)) return refuse(40138)
  const { lengthUnit, nonStringValue, extraKeys } = world.switches
  const rules = { lengthUnit, nonStringValue, extraKeys, anyLength: account.flags.sandbox ?? false }
  const fault = template ? dataFault(template, json.data, rules) : strangerDataFault(json.data, rules)
  if (fault !== undefined) return refuse(47003, `argument invalid! ${fault}`)
  const word = wordsErrcode(world, draft, 45168)
  if (word !== undefined) return refuse(word)
  return { ...success(), msgid: acceptMessage(world, draft).msgid }
}

/** The word that is written large must not be the first line or the remark (40138, S). */
const isForbiddenEmphasis = (json: Business['json']): boolean =>
  /^(first|remark)\b/.test(textField(json, 'emphasis_keyword') ?? '')
