/**
 * What WeChat lists and what a tenant has said of its templates, kept together. WeChat decides what a template is;
 * aliases, names and settings are the tenant's and outlive every list.
 */
import type { KnownTemplate } from './directory.ts'
import { type Drift, driftOf } from './template-drift.ts'

/** A template as WeChat lists it. */
export type ListedTemplate = Pick<
  KnownTemplate,
  'templateId' | 'title' | 'content' | 'example' | 'grants' | 'words'
>

/** The two lists an account may have: template messages of official accounts, and subscribe messages. */
export type TemplateFamily = 'template' | 'subscribe'

export interface FamilyFailure {
  readonly family: TemplateFamily
  /** WeChat's refusal, or none if it did not answer. */
  readonly errcode?: number
  readonly error: string
}

export type TemplateListing =
  | {
      readonly kind: 'listed'
      readonly templates: readonly ListedTemplate[]
      /** Whether this is all there is: what is not in it is gone. */
      readonly isComplete: boolean
      /** Families that could not be listed, or that this account does not have. */
      readonly failures: readonly FamilyFailure[]
    }
  | { readonly kind: 'failed'; readonly failures: readonly FamilyFailure[] }

export interface TemplateChange {
  /** `changed`: another text · `missing`: not listed any more · `returned`: listed again · `forgotten`: nothing is kept of it. */
  readonly kind: 'added' | 'changed' | 'missing' | 'returned' | 'forgotten'
  readonly template: KnownTemplate
  /** Of a changed one. Empty when only order or white space differ. */
  readonly drift: readonly Drift[]
}

export interface MergedTemplates {
  readonly templates: readonly KnownTemplate[]
  readonly changes: readonly TemplateChange[]
}

/** Templates that one account may have in each family (official). */
export const templatesPerFamily = 25

const earlierKept = 5
/** How long a template that is gone, and of which the tenant has said nothing, is remembered. */
const forgottenAfterMs = 30 * 24 * 3_600_000

/** The templates after a list has come in. `now`: milliseconds since 1970 UTC. */
export const mergeSync = (
  known: readonly KnownTemplate[],
  {
    templates: listed,
    isComplete,
  }: { readonly templates: readonly ListedTemplate[]; readonly isComplete: boolean },
  now: number,
): MergedTemplates => {
  const byId = new Map(listed.map((template) => [template.templateId, template]))
  const changes: TemplateChange[] = []
  const templates: KnownTemplate[] = []
  const note = (kind: TemplateChange['kind'], template: KnownTemplate, drift: readonly Drift[] = []) =>
    changes.push({ kind, template, drift })

  for (const before of known) {
    const news = byId.get(before.templateId)
    if (news) {
      byId.delete(before.templateId)
      const after = renewed(before, news, now)
      templates.push(after)
      if (before.missingSince !== undefined) note('returned', after)
      if (isOtherText(before, news)) note('changed', after, driftOf(before.content!, news.content!))
    } else if (!isComplete || before.missingSince !== undefined) {
      if (isComplete && isForgettable(before, now)) note('forgotten', before)
      else templates.push(before)
    } else {
      const after = { ...before, missingSince: now }
      templates.push(after)
      note('missing', after)
    }
  }
  for (const news of byId.values()) {
    const added: KnownTemplate = { ...news, version: 1, syncedAt: now }
    templates.push(added)
    note('added', added)
  }
  return { templates, changes }
}

/** Whether both texts are known and are not the same; the first text that is learnt is no change. */
const isOtherText = (before: KnownTemplate, news: ListedTemplate): boolean =>
  before.content !== undefined && news.content !== undefined && before.content !== news.content

const renewed = (before: KnownTemplate, news: ListedTemplate, now: number): KnownTemplate => {
  // The words and the kind of grant are WeChat's alone: what it says no more does not hold any more.
  const { missingSince: _, words: __, grants: ___, ...kept } = before
  const version = before.version ?? 1
  const after = { ...kept, ...news, version, syncedAt: now }
  if (!isOtherText(before, news)) return after
  const earlier = [{ version, content: before.content!, until: now }, ...(before.earlier ?? [])]
  return { ...after, version: version + 1, earlier: earlier.slice(0, earlierKept) }
}

const isForgettable = ({ missingSince, alias, names, whenNoGrant, shorten }: KnownTemplate, now: number) =>
  missingSince !== undefined &&
  now - missingSince >= forgottenAfterMs &&
  alias === undefined &&
  names === undefined &&
  whenNoGrant === undefined &&
  shorten === undefined

/**
 * The templates that a tenant declares with an account. What WeChat has told of those that stay, and the settings they
 * have, is kept; those that are not named and that WeChat still lists stay as well.
 */
export const mergeDeclared = (
  known: readonly KnownTemplate[],
  declared: readonly Pick<KnownTemplate, 'templateId' | 'alias' | 'title'>[],
): readonly KnownTemplate[] => {
  const byId = new Map(known.map((template) => [template.templateId, template]))
  const named = declared.map((each) => {
    const present = byId.get(each.templateId)
    byId.delete(each.templateId)
    if (present === undefined) return each
    const { alias: _, ...kept } = present
    // WeChat's own title goes before the one that was declared.
    return { ...kept, ...each, ...(present.syncedAt !== undefined && titleOf(present)) }
  })
  const others = [...byId.values()]
    .filter(({ syncedAt, missingSince }) => syncedAt !== undefined && missingSince === undefined)
    .map(({ alias: _, ...rest }) => rest)
  return [...named, ...others]
}

const titleOf = ({ title }: KnownTemplate) => (title === undefined ? {} : { title })

/** Of those that WeChat lists, so many of each family. Only subscribe templates have a kind of grant. */
export const usedCounts = (templates: readonly KnownTemplate[], hasBoth: boolean) => {
  const present = templates.filter(
    ({ syncedAt, missingSince }) => syncedAt !== undefined && missingSince === undefined,
  )
  const subscribe = hasBoth ? present.filter(({ grants }) => grants !== undefined).length : present.length
  return { template: present.length - subscribe, subscribe }
}
