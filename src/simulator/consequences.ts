/** What the doings of users change in the books of permissions, whoever makes them happen. */
import type { Accounts } from './account.ts'
import type { Clock } from './clock.ts'
import { type Held, type Holder, type InteractionKind, windowOf } from './grants.ts'
import type { Happening, UserHappening } from './happening.ts'

interface Surroundings {
  readonly accounts: Accounts
  readonly clock: Clock
}

/**
 * A popup that was accepted gives one message, or any number where the template is long-term; a refusal in the
 * settings takes all back; an interaction opens a window (D).
 */
export const givenBy = (happening: Happening, { accounts, clock }: Surroundings): Held[] => {
  if (!('touser' in happening)) return []
  const { appid, touser } = happening
  const account = accounts.get(appid)
  const isLasting = (templateId: string) => account?.templates.get(templateId)?.source.type === 3
  switch (happening.kind) {
    case 'popup':
      return happening.decisions.flatMap(({ templateId, accepted }): Held[] => {
        if (!accepted) return []
        const once = { kind: 'once', templateId, count: 1 } as const
        return [{ appid, touser, grant: isLasting(templateId) ? { kind: 'lasting', templateId } : once }]
      })
    case 'change':
      return happening.refused.map((templateId) => ({ appid, touser, grant: { kind: 'none', templateId } }))
  }
  const what = interactionOf(happening)
  const opened = what === undefined ? undefined : windowOf(account?.kind, what)
  if (what === undefined || opened === undefined) return []
  const { count, lifeMs } = opened
  return [{ appid, touser, grant: { kind: 'window', what, count, expiresAt: clock.now() + lifeMs } }]
}

const interactionOf = ({ kind }: UserHappening): InteractionKind | undefined => {
  switch (kind) {
    case 'click':
      return 'menu'
    case 'message':
    case 'follow':
    case 'scan':
    case 'session':
      return kind
    case 'unfollow':
    case 'popup':
    case 'change':
    case 'view':
      return undefined
  }
}

/** What a user does who interacts in this way. */
export const happeningFor = ({ appid, touser }: Holder, what: InteractionKind): Happening => {
  switch (what) {
    case 'message':
      return { appid, touser, kind: 'message', text: '你好' }
    case 'menu':
      return { appid, touser, kind: 'click', key: 'menu' }
    case 'scan':
      return { appid, touser, kind: 'scan', key: 'scan' }
    case 'follow':
    case 'session':
      return { appid, touser, kind: what }
  }
}
