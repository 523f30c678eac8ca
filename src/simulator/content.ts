/** What a message says, and what of it is not let through. */
import type { Call } from './call.ts'

/** What the ledgers keep of a message: its fields, or the payload of a customer message. */
export const contentOf = (json: Call['json']): unknown => {
  if (typeof json === 'number') return null
  const { data, msgtype } = json
  if (data !== undefined || typeof msgtype !== 'string') return data ?? null
  return { msgtype, [msgtype]: json[msgtype] ?? null }
}

/** The texts that stand in a content, one after the other. */
export const textsOf = (content: unknown): string[] => {
  if (typeof content === 'string') return [content]
  return typeof content === 'object' && content !== null ? Object.values(content).flatMap(textsOf) : []
}

export const holdsWord = (content: unknown, words: readonly string[]): boolean =>
  words.length > 0 && textsOf(content).some((text) => words.some((word) => text.includes(word)))
