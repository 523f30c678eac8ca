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
  for (let tags = 0; tags < mostTags; ) {
    const open = text.indexOf('<', at)
    if (strangeReference.test(text.slice(at, open < 0 ? undefined : open))) return 'xml-unsafe'
    if (open < 0) return undefined
    const end = text.startsWith(cdata, open) ? text.indexOf(cdataEnd, open) : undefined
    if (end === undefined) {
      if (text[open + 1] === '!' || text[open + 1] === '?') return 'xml-unsafe'
      tag.lastIndex = open
      const found = tag.exec(text)
      if (found === null) return 'malformed'
      tags++
      const [whole, closes, isEmpty] = found
      if (closes) depth--
      else if (!isEmpty) depth++
      if (depth > deepest) return 'too-deep'
      at = open + whole.length
    } else {
      if (end < 0) return 'malformed'
      at = end + cdataEnd.length
    }
  }
  return 'xml-unsafe'
}

/** Many times what any event has, and few enough for the parser, which is slow with thousands. */
const mostTags = 1000

const declaration = /^<\?xml\s[^<>?]*\?>/
const cdata = '<![CDATA['
const cdataEnd = ']]>'
const tag = /<(\/?)[A-Za-z_][\w.-]*\s*(\/?)>/y

/** The five that XML itself knows stand for one character each; they are left as they are, no field of ours has them. */
const strangeReference = /&(?!(?:amp|lt|gt|quot|apos);)/
