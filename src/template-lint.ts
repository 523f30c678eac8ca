/** What is wrong with a template as it is known, before any message is sent with it. */
import type { KnownTemplate } from './directory.ts'
import type { Bilingual } from './errcodes.ts'
import { isHistorical, isRetiredKey } from './template.ts'
import { templateOf } from './template-check.ts'
import { driftOf, driftText } from './template-drift.ts'
import { gone } from './template-texts.ts'

export const lintCodes = [
  'content-unknown',
  'template-missing',
  'historical',
  'retired-part',
  'unknown-type',
  'name-unknown',
  'drift',
] as const

export interface LintFinding {
  readonly code: (typeof lintCodes)[number]
  readonly severity: 'error' | 'warning'
  /** The key or the tenant's name that it is about; empty where it is the whole template. */
  readonly key: string
  readonly message: Bilingual
}

/** How long a change of the text is news. */
const newsMs = 30 * 24 * 3_600_000

/** `now`: milliseconds since 1970 UTC. */
export const lintTemplate = (known: KnownTemplate, now: number): readonly LintFinding[] => {
  const template = templateOf(known)
  const findings: LintFinding[] = []
  const warn = (code: LintFinding['code'], key: string, message: Bilingual) =>
    findings.push({ code, severity: 'warning', key, message })

  if (known.missingSince !== undefined)
    findings.push({ code: 'template-missing', severity: 'error', key: '', message: gone })
  if (template === undefined) {
    warn('content-unknown', '', contentUnknown)
    return findings
  }
  const hasTyped = template.fields.some(({ type }) => type !== undefined)
  if (isHistorical(template) && !hasTyped) warn('historical', '', historical)
  for (const { key, type } of template.byKey.values()) {
    if (type !== undefined) continue
    if (isRetiredKey(key)) warn('retired-part', key, retiredPart(key))
    else if (hasTyped) warn('unknown-type', key, unknownType(key))
  }
  for (const [name, key] of Object.entries(known.names ?? {}))
    if (!template.byKey.has(key))
      findings.push({ code: 'name-unknown', severity: 'error', key: name, message: nameUnknown(name, key) })
  const before = known.earlier?.[0]
  if (before !== undefined && now - before.until < newsMs) {
    const drift = driftOf(before.content, known.content!)
    if (drift.length > 0) warn('drift', '', drifted(driftText(drift)))
  }
  return findings
}

export const contentUnknown: Bilingual = {
  zh: '还不知道模板内容，无法检查字段是否齐全；请先同步',
  en: 'Its text is not known yet, so it cannot be told whether all keys are there; synchronise first',
}

const historical: Bilingual = {
  zh: '这是历史模板：微信不检查它的值，超过 20 个字符会折叠，换行之后不显示',
  en: 'A historical template: WeChat checks no value of it, folds what is over 20 characters and drops what follows a line break',
}

const retiredPart = (key: string): Bilingual => ({
  zh: `模板里有 ${key}，微信从 2023 年 5 月起不再显示它`,
  en: `It has ${key}, which WeChat has not shown since May 2023`,
})

const unknownType = (key: string): Bilingual => ({
  zh: `不认识 ${key} 的类型，它的值不会被检查`,
  en: `The type of ${key} is not known to us, so its values are not checked`,
})

const nameUnknown = (name: string, key: string): Bilingual => ({
  zh: `名称 ${name} 指向 ${key}，但模板没有这个字段`,
  en: `The name ${name} stands for ${key}, which the template does not have`,
})

const drifted = (changes: string): Bilingual => ({
  zh: `模板内容最近变过：${changes}`,
  en: `Its text has changed lately: ${changes}`,
})
