import { randomBytes } from 'node:crypto'

/** A text that nobody would come upon by chance. */
export const canary = (what: string): string => `canary-${what}-${randomBytes(6).toString('hex')}`

/** The texts among these that stand in another, as they are or in an encoding. */
export const canariesIn = (text: string, canaries: readonly string[]): readonly string[] =>
  canaries.filter((each) => spellingsOf(each).some((spelling) => text.includes(spelling)))

const spellingsOf = (text: string): readonly string[] => {
  const bytes = Buffer.from(text)
  return [text, encodeURIComponent(text), bytes.toString('base64').replace(/=+$/, ''), bytes.toString('hex')]
}
