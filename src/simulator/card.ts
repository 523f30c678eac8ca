/**
 * What a message looks like on the phone, as far as its bytes tell: a card for templates, a bubble for
 * customer messages. A picture of words, not of artwork; the page says that it is an approximation.
 */
import { fieldsOf, isRecord } from './template.ts'

export type Bubble =
  | {
      readonly kind: 'card'
      readonly title: string
      readonly rows: readonly CardRow[]
      readonly footer: CardFooter
    }
  | { readonly kind: 'text'; readonly text: string }
  /** Something that only WeChat could show. */
  | { readonly kind: 'media'; readonly media: string; readonly title: string; readonly text: string }
  | { readonly kind: 'menu'; readonly text: string; readonly items: readonly string[]; readonly tail: string }

export interface CardRow {
  /** In front of the value; of a template nobody told us of, the key. Empty: the value stands alone. */
  readonly label: string
  readonly key: string
  readonly value: string
}

/** Where a tap leads. `none`: the card cannot be tapped. */
export type CardFooter =
  | { readonly kind: 'none' }
  | { readonly kind: 'details'; readonly target: string }
  | { readonly kind: 'miniprogram'; readonly target: string }

export interface CardTemplate {
  readonly title: string
  readonly content: string
}

type Json = Readonly<Record<string, unknown>>

/** `json` is the body of the call. */
export const bubbleOf = (json: Json, template: CardTemplate | undefined): Bubble => {
  if (typeof json.msgtype === 'string') return customerBubble(json.msgtype, recordOf(json[json.msgtype]))
  if (isOnceMessage(json)) return onceCard(json)
  const title = template?.title ?? ''
  return { kind: 'card', title, rows: rowsOf(json.data, template), footer: footerOf(json) }
}

/** template/subscribe brings a title and one text of its own: the template gives only the permission. */
export const isOnceMessage = ({ scene }: Json): boolean => scene !== undefined

const onceCard = (json: Json): Bubble => ({
  kind: 'card',
  title: textOf(json.title),
  rows: [{ key: 'content', label: '', value: valuesOf(json.data).content ?? '' }],
  footer: footerOf(json),
})

/** One line for the list. */
export const summaryOf = (bubble: Bubble): string => {
  switch (bubble.kind) {
    case 'card':
      return bubble.rows.map(({ value }) => value).join(' · ')
    case 'media':
      return [bubble.title, bubble.text].filter(Boolean).join(' · ')
    case 'menu':
    case 'text':
      return bubble.text
  }
}

/** The values of `data`, as texts, in the order in which they came. */
export const valuesOf = (data: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(recordOf(data)).map(([key, field]) => [key, textOf(recordOf(field).value)]),
  )

/** Dropped by WeChat since 2023-05-04 wherever they stand (D). */
export const droppedKeys: readonly string[] = ['first', 'remark']

const rowsOf = (data: unknown, template: CardTemplate | undefined): readonly CardRow[] => {
  const values = valuesOf(data)
  const labels = labelsOf(template?.content ?? '')
  const keys = template === undefined ? Object.keys(values) : fieldsOf(template.content).map(({ key }) => key)
  return keys
    .filter((key) => !droppedKeys.includes(key))
    .map((key) => ({ key, label: labels.get(key) ?? key, value: shown(key, values[key] ?? '') }))
}

/** `Label:{{key.DATA}}`, one a line; the colon may be a Chinese one. */
export const labelsOf = (content: string): ReadonlyMap<string, string> => {
  const labels = new Map<string, string>()
  for (const line of content.split('\n')) {
    const [field] = fieldsOf(line)
    const label = line.slice(0, Math.max(0, line.indexOf('{'))).replace(/[:：\s]+$/, '')
    if (field !== undefined && label !== '') labels.set(field.key, label.trim())
  }
  return labels
}

const historicalKey = /^keyword\d+$/
const historicalLimit = 20

/** Historical templates are folded without an error: 20 characters, and nothing after a line break (D). */
export const isFolded = (key: string, value: string): boolean =>
  historicalKey.test(key) && (value.includes('\n') || [...value].length > historicalLimit)

const shown = (key: string, value: string): string => {
  if (!isFolded(key, value)) return value
  const [line = ''] = value.split('\n')
  const characters = [...line]
  return characters.length > historicalLimit ? `${characters.slice(0, historicalLimit).join('')}…` : line
}

/** The mini program wins over the url (D). `page` is the one of subscribe messages. */
const footerOf = ({ miniprogram, page, url }: Json): CardFooter => {
  const program = recordOf(miniprogram)
  if (typeof program.appid === 'string')
    return { kind: 'miniprogram', target: `${program.appid} ${textOf(program.pagepath)}`.trim() }
  if (textOf(page) !== '') return { kind: 'details', target: textOf(page) }
  return textOf(url) === '' ? { kind: 'none' } : { kind: 'details', target: textOf(url) }
}

const customerBubble = (msgtype: string, content: Json): Bubble => {
  switch (msgtype) {
    case 'text':
      return { kind: 'text', text: plainText(textOf(content.content)) }
    case 'msgmenu':
      return {
        kind: 'menu',
        text: textOf(content.head_content),
        items: listOf(content.list).map((item) => textOf(item.content)),
        tail: textOf(content.tail_content),
      }
    case 'news': {
      const [article = {}] = listOf(content.articles)
      return media(msgtype, textOf(article.title), textOf(article.description))
    }
    default:
      return media(msgtype, textOf(content.title), textOf(content.description) || idOf(content))
  }
}

const media = (name: string, title: string, text: string): Bubble => ({
  kind: 'media',
  media: name,
  title,
  text,
})

/** What stands for a thing that was uploaded before. */
const idOf = ({ media_id, article_id, card_id, pagepath }: Json): string =>
  [media_id, article_id, card_id, pagepath].map(textOf).find((text) => text !== '') ?? ''

/** Links are allowed in texts; the phone shows their words. */
const plainText = (text: string): string => text.replace(/<a\b[^>]*>|<\/a>/gi, '')

const recordOf = (value: unknown): Json => (isRecord(value) ? value : {})
const listOf = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.map(recordOf) : [])

export const textOf = (value: unknown): string =>
  typeof value === 'string'
    ? value
    : typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : ''
