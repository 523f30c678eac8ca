/**
 * The search for messages: words and `name:value` terms, all of which must hold; `-` before one turns it
 * round, double quotes keep blanks together.
 *
 * `to:` the openid · `template:` id, alias or title · `app:` appid or name · `errcode:` · `tag:` ·
 * `field.thing1:` a value that contains this · `before:` and `after:` a moment, or a date in Beijing · `is:` accepted, refused or
 * undelivered · a bare word stands somewhere in the values
 */
import { textsOf } from './content.ts'
import { BadInput, readTime } from './input.ts'
import type { Row, Search } from './selection.ts'

/** What a row of either ledger may say besides its ids. Without an errcode it is a message that was accepted. */
interface Searchable extends Row {
  readonly data?: unknown
  readonly at?: number
  readonly tags?: readonly string[]
  readonly errcode?: number | null
  readonly receipt?: string
}

/** Other names of what the rows know by id. */
export interface SearchNames {
  accountName(appid: string): string | undefined
  /** Alias and title of a template. */
  templateNames(appid: string, templateId: string): readonly string[]
}

type Test = (row: Searchable) => boolean

/** Throws `BadInput` for a term that does not exist. */
export const parseSearch = (text: string, names: SearchNames): Search => {
  const tests = termsOf(text).map(({ negated, name, value }) => {
    const test = testOf(name, value, names)
    return negated ? (row: Searchable) => !test(row) : test
  })
  return (row) => tests.every((test) => test(row))
}

interface Term {
  readonly negated: boolean
  /** Empty for a bare word. */
  readonly name: string
  readonly value: string
}

const longestSearch = 1_000
const termShape = /(-?)(?:([a-z]+(?:\.\w+)?):)?(?:"([^"]*)"|(\S+))/g

const termsOf = (text: string): Term[] => {
  if (text.length > longestSearch) throw new BadInput(`q is longer than ${longestSearch} characters`)
  return Array.from(text.matchAll(termShape), ([, minus, name = '', quoted, bare]) => ({
    negated: minus === '-',
    name,
    value: quoted ?? bare ?? '',
  }))
}

const testOf = (name: string, value: string, names: SearchNames): Test => {
  if (name.startsWith('field.')) return fieldTest(name.slice('field.'.length), value)
  switch (name) {
    case '':
      return ({ data }) => textsOf(data).some((text) => text.includes(value))
    case 'to':
      return ({ touser }) => touser === value
    case 'template':
      return ({ appid, template_id: id }) =>
        id === value || (!!id && names.templateNames(appid ?? '', id).includes(value))
    case 'app':
      return ({ appid }) => appid === value || (appid !== null && names.accountName(appid) === value)
    case 'errcode':
      return errcodeTest(value)
    case 'tag':
      return ({ tags }) => tags?.includes(value) ?? false
    case 'before':
    case 'after':
      return timeTest(name, value)
    case 'is':
      return stateTest(value)
  }
  throw new BadInput(
    `q: there is no ${name}: to search for; write "${name}:${value}" for the words themselves`,
  )
}

const fieldTest =
  (key: string, value: string): Test =>
  ({ data }) =>
    typeof data === 'object' &&
    data !== null &&
    Object.hasOwn(data, key) &&
    textsOf((data as Record<string, unknown>)[key]).some((text) => text.includes(value))

const errcodeOf = ({ errcode }: Searchable): number | null => (errcode === undefined ? 0 : errcode)

const errcodeTest = (value: string): Test => {
  if (!/^-?\d{1,10}$/.test(value)) throw new BadInput('q: errcode: must be a whole number')
  return (row) => errcodeOf(row) === Number(value)
}

const timeTest = (name: 'before' | 'after', value: string): Test => {
  const day = /^\d{4}-\d\d-\d\d$/.test(value)
  const limit = readTime(`q: ${name}:`, day ? `${value}T00:00:00+08:00` : value) ?? 0
  return name === 'before' ? ({ at = 0 }) => at < limit : ({ at = 0 }) => at > limit
}

const stateTest = (value: string): Test => {
  switch (value) {
    case 'accepted':
      return (row) => errcodeOf(row) === 0
    case 'refused':
      return (row) => errcodeOf(row) !== 0
    case 'undelivered':
      return ({ receipt }) => receipt !== undefined
  }
  throw new BadInput('q: is: must be one of accepted, refused, undelivered')
}
