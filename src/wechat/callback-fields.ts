/**
 * What a push says, whether it came as XML or as JSON: names with texts, lists and further fields below them.
 * Numbers are texts as well, because a MsgID is a 64-bit number that JavaScript's numbers would round.
 */
export type Field = string | Fields | readonly Field[]

export interface Fields {
  readonly [name: string]: Field
}

/** Why a text is not read. Each is a mistake of whoever wrote it, and the same for XML and JSON where both can have it. */
export type FieldsFault = 'utf8-invalid' | 'malformed' | 'too-deep' | 'xml-unsafe'

export type Reading = { readonly fields: Fields } | { readonly fault: FieldsFault }

/** WeChat nests three deep; nobody needs more than this. */
export const deepest = 8

/** The text of a field without white space around it, under the first of these names that has one. Of several, the last counts. */
export const textOf = (fields: Fields, ...names: readonly string[]): string | undefined => {
  for (const name of names) {
    const value = fieldOf(fields, name)
    const last = isList(value) ? value.at(-1) : value
    if (typeof last === 'string' && last.trim() !== '') return last.trim()
  }
  return undefined
}

/** The entries of a list: WeChat writes a list of one as the entry itself. What is no entry is left out. */
export const entriesOf = (fields: Fields, name: string): readonly Fields[] => {
  const value = fieldOf(fields, name)
  return (isList(value) ? value : [value]).filter(isFields)
}

/** The fields below a name. */
export const below = (fields: Fields, name: string): Fields | undefined => entriesOf(fields, name).at(-1)

const fieldOf = (fields: Fields, name: string): Field | undefined =>
  Object.hasOwn(fields, name) ? fields[name] : undefined

const isList = (value: Field | undefined): value is readonly Field[] => Array.isArray(value)

const isFields = (value: Field | undefined): value is Fields => typeof value === 'object' && !isList(value)
