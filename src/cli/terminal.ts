/** What a terminal needs to know of a text: its colour, its width in columns, and where it may be broken. */
import { styleText } from 'node:util'

export type Style = Parameters<typeof styleText>[0]

/** Coloured where the stream shows colours: NO_COLOR, FORCE_COLOR and pipes are respected. */
export const paint = (style: Style, text: string, stream: NodeJS.WriteStream = process.stdout): string =>
  styleText(style, text, { stream })

/** For `--no-color`. */
export const withoutColour = (): void => {
  delete process.env.FORCE_COLOR
  process.env.NO_COLOR = '1'
}

/** Columns that may be filled: without end where nobody looks. */
export const columnsOf = (stream: NodeJS.WriteStream): number => stream.columns || Number.POSITIVE_INFINITY

/** Without what could move the cursor or break a line: texts of others are shown, not obeyed. */
export const plain = (text: string): string =>
  text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, '\ufffd')

const wide =
  '\\u1100-\\u115f\\u2e80-\\u303e\\u3041-\\ua4cf\\uac00-\\ud7a3\\uf900-\\ufaff\\ufe30-\\ufe6f\\uff00-\\uff60\\uffe0-\\uffe6\\u{1f300}-\\u{1faff}\\u{20000}-\\u{3fffd}'
const isWide = new RegExp(`[${wide}]`, 'u')
const isMark = /\p{Mark}/u

/** Columns a text takes: Chinese characters two, combining marks none. */
export const widthOf = (text: string): number => {
  let width = 0
  for (const character of text) width += isWide.test(character) ? 2 : isMark.test(character) ? 0 : 1
  return width
}

export const padded = (text: string, width: number): string =>
  text + ' '.repeat(Math.max(0, width - widthOf(text)))

/** A word, or one wide character with the punctuation that may not begin a line. */
const unit = new RegExp(`\\s+|[${wide}][，。；：、！？）」》”]*|[^\\s${wide}]+[，。；：、！？）」》”]*`, 'gu')

/** Lines of at most `columns`, all indented. A word longer than a line is left whole, so that it can be copied. */
export const wrapped = (text: string, columns: number, indent = '  ', first = indent): string[] => {
  const lines: string[] = []
  let line = ''
  for (const part of text.match(unit) ?? []) {
    const lead = lines.length === 0 ? first : indent
    if (line !== '' && widthOf(lead + line + part.trimEnd()) > columns) {
      lines.push(lead + line.trimEnd())
      line = part.trimStart()
    } else line += line === '' ? part.trimStart() : part
  }
  return [...lines, (lines.length === 0 ? first : indent) + line.trimEnd()]
}
