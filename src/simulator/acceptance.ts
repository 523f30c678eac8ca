/** What all sending APIs end with: the permission that a message needs, and the message made true. */
import type { Account } from './account.ts'
import type { Call } from './call.ts'
import { holdsWord } from './content.ts'
import type { Effect } from './effects.ts'
import type { GrantErrcode, Permission } from './grants.ts'
import type { Addressed } from './pace.ts'
import type { World } from './world.ts'

export interface Draft {
  readonly call: Call
  readonly account: Account
  readonly touser: string
  /** Nothing: the message has no template. */
  readonly templateId: string
  readonly clientMsgId: string | null
  /** What it says. */
  readonly content: unknown
  /** What it uses up; nothing: none is needed. */
  readonly permission: Permission | undefined
  /** Guards it against repeats. */
  readonly key: string | undefined
  /** Whether the API minds concurrent calls to one openid. */
  readonly exclusive: boolean
}

/** Whether permissions of this account are counted. */
export const countsGrants = ({ switches }: World, { flags }: Account): boolean =>
  (flags.grants ?? switches.grants) === 'counted'

type Asking = Pick<Draft, 'call' | 'account' | 'touser' | 'permission'>

/** 0, or why there is no permission for this message. */
export const permissionErrcode = (world: World, asking: Asking): 0 | GrantErrcode => {
  const { call, account, touser, permission } = asking
  if (permission === undefined || !countsGrants(world, account)) return 0
  return world.grants.check({ appid: account.appid, touser }, permission, call.at)
}

const addressOf = ({ account, touser, exclusive }: Draft): Addressed => ({
  appid: account.appid,
  touser,
  exclusive,
})

/** What counts as the same content (40241). */
const sameness =
  ({ templateId, content }: Draft) =>
  (): string =>
    `${templateId} ${JSON.stringify(content)}`

/** Why this user is not to be sent this now. */
export const paceErrcode = ({ pace }: World, draft: Draft): 43108 | 43117 | 40241 | undefined =>
  pace.idle() ? undefined : pace.errcode(addressOf(draft), sameness(draft), draft.call.at)

/** A message that a filter stopped is kept for queryblocktmplmsg. */
export const wordsErrcode = <Errcode extends 45168 | 40249>(
  world: World,
  draft: Draft,
  errcode: Errcode,
): Errcode | undefined => {
  if (!holdsWord(draft.content, world.switches.sensitiveWords)) return undefined
  const { account, templateId, touser, content, call } = draft
  world.blocked.push({ appid: account.appid, templateId, touser, content, at: call.at })
  return errcode
}

/** Makes the message true and answers its effect. */
export const acceptMessage = (world: World, draft: Draft): Effect => {
  const { call, account, touser } = draft
  const { appid } = account
  const { blocksMessages } = world.recipients.stateOf(appid, touser)
  const usual: Effect = {
    appid,
    touser,
    template_id: draft.templateId,
    client_msg_id: draft.clientMsgId,
    msgid: world.msgids.next(),
    data: world.keepsBodies ? draft.content : null,
    at: call.at,
    path: call.path,
  }
  const effect: Effect =
    blocksMessages || call.tags
      ? {
          ...usual,
          ...(blocksMessages && { receipt: 'failed:user block' }),
          ...(call.tags && { tags: call.tags }),
        }
      : usual
  const counted = draft.permission !== undefined && countsGrants(world, account)
  world.accept(effect, draft.key, counted ? draft.permission : undefined)
  if (!world.pace.idle()) world.pace.note(addressOf(draft), sameness(draft), call.at)
  return effect
}
