/**
 * The text of a template, as WeChat writes it: lines of `Label:{{key.DATA}}`. The key of a category or subscribe
 * template is a type and an index (`thing1`); a historical template of an official account has keys of any name, and
 * often opens with `first` and ends with `remark`, which WeChat drops since 2023-05 without an error (official).
 * Some printed texts have a blank between the braces, and some a full-width colon (official samples).
 */
import { type FieldType, fieldType } from './fields.ts'

export interface TemplateField {
  /** What stands before the value, without its colon; empty where nothing does. */
  readonly label: string
  readonly key: string
  /** Nothing for a key of a historical template, whose values WeChat does not check. */
  readonly type?: FieldType
  /** What stands behind the value on its line, such as `元`. */
  readonly after?: string
}

export interface Template {
  /** In the order of the text. */
  readonly fields: readonly TemplateField[]
  /** The first field of each key. */
  readonly byKey: ReadonlyMap<string, TemplateField>
}

/** One line of the card on the user's phone. */
export interface PreviewLine {
  readonly label: string
  readonly value: string
}

const placeholder = /\{\s?\{\s*([A-Za-z0-9_]+)\.DATA\s*\}\s?\}/g

/** Reads any text, whatever it holds: what is no placeholder is label, or nothing. Takes time linear in its length. */
export const parseTemplate = (content: string): Template => {
  const matches = [...content.matchAll(placeholder)]
  const fields: TemplateField[] = []
  let end = 0
  for (const [index, match] of matches.entries()) {
    const before = content.slice(end, match.index)
    end = match.index + match[0].length
    const behind = content.slice(end, matches[index + 1]?.index)
    const lineEnd = behind.indexOf('\n')
    // On one line with the next placeholder, the text between is that one's label.
    const isLastOfLine = lineEnd >= 0 || index === matches.length - 1
    const after = isLastOfLine ? behind.slice(0, lineEnd < 0 ? undefined : lineEnd).trim() : ''
    fields.push(fieldOf(labelOf(before.slice(before.lastIndexOf('\n') + 1)), match[1]!, after))
  }
  const byKey = new Map<string, TemplateField>()
  for (const field of fields) if (!byKey.has(field.key)) byKey.set(field.key, field)
  return { fields, byKey }
}

const fieldOf = (label: string, key: string, after: string): TemplateField => {
  const type = fieldType(key)
  return { label, key, ...(type !== undefined && { type }), ...(after !== '' && { after }) }
}

/** A loop, because an expression with `$` would look at every blank of a long run of them from the beginning. */
const labelOf = (text: string): string => {
  let end = text.length
  while (end > 0 && (':：'.includes(text[end - 1]!) || text[end - 1]!.trim() === '')) end--
  return text.slice(0, end).trimStart()
}

/** The text of these fields, in the form that WeChat writes today. */
export const printTemplate = (fields: readonly TemplateField[]): string =>
  fields
    .map(({ label, key, after = '' }) => `${label === '' ? '' : `${label}:`}{{${key}.DATA}}${after}\n`)
    .join('')

/** The opening and the closing sentence of a historical template, which WeChat does not show any more. */
export const isRetiredKey = (key: string): boolean => key === 'first' || key === 'remark'

/** Whether it is of the old kind: one key without a type is enough. */
export const isHistorical = ({ fields }: Template): boolean => fields.some(({ type }) => type === undefined)

/** Beyond so many characters WeChat folds a value of a historical template (official; the unit is not documented). */
export const foldedAfter = 20

/**
 * What the user sees of this data. `folds`: sent as a template message of an official account, which drops and folds
 * parts of historical templates; nothing else does.
 */
export const previewOf = (
  { fields }: Template,
  data: Readonly<Record<string, { readonly value: string }>>,
  folds: boolean,
): readonly PreviewLine[] =>
  fields
    .filter(({ key }) => !(folds && isRetiredKey(key)))
    .map(({ label, key, type, after = '' }) => {
      const value = Object.hasOwn(data, key) ? data[key]!.value : ''
      return { label, value: (folds && type === undefined ? folded(value) : value) + after }
    })

const lineBreak = /[\r\n\u2028\u2029]/

export const hasLineBreak = (value: string): boolean => lineBreak.test(value)

const folded = (value: string): string => {
  const [line = ''] = value.split(lineBreak, 1)
  const characters = [...line]
  return characters.length <= foldedAfter ? line : `${characters.slice(0, foldedAfter).join('')}…`
}
