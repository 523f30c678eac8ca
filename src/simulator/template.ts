import { checkValue, type FieldType, fieldType, type LengthUnit } from '../fields.ts'

export interface SimulatedTemplate {
  /** 43 characters in the real world. */
  readonly template_id: string
  /** A name for people; WeChat does not know it. */
  readonly alias?: string
  readonly title: string
  /** Lines of `Label:{{key.DATA}}`. */
  readonly content: string
  /** Values that pass, by key. */
  readonly example?: Readonly<Record<string, string>>
  /** Of a subscribe template: 2 one-time, 3 long-term. An official account's template/send takes none of these. */
  readonly type?: 2 | 3
  /** The approved words of `const` and `enum` fields, by key. */
  readonly words?: Readonly<Record<string, readonly string[]>>
  /** It came from the library of an industry, and goes when the account changes its industry. */
  readonly industry?: true
}

export interface Template {
  readonly source: SimulatedTemplate
  /** In the order of the content; a key without a type belongs to a historical template. */
  readonly fields: readonly { readonly key: string; readonly type: FieldType | undefined }[]
}

export interface Templates {
  get(templateId: string): Template | undefined
  list(): readonly SimulatedTemplate[]
  add(source: SimulatedTemplate): void
  remove(templateId: string): void
  /** Back to those it was made with. */
  reset(): void
}

export const createTemplates = (sources: readonly SimulatedTemplate[]): Templates => {
  const byId = new Map<string, Template>()
  const add = (source: SimulatedTemplate): void =>
    void byId.set(source.template_id, { source, fields: fieldsOf(source.content) })
  const reset = (): void => {
    byId.clear()
    for (const source of sources) add(source)
  }
  reset()
  return {
    get: (templateId) => byId.get(templateId),
    list: () => Array.from(byId.values(), ({ source }) => source),
    add,
    remove: (templateId) => void byId.delete(templateId),
    reset,
  }
}

/** Some printed contents have a blank between the braces (D). */
const placeholder = /\{\s?\{\s*([A-Za-z0-9_]+)\.DATA\s*\}\s?\}/g

export const fieldsOf = (content: string): Template['fields'] =>
  Array.from(content.matchAll(placeholder), ([, key = '']) => ({ key, type: fieldType(key) }))

export interface DataRules {
  readonly lengthUnit: LengthUnit
  readonly nonStringValue: 'accept' | 'reject'
  readonly extraKeys: 'ignore' | 'reject'
  /** A test account does not mind lengths (C). */
  readonly anyLength: boolean
}

/**
 * The reason of a 47003, or nothing if the data fits the template. Values are looked at in the order
 * of the template and the first fault wins (I). Data that is not an object fails at the first key (C).
 */
export const dataFault = (template: Template, data: unknown, rules: DataRules): string | undefined => {
  const given = isRecord(data) ? data : {}
  for (const { key, type } of template.fields) {
    if (type === undefined) continue
    const words = template.source.words?.[key]
    const fault = fieldFault({ key, type, ...(words && { words }) }, given[key], rules)
    if (fault !== undefined) return fault
  }
  if (rules.extraKeys === 'ignore') return undefined
  const extra = Object.keys(given).find((key) => !template.fields.some((field) => field.key === key))
  return extra === undefined ? undefined : reasonText(extra, 'invalid')
}

/** The same for a template we were never told of: its typed keys are those that came. */
export const strangerDataFault = (data: unknown, rules: DataRules): string | undefined => {
  if (!isRecord(data)) return 'data invalid'
  for (const key of Object.keys(data)) {
    const type = fieldType(key)
    const fault = type === undefined ? undefined : fieldFault({ key, type }, data[key], rules)
    if (fault !== undefined) return fault
  }
  return undefined
}

interface Typed {
  readonly key: string
  readonly type: FieldType
  readonly words?: readonly string[]
}

const fieldFault = ({ key, type, words }: Typed, field: unknown, rules: DataRules): string | undefined => {
  const value = isRecord(field) ? field.value : undefined
  const text = typeof value === 'string' ? value : textOf(value)
  if (text !== value && text !== '' && rules.nonStringValue === 'reject') return reasonText(key, 'invalid')
  const fault = checkValue(type, text, words === undefined ? rules : { ...rules, allowed: words })
  if (fault === undefined || (fault.reason === 'too-long' && rules.anyLength)) return undefined
  return reasonText(key, fault.reason === 'empty' ? 'is empty' : 'invalid')
}

const textOf = (value: unknown): string =>
  typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''

/** All published samples fit a cut after 30 characters (I; lengths V). */
const reasonText = (key: string, what: string): string => `data.${key}.value ${what}`.slice(0, 30)

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
