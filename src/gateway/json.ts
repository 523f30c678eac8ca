/**
 * JSON as we accept it: valid UTF-8, not deep, no key twice, no text that could not be shown or stored.
 * `JSON.parse` alone takes a million levels, keeps the last of two equal keys, and makes a `__proto__`.
 */
import { isUtf8 } from 'node:buffer'
import { Problem } from './problems.ts'

const maxDepth = 8

/** The value of a JSON text. Throws a `Problem` that says what is wrong with it. */
export const parseStrictJson = (bytes: Buffer): unknown => {
  const { value, members } = parseBounded(bytes)
  if (check(value, '') !== members) throw new Problem('json-duplicate-key')
  return value
}

/** The same for who wrote it for another reader: the last of two equal keys counts, and texts are not looked at. */
export const parseLenientJson = (bytes: Buffer): unknown => parseBounded(bytes).value

/** Refuses texts below a value that could not be shown or stored. */
export const checkTexts = (value: unknown): void => void check(value, '')

const parseBounded = (bytes: Buffer): { readonly value: unknown; readonly members: number } => {
  if (!isUtf8(bytes)) throw new Problem('utf8-invalid')
  if (bytes.length >= 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf)
    throw new Problem('text-invalid', { detail: 'The body begins with a byte order mark' })
  const members = countMembers(bytes)
  return { value: parse(bytes.toString('utf8')), members }
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Problem('json-malformed', { detail: positionOf(error) })
  }
}

/** What the parser says, without the excerpt of the body that it quotes. */
const positionOf = (error: unknown): string => {
  const position = / at position (\d+)/.exec(String(error))
  if (position) return `At position ${position[1]}`
  const token = /Unexpected token '([\x21-\x7e])'/.exec(String(error))
  if (token) return `An unexpected ${token[1]}`
  return /Unexpected token/.test(String(error)) ? 'An unexpected character' : 'It ends too early or is empty'
}

const [quote, backslash, colon, openBrace, closeBrace, openBracket, closeBracket] = [...'"\\:{}[]'].map((c) =>
  c.charCodeAt(0),
)

/** Members of all objects in the text, counted by their colons; refuses what is too deep before it is parsed. */
const countMembers = (bytes: Buffer): number => {
  let members = 0
  let depth = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === quote) at = endOfString(bytes, at)
    else if (byte === colon) members++
    else if (byte === openBrace || byte === openBracket) {
      if (++depth > maxDepth) throw new Problem('json-too-deep', { detail: `At most ${maxDepth} levels` })
    } else if (byte === closeBrace || byte === closeBracket) depth--
  }
  return members
}

const endOfString = (bytes: Buffer, start: number): number => {
  let at = start + 1
  while (at < bytes.length && bytes[at] !== quote) at += bytes[at] === backslash ? 2 : 1
  return at
}

/** Control characters of both sets but tab and line breaks, and the byte order mark. */
const unwelcome = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufeff]/

const dangerousKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/** Checks every text and key below `value`, and answers how many members its objects have. */
const check = (value: unknown, pointer: string): number => {
  if (typeof value === 'string') {
    checkText(value, pointer)
    return 0
  }
  if (typeof value !== 'object' || value === null) return 0
  let members = 0
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) members += check(value[index], `${pointer}/${index}`)
    return members
  }
  for (const key of Object.keys(value)) {
    checkKey(key, pointer)
    members += 1 + check((value as Record<string, unknown>)[key], `${pointer}/${key}`)
  }
  return members
}

const checkText = (text: string, pointer: string): void => {
  if (unwelcome.test(text) || !text.isWellFormed())
    throw new Problem('text-invalid', {
      errors: [
        { pointer, code: 'text-invalid', message: 'Holds a control character or half a surrogate pair' },
      ],
    })
}

const checkKey = (key: string, pointer: string): void => {
  if (dangerousKeys.has(key))
    throw new Problem('unknown-field', {
      errors: [{ pointer: `${pointer}/${key}`, code: 'unknown-field', message: 'There is no such field' }],
    })
  checkText(key, pointer)
}
