/** Permissions as people write them: in the admin API and in scenario files. */

import { formGrants } from '../grants.ts'
import type { AccountKind } from './account.ts'
import { type Grant, type Held, interactionKinds, windowOf } from './grants.ts'
import { BadInput, type Input, needed, readInput, readTime } from './input.ts'

const grantKinds = ['once', 'lasting', 'scene', 'form', 'prepay'] as const
const grantFields = ['appid', 'touser', 'template_id', 'kind', 'count', 'scene', 'form_id', 'expires_at']

/** `{appid, touser, kind, …}`; `now` is when a form was filled in, unless it says when it ends. */
export const parseGrant = (value: unknown, now: number): Held => {
  const input = readInput(value, grantFields)
  return {
    appid: needed('appid', input.text('appid')),
    touser: needed('touser', input.text('touser')),
    grant: grantOf(input, now),
  }
}

const grantOf = (input: Input, now: number): Grant => {
  const kind = needed('kind', input.choice('kind', grantKinds))
  const count = input.number('count', { min: 1, max: 1_000_000, integer: true })
  const templateId = () => needed('template_id', input.text('template_id'))
  switch (kind) {
    case 'once':
      return { kind, templateId: templateId(), count: count ?? 1 }
    case 'lasting':
      return { kind, templateId: templateId() }
    case 'scene':
      return { kind, templateId: templateId(), scene: sceneOf(input), count: 1 }
    case 'form':
    case 'prepay': {
      const usual = formGrants[kind]
      const expiresAt = readTime('expires_at', input.text('expires_at')) ?? now + usual.lifeMs
      const formId = needed('form_id', input.text('form_id'))
      return { kind, formId, count: count ?? usual.count, expiresAt }
    }
  }
}

/** As WeChat takes it: a number or a text. */
const sceneOf = ({ given }: Input): string => {
  const scene = typeof given.scene === 'number' ? String(given.scene) : given.scene
  if (typeof scene !== 'string' || !/^\d{1,5}$/.test(scene) || Number(scene) > 10_000)
    throw new BadInput('scene must be a whole number from 0 to 10000')
  return String(Number(scene))
}

const interactionFields = ['appid', 'touser', 'what', 'count', 'expires_at']

interface Surroundings {
  readonly now: number
  /** Of an account; nothing for one that may use every API. */
  readonly kindOf: (appid: string) => AccountKind | undefined
}

/** `{appid, touser, what}`: the window that an interaction opens now, or as `count` and `expires_at` say. */
export const parseInteraction = (value: unknown, { now, kindOf }: Surroundings): Held => {
  const input = readInput(value, interactionFields)
  const appid = needed('appid', input.text('appid'))
  const what = needed('what', input.choice('what', interactionKinds))
  const usual = windowOf(kindOf(appid), what)
  if (usual === undefined) throw new BadInput(`what: ${what} opens no window of this account`)
  return {
    appid,
    touser: needed('touser', input.text('touser')),
    grant: {
      kind: 'window',
      what,
      count: input.number('count', { min: 1, max: 1_000_000, integer: true }) ?? usual.count,
      expiresAt: readTime('expires_at', input.text('expires_at')) ?? now + usual.lifeMs,
    },
  }
}

/** The opposite of `parseGrant` and `parseInteraction`. */
export const grantJson = ({ appid, touser, grant }: Held) => {
  switch (grant.kind) {
    case 'once':
      return { appid, touser, kind: grant.kind, template_id: grant.templateId, count: grant.count }
    case 'none':
    case 'lasting':
      return { appid, touser, kind: grant.kind, template_id: grant.templateId }
    case 'scene':
      return { appid, touser, kind: grant.kind, template_id: grant.templateId, scene: grant.scene }
    case 'form':
    case 'prepay':
      return {
        appid,
        touser,
        kind: grant.kind,
        form_id: grant.formId,
        count: grant.count,
        expires_at: new Date(grant.expiresAt).toISOString(),
      }
    case 'window':
      return {
        appid,
        touser,
        what: grant.what,
        count: grant.count,
        expires_at: new Date(grant.expiresAt).toISOString(),
      }
  }
}

export const isWindow = ({ grant }: Held): boolean => grant.kind === 'window'
