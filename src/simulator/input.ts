/** Reading what people send to the admin API. A name that nobody knows is a mistake, not a wish to be ignored. */

/** The sentence is shown to the caller with status 400, with the place of the mistake before it if it is known. */
export class BadInput extends Error {
  readonly reason: string
  readonly place: string

  constructor(reason: string, place = '') {
    super(place === '' ? reason : `${place}: ${reason}`)
    this.reason = reason
    this.place = place
  }
}

export interface Input {
  /** The fields as they came. */
  readonly given: Readonly<Record<string, unknown>>
  text(name: string): string | undefined
  number(name: string, bounds: Bounds): number | undefined
  flag(name: string): boolean | undefined
  /** One of these values, of whatever type. */
  choice<T>(name: string, choices: readonly T[]): T | undefined
  texts(name: string): string[] | undefined
}

export interface Bounds {
  readonly min: number
  readonly max?: number
  readonly integer?: true
}

export const readInput = (value: unknown, known: readonly string[]): Input => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new BadInput('an object is needed')
  const given: Readonly<Record<string, unknown>> = { ...value }
  const stranger = Object.keys(given).find((name) => !known.includes(name))
  if (stranger !== undefined)
    throw new BadInput(`${stranger} is not known here; known are ${known.join(', ')}`)

  const typed = <T>(name: string, is: (value: unknown) => value is T, what: string): T | undefined => {
    const field = given[name] ?? undefined
    if (field === undefined || is(field)) return field
    throw new BadInput(`${name} must be ${what}`)
  }
  return {
    given,
    text: (name) => typed(name, isText, 'a text'),
    number: (name, bounds) => typed(name, isWithin(bounds), describe(bounds)),
    flag: (name) => typed(name, isFlag, 'true or false'),
    choice: <T>(name: string, choices: readonly T[]) =>
      typed(name, (field): field is T => choices.includes(field as T), `one of ${choices.join(', ')}`),
    texts: (name) => typed(name, isTexts, 'a list of texts'),
  }
}

/** Adds where in a larger text a mistake stands, such as `accounts[0].templates[2]`. */
export const within = <T>(place: string, read: () => T): T => {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof BadInput)) throw cause
    // Places nest: the inner one follows its outer one directly.
    const inner = cause.place === '' ? '' : `${/^\[/.test(cause.place) ? '' : '.'}${cause.place}`
    throw new BadInput(cause.reason, `${place}${inner}`)
  }
}

/** Every item of a list, read by `read`. Nothing there is an empty list. */
export const readList = <T>(name: string, list: unknown, read: (item: unknown) => T): T[] => {
  if (list === undefined || list === null) return []
  if (!Array.isArray(list)) throw new BadInput('a list is needed', name)
  return list.map((item, index) => within(`${name}[${index}]`, () => read(item)))
}

/** A moment as ISO 8601 text, in milliseconds since 1970. */
export const readTime = (name: string, text: string | undefined): number | undefined => {
  if (text === undefined) return undefined
  const at = Date.parse(text)
  if (Number.isNaN(at))
    throw new BadInput(`${name} must be a date and time, such as 2026-05-01T12:00:00+08:00`)
  return at
}

/** A field that cannot be left out. */
export const needed = <T>(name: string, value: T | undefined): T => {
  if (value === undefined) throw new BadInput(`${name} is missing`)
  return value
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isFlag = (value: unknown): value is boolean => typeof value === 'boolean'
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText)

const isWithin =
  ({ min, max = Infinity, integer }: Bounds) =>
  (value: unknown): value is number =>
    typeof value === 'number' && value >= min && value <= max && (!integer || Number.isInteger(value))

const describe = ({ min, max, integer }: Bounds): string =>
  [
    integer ? 'a whole number' : 'a number',
    min > -Infinity ? `of at least ${min}` : '',
    max === undefined ? '' : `and at most ${max}`,
  ]
    .filter(Boolean)
    .join(' ')
