/**
 * A message's data against its template. What WeChat is known to refuse is a fault; what it would take and show
 * otherwise than its sender thinks is a warning. Nothing is a fault only because it is unusual.
 *
 * Sources: a typed key that is missing is refused as empty (official texts, seen); keys beyond the template's are
 * ignored (our inference); of historical templates nothing is refused, but `first` and `remark` are dropped, values
 * over 20 characters folded and lines after the first dropped (official, 2023-05); colours have no effect (official);
 * how an emoji is counted is not documented.
 */
import type { KnownTemplate } from './directory.ts'
import type { Bilingual } from './errcodes.ts'
import { checkValue, type FieldReason, type FieldType, fieldRules, fieldType } from './fields.ts'
import { shorten } from './shorten.ts'
import { foldedAfter, hasLineBreak, isRetiredKey, parseTemplate, type Template } from './template.ts'
import {
  colour,
  emojiText,
  folded,
  givenTwice,
  gone,
  leftOut,
  lineBreak,
  missing,
  retired,
  shortened,
  unfit,
  unknownKey,
  unsafeNumber,
} from './template-texts.ts'

/** A value as a caller may write it. */
export type GivenValue = string | number | { readonly value: string | number; readonly color?: string }
export type GivenData = Readonly<Record<string, GivenValue>>

export type TemplateData = Readonly<Record<string, { readonly value: string }>>

/** `missing`: a key that must be there is not · `given-twice`: by its key and by its name · `unsafe-number`: over 2^53. */
export type DataReason = FieldReason | 'missing' | 'given-twice' | 'unsafe-number'

export interface DataFault {
  /** As the caller wrote it. */
  readonly key: string
  readonly reason: DataReason
  readonly message: Bilingual
}

export const warningCodes = [
  'content-unknown',
  'template-missing',
  'unknown-key',
  'missing-key',
  'retired-part',
  'colour',
  'folded',
  'line-break',
  'emoji',
  'shortened',
] as const
export type WarningCode = (typeof warningCodes)[number]

export interface DataWarning {
  /** As the caller wrote it; empty where it is about the template as a whole. */
  readonly key: string
  readonly code: WarningCode
  readonly message: Bilingual
}

export interface CheckOptions {
  /** Nothing when we were never told of it. */
  readonly known?: KnownTemplate | undefined
  /** Whether a value that is too long is cut; what the template says where the message says nothing. */
  readonly shorten?: boolean | undefined
  /** Sent as a template message of an official account: only there parts are dropped and folded. */
  readonly folds: boolean
}

export interface CheckedData {
  /** By WeChat's keys, every value a text. */
  readonly data: TemplateData
  readonly faults: readonly DataFault[]
  readonly warnings: readonly DataWarning[]
}

interface Findings {
  readonly data: Record<string, { value: string }>
  faults: DataFault[]
  warnings: DataWarning[]
}

/** What the template says, read once for each version of it: a changed template is another object. */
export const templateOf = (known: KnownTemplate): Template | undefined => {
  if (known.content === undefined) return undefined
  let template = templates.get(known)
  if (template === undefined) {
    template = parseTemplate(known.content)
    templates.set(known, template)
  }
  return template
}

const templates = new WeakMap<KnownTemplate, Template>()

export const checkData = (given: GivenData, options: CheckOptions): CheckedData => {
  const { known, shorten: cuts = known?.shorten ?? false, folds } = options
  const template = known && templateOf(known)
  const found: Findings = { data: {}, faults: [], warnings: [] }
  for (const name in given) {
    const value = given[name]!
    const key = keyOf(known, template, name)
    if (Object.hasOwn(found.data, key) || (key !== name && Object.hasOwn(given, key)))
      found.faults.push({ key: name, reason: 'given-twice', message: givenTwice(name, key) })
    else checkOne({ name, key, known, template, cuts, folds }, value, found)
  }
  if (template) checkMissing(template, folds, found)
  if (known?.missingSince !== undefined)
    found.warnings.push({ key: '', code: 'template-missing', message: gone })
  return found
}

/** A key of the template is itself; then come the tenant's own names. */
const keyOf = (known: KnownTemplate | undefined, template: Template | undefined, name: string): string => {
  const names = known?.names
  if (names === undefined || template?.byKey.has(name) || !Object.hasOwn(names, name)) return name
  return names[name]!
}

interface Place {
  readonly name: string
  readonly key: string
  readonly known: KnownTemplate | undefined
  readonly template: Template | undefined
  readonly cuts: boolean
  readonly folds: boolean
}

const checkOne = (place: Place, given: GivenValue, found: Findings): void => {
  const { name, key, template, folds } = place
  const raw = typeof given === 'object' ? given.value : given
  // A number past 2^53 has lost digits before we see it, and the user would be shown another one.
  if (typeof raw === 'number' && !(Math.abs(raw) <= Number.MAX_SAFE_INTEGER)) {
    found.faults.push({ key: name, reason: 'unsafe-number', message: unsafeNumber })
    found.data[key] = { value: '' }
    return
  }
  const value = String(raw)
  if (folds && typeof given === 'object' && given.color !== undefined)
    found.warnings.push({ key: name, code: 'colour', message: colour })
  if (template && !template.byKey.has(key)) {
    found.data[key] = { value }
    found.warnings.push({ key: name, code: 'unknown-key', message: unknownKey(key, template) })
    return
  }
  const type = fieldType(key)
  if (type === undefined) {
    found.data[key] = { value }
    if (folds) warnOfHistorical(name, key, value, found)
  } else checkTyped(place, type, value, found)
}

const checkTyped = (place: Place, type: FieldType, value: string, found: Findings): void => {
  const { name, key, known, cuts } = place
  // Cut by the safe count, which is shorter than the one that refuses, so this comes before the check.
  const shorter = cuts && value.length > fieldRules.get(type)!.limit ? shorten(type, value) : undefined
  const text = shorter ?? value
  if (shorter !== undefined && shorter !== value)
    found.warnings.push({ key: name, code: 'shortened', message: shortened(key, type, shorter) })
  found.data[key] = { value: text }
  const words = known?.words
  const allowed = words !== undefined && Object.hasOwn(words, key) ? words[key] : undefined
  const fault = allowed === undefined ? checkValue(type, text) : checkValue(type, text, { allowed })
  if (fault) {
    const { reason } = fault
    found.faults.push({ key: name, reason, message: unfit({ key, type, reason, cuts, allowed }) })
  } else if (emoji.test(text)) found.warnings.push({ key: name, code: 'emoji', message: emojiText(key) })
}

const emoji = /\p{Emoji_Presentation}|\uFE0F/u

const warnOfHistorical = (name: string, key: string, value: string, { warnings }: Findings): void => {
  if (isRetiredKey(key)) warnings.push({ key: name, code: 'retired-part', message: retired(key) })
  else if (hasLineBreak(value)) warnings.push({ key: name, code: 'line-break', message: lineBreak(key) })
  else if (value.length > foldedAfter) warnings.push({ key: name, code: 'folded', message: folded(key) })
}

const checkMissing = ({ byKey }: Template, folds: boolean, { data, faults, warnings }: Findings): void => {
  for (const [key, { type, label }] of byKey) {
    if (Object.hasOwn(data, key)) continue
    if (type !== undefined && !fieldRules.get(type)!.mayBeEmpty)
      faults.push({ key, reason: 'missing', message: missing(key, label) })
    else if (!(folds && isRetiredKey(key)))
      warnings.push({ key, code: 'missing-key', message: leftOut(key, label) })
  }
}
