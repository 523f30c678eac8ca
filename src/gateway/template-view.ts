/** Templates as the API shows them. */
import { type Account, type KnownTemplate, knownTemplate } from '../directory.ts'
import { fieldRules } from '../fields.ts'
import type { Channel } from '../message.ts'
import { templateOf } from '../template-check.ts'
import { driftOf } from '../template-drift.ts'
import { lintTemplate } from '../template-lint.ts'
import { templatesPerFamily, usedCounts } from '../template-sync.ts'
import { lastSyncOf, type SyncOutcome } from '../template-watch.ts'
import type { Language } from './problems.ts'
import type { SyncView, TemplateView } from './template-schemas.ts'
import { timeText } from './view.ts'

const timeOrNull = (at: number | undefined): string | null => (at === undefined ? null : timeText(at))

export const templateView = ({ name, appid }: Account, template: KnownTemplate): TemplateView => ({
  account: name,
  appid,
  template_id: template.templateId,
  alias: template.alias ?? null,
  title: template.title ?? null,
  content: template.content ?? null,
  fields: fieldViews(template),
  example: template.example ?? null,
  grants: template.grants ?? null,
  names: { ...template.names },
  when_no_grant: template.whenNoGrant ?? 'try',
  shorten: template.shorten ?? false,
  version: template.version ?? (template.content === undefined ? 0 : 1),
  synced_at: timeOrNull(template.syncedAt),
  missing_since: timeOrNull(template.missingSince),
  earlier: earlierViews(template),
})

const fieldViews = (template: KnownTemplate): TemplateView['fields'] => {
  const nameByKey = new Map(Object.entries(template.names ?? {}).map(([name, key]) => [key, name]))
  return (templateOf(template)?.fields ?? []).map(({ key, label, type }) => {
    const words = template.words?.[key]
    return {
      key,
      label,
      type: type ?? null,
      rule: type === undefined ? null : fieldRules.get(type)!.rule,
      name: nameByKey.get(key) ?? null,
      ...(words && { words: [...words] }),
    }
  })
}

/** Each with what came after it. */
const earlierViews = ({ content = '', earlier = [] }: KnownTemplate): TemplateView['earlier'] =>
  earlier.map((each, index) => ({
    version: each.version,
    content: each.content,
    until: timeText(each.until),
    drift: driftOf(each.content, earlier[index - 1]?.content ?? content).map((change) => ({ ...change })),
  }))

export const usedView = ({ name, appid, kind, templates }: Account) => ({
  account: name,
  appid,
  used: usedCounts(templates, kind === 'official'),
  limit: templatesPerFamily,
  synced_at: timeOrNull(lastSyncOf(templates)),
})

export const syncView = ({ name, appid }: Account, outcome: SyncOutcome & { kind: 'synced' }): SyncView => ({
  account: name,
  appid,
  listed: outcome.listed,
  changes: outcome.changes.map(({ kind, template, drift }) => ({
    kind,
    template_id: template.templateId,
    alias: template.alias ?? null,
    title: template.title ?? null,
    drift: drift.map((change) => ({ ...change })),
  })),
  failures: outcome.failures.map(({ family, errcode, error }) => ({
    family,
    errcode: errcode ?? null,
    error,
  })),
})

export const lintViews = (account: Account, template: KnownTemplate, now: number, language: Language) =>
  lintTemplate(template, now).map(({ code, severity, key, message }) => ({
    ...placeOf(account, template),
    severity,
    code: code as string,
    pointer: key === '' ? '' : code === 'name-unknown' ? `/names/${key}` : `/data/${key}`,
    message: message[language],
  }))

export const placeOf = ({ name }: Account, { templateId, alias }: KnownTemplate) => ({
  account: name,
  template_id: templateId,
  alias: alias ?? null,
})

/** The channel that a template is sent on when nobody says. */
export const channelOf = ({ kind }: Account, { grants }: KnownTemplate): Channel => {
  if (kind !== 'official') return 'subscribe'
  return grants === undefined ? 'template' : 'oa_subscribe'
}

/** Known by this id or alias, or nothing but its id. */
export const templateNamed = (account: Account, idOrAlias: string): KnownTemplate =>
  knownTemplate(account, idOrAlias) ?? { templateId: idOrAlias }
