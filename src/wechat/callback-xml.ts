/**
 * XML as WeChat writes it: elements without attributes, texts in CDATA sections, nothing else. Everything that
 * makes XML dangerous (document types, entities, processing instructions) is refused by one pass over the text
 * before the parser sees it, so that no weakness of a parser can be reached.
 */
import { XMLParser } from 'fast-xml-parser'
import { deepest, type Field, type Fields, type FieldsFault, type Reading } from './callback-fields.ts'

/** The fields below the root, which is `<xml>`. */
export const readXml = (text: string): Reading => {
  const fault = faultOf(text)
  if (fault !== undefined) return { fault }
  let parsed: unknown
  try {
    parsed = parser.parse(text, true)
  } catch {
    return { fault: 'malformed' }
  }
  const root = isObject(parsed) ? parsed.xml : undefined
  return isObject(root) ? { fields: root as Fields } : { fault: 'malformed' }
}

/** Values stay texts, so that a MsgID keeps all its digits. */
const parser = new XMLParser({
  processEntities: false,
  parseTagValue: false,
  ignoreAttributes: true,
  ignoreDeclaration: true,
  maxNestedTags: deepest,
  tagValueProcessor: (_name, value): Field => value,
})

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Why the parser must not see this text; nothing: it may. Takes time in proportion to the text, whatever it is. */
const faultOf = (text: string): FieldsFault | undefined => {
  let at = declaration.exec(text)?.[0].length ?? 0
  let depth = 0
  for (let pieces = 0; pieces < mostPieces; pieces++) {
    const open = text.indexOf('<', at)
    if (strangeReference.test(text.slice(at, open < 0 ? undefined : open))) return 'xml-unsafe'
    if (open < 0) return undefined
    const piece = pieceAt(text, open)
    if ('fault' in piece) return piece.fault
    depth += piece.deeper
    if (depth > deepest) return 'too-deep'
    at = piece.end
  }
  return 'xml-unsafe'
}

/** Many times what any event has, and few enough for the parser, which is slow with thousands. */
const mostPieces = 2000

type Piece = { readonly end: number; readonly deeper: -1 | 0 | 1 } | { readonly fault: FieldsFault }

/** What begins with this `<`: a CDATA section or a tag. */
const pieceAt = (text: string, open: number): Piece => {
  if (text.startsWith(cdata, open)) {
    const close = text.indexOf(cdataEnd, open)
    return close < 0 ? { fault: 'malformed' } : { end: close + cdataEnd.length, deeper: 0 }
  }
  if (text[open + 1] === '!' || text[open + 1] === '?') return { fault: 'xml-unsafe' }
  tag.lastIndex = open
  const found = tag.exec(text)
  if (found === null) return { fault: 'malformed' }
  const [whole, closes, isEmpty] = found
  return { end: open + whole.length, deeper: closes ? -1 : isEmpty ? 0 : 1 }
}

const declaration = /^<\?xml\s[^<>?]*\?>/
const cdata = '<![CDATA['
const cdataEnd = ']]>'
const tag = /<(\/?)[A-Za-z_][\w.-]*\s*(\/?)>/y

/** The five that XML itself knows stand for one character each; they are left as they are, no field of ours has them. */
const strangeReference = /&(?!(?:amp|lt|gt|quot|apos);)/
