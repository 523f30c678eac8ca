import { deepest, type Field, type Fields, type Reading } from './callback-fields.ts'

/** The fields of a JSON object. Of two of one name the last counts. */
export const readJson = (text: string): Reading => {
  // Before parsing: the platform would parse a million levels, and fall over them later.
  if (isDeeper(text, deepest)) return { fault: 'too-deep' }
  let value: unknown
  try {
    value = parseWithSource(text, asWritten)
  } catch {
    return { fault: 'malformed' }
  }
  return isObject(value) ? { fields: value } : { fault: 'malformed' }
}

type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown

/** The third argument of a reviver, the text that a value was read from, is not in the platform's types yet. */
const parseWithSource = JSON.parse as (text: string, reviver: Reviver) => unknown

/** Every digit of a number stays. Of what is no text, list or object, nothing is of use: it becomes a text too. */
const asWritten: Reviver = (_key, value, { source }): Field =>
  typeof value === 'string' || (typeof value === 'object' && value !== null)
    ? (value as Field)
    : (source ?? '')

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Counts brackets outside of texts. One pass over the characters: a pattern would go back and forth in bad ones. */
const isDeeper = (text: string, limit: number): boolean => {
  let depth = 0
  let isText = false
  for (let at = 0; at < text.length; at++) {
    const mark = text[at]
    if (mark === '"') isText = !isText
    else if (isText) at += mark === '\\' ? 1 : 0
    else if (mark === '{' || mark === '[') depth++
    else if (mark === '}' || mark === ']') depth--
    if (depth > limit) return true
  }
  return false
}
