/**
 * Makes a value that is too long fit its field, where that is honest.
 *
 * Only free text is cut: `thing` and `short_thing`. Half an order number, a telephone number, an amount or somebody's
 * name is another one, and an approved word with a part missing is none, so for those there is no shorter value. An
 * ellipsis inside the limit says that something is missing.
 *
 * How WeChat counts is not documented. A text of so many UTF-16 units is short enough under any counting, so that is
 * what is counted here, and a character that a person sees as one is never cut in two.
 */
import { checkValue, type FieldType, fieldRules } from './fields.ts'

const cuttable: ReadonlySet<FieldType> = new Set<FieldType>(['thing', 'short_thing'])

export const canBeCut = (type: FieldType): boolean => cuttable.has(type)

const ellipsis = '…'

/** The value itself if it is short enough, a shorter one, or nothing if there is no honest one that WeChat takes. */
export const shorten = (type: FieldType, value: string): string | undefined => {
  if (checkValue(type, value, { lengthUnit: 'utf16' }) === undefined) return value
  const { limit } = fieldRules.get(type)!
  if (!canBeCut(type) || value.length <= limit) return undefined
  const kept = wholeCharacters(value, limit - ellipsis.length)
  // One character can be longer than the field, and then nothing would be left but the ellipsis.
  if (kept === '') return undefined
  const cut = kept + ellipsis
  return checkValue(type, cut) ? undefined : cut
}

/** As many whole characters from the beginning as fit into so many UTF-16 units, without blanks at the end. */
const wholeCharacters = (value: string, units: number): string => {
  let end = 0
  for (const { segment, index } of characters().segment(value)) {
    if (index + segment.length > units) break
    if (segment.trim() !== '') end = index + segment.length
  }
  return value.slice(0, end)
}

let segmenter: Intl.Segmenter | undefined

/** Made when it is first needed: it is costly, and most services never need one. */
const characters = (): Intl.Segmenter => {
  segmenter ??= new Intl.Segmenter('zh', { granularity: 'grapheme' })
  return segmenter
}
