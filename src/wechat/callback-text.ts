import type { Reading } from './callback-fields.ts'
import { readJson } from './callback-json.ts'
import { readXml } from './callback-xml.ts'

/** The format is told by the first character, because the content type is not to be trusted. */
export const readFields = (text: string): Reading => {
  const start = text.trimStart()
  if (start.startsWith('<')) return readXml(start)
  return start.startsWith('{') ? readJson(start) : { fault: 'malformed' }
}

/** Of bytes that should be UTF-8. A byte order mark does no harm. */
export const readBytes = (bytes: Uint8Array): Reading => {
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    return { fault: 'utf8-invalid' }
  }
  return readFields(text)
}

const utf8 = new TextDecoder('utf-8', { fatal: true })
