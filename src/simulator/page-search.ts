/**
 * The search line of the page: `to:oDemo template:发货 -errcode:0 field.thing2:"红茶" is:unread before:2026-05-01 words`.
 *
 * Every term must hold; `-` in front turns a term round; quotation marks keep blanks together. Texts are
 * found anywhere and without regard to case, except tags and codes, which must be the same. What looks
 * like a key and is none, such as `15:01`, is a word like others.
 */

/** What can be searched of a message. */
export interface SearchRow {
  readonly touser: string | null
  /** Everything the template is called by: id, alias, title. */
  readonly template: readonly string[]
  /** Everything the account is called by: appid, name. */
  readonly app: readonly string[]
  /** `null`: nobody was answered. */
  readonly errcode: number | null
  readonly tags: readonly string[]
  /** Milliseconds since 1970, simulated. */
  readonly at: number
  readonly unread: boolean
  /** Whether the user got the message. */
  readonly delivered: boolean
  /** Values by key. */
  readonly fields: Readonly<Record<string, string>>
  /** What else a bare word may stand in: texts, msgid, client_msg_id. */
  readonly words: readonly string[]
}

export interface Search {
  readonly terms: readonly Term[]
  /** Terms that could not be read, as they were written. They narrow nothing. */
  readonly unreadable: readonly string[]
}

interface Term {
  readonly negated: boolean
  readonly holds: (row: SearchRow) => boolean
}

type Holds = Term['holds']

export const parseSearch = (text: string): Search => {
  const terms: Term[] = []
  const unreadable: string[] = []
  for (const [written, minus, key, quoted, bare] of text.slice(0, longestSearch).matchAll(termShape)) {
    const value = (quoted ?? bare ?? '').replaceAll('"', '')
    if (value === '' && key === undefined) continue
    const holds = key === undefined ? holdsWord(value) : holdsKey(key.slice(0, -1), value)
    if (holds === undefined) unreadable.push(written.trim())
    else terms.push({ negated: minus !== undefined, holds })
  }
  return { terms, unreadable }
}

export const matchesSearch = (row: SearchRow, { terms }: Search): boolean =>
  terms.every(({ negated, holds }) => holds(row) !== negated)

const longestSearch = 1_000

/** An optional minus, an optional known key with its colon, and a value in quotation marks or without blanks. */
const termShape =
  /(?<!\S)(-(?=\S))?((?:to|template|app|errcode|tag|before|after|is|field\.\w+):)?(?:"([^"]*)"?|(\S+)|(?=\s|$))/gi

/** Nothing: the value makes no sense under this key. */
const holdsKey = (written: string, value: string): Holds | undefined => {
  const key = written.toLowerCase()
  if (value === '') return undefined
  if (key.startsWith('field.')) return holdsField(written.slice('field.'.length), value)
  switch (key) {
    case 'to':
      return ({ touser }) => touser !== null && contains(touser, value)
    case 'template':
      return ({ template }) => template.some((name) => contains(name, value))
    case 'app':
      return ({ app }) => app.some((name) => contains(name, value))
    case 'tag':
      return ({ tags }) => tags.some((tag) => tag.toLowerCase() === value.toLowerCase())
    case 'errcode':
      return holdsErrcode(value)
    case 'is':
      return states[value.toLowerCase()]
    default:
      return holdsTime(key, value)
  }
}

const holdsWord =
  (word: string): Holds =>
  ({ touser, template, app, tags, fields, words }) =>
    [touser ?? '', ...template, ...app, ...tags, ...Object.values(fields), ...words].some((text) =>
      contains(text, word),
    )

const holdsField =
  (key: string, value: string): Holds =>
  ({ fields }) =>
    Object.hasOwn(fields, key) && contains(fields[key] ?? '', value)

/** A number, or `none` for a call that nobody answered. */
const holdsErrcode = (value: string): Holds | undefined => {
  if (value.toLowerCase() === 'none') return ({ errcode }) => errcode === null
  return /^-?\d{1,9}$/.test(value) ? ({ errcode }) => errcode === Number(value) : undefined
}

const states: Readonly<Record<string, Holds>> = {
  unread: ({ unread }) => unread,
  read: ({ unread }) => !unread,
  accepted: ({ errcode }) => errcode === 0,
  refused: ({ errcode }) => errcode !== null && errcode !== 0,
  unanswered: ({ errcode }) => errcode === null,
  delivered: ({ delivered }) => delivered,
}

/** `2026-05-01`, `2026-05-01T12:00` or `2026-05-01T12:00:30`; in Beijing, unless a zone is written behind it. */
const timeShape = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d(?::\d\d)?))?(Z|[+-]\d\d:\d\d)?$/i

const holdsTime = (key: string, value: string): Holds | undefined => {
  const [, day, time = '00:00', zone = '+08:00'] = timeShape.exec(value) ?? []
  const moment = day === undefined ? Number.NaN : Date.parse(`${day}T${time}${zone}`)
  if (Number.isNaN(moment)) return undefined
  return key === 'before' ? ({ at }) => at < moment : ({ at }) => at >= moment
}

const contains = (text: string, part: string): boolean => text.toLowerCase().includes(part.toLowerCase())
