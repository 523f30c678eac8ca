/** The data of a template as its caller wrote it, turned into WeChat's form and checked. */
import { checkField, type FieldReason, fieldRules, fieldType } from '../fields.ts'
import { finding } from './problems.ts'
import type { MessageInput } from './schemas.ts'

export type TemplateData = Readonly<Record<string, { readonly value: string }>>

/** WeChat's form of the data, every value a text, typed keys checked by their type's rule. */
export const templateData = (data: NonNullable<MessageInput['data']>): TemplateData => {
  const result: Record<string, { value: string }> = {}
  for (const [key, given] of Object.entries(data)) {
    const value = textOf(typeof given === 'object' ? given.value : given, key)
    const fault = checkField(key, value)
    if (fault) throw finding('template-field', `/data/${key}`, fieldFault(key, fault.reason))
    result[key] = { value }
  }
  return result
}

/** A number past 2^53 has lost digits before we see it, and the user would be shown another one. */
const textOf = (value: string | number, key: string): string => {
  if (typeof value === 'number' && !(Math.abs(value) <= Number.MAX_SAFE_INTEGER))
    throw finding('type', `/data/${key}`, 'A number this large must be written as a text')
  return String(value)
}

const fieldFault = (key: string, reason: FieldReason): string => {
  const type = fieldType(key)
  return `${key} is ${reason}: a field of type ${type} is ${fieldRules.get(type!)?.rule}`
}
