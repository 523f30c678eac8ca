/**
 * The msgid that the facade answers: WeChat's callers keep a 64-bit number, and our ids are longer.
 *
 * It is made of the id alone, so it needs no place of its own: 41 bits of milliseconds since 2020, good until 2089,
 * and the last 22 bits of the id, which are random. Two messages of one millisecond share a number once in four
 * million pairs; a gateway that gives such a number out sees to it that it has not just given the same one.
 * Like WeChat's own it is far above 2^53, where JavaScript numbers skip most integers, so it exists as text only.
 */
import type { MessageId } from './message.ts'

const epochMs = Date.UTC(2020, 0, 1)
const randomBits = 22n
const randomMask = (1n << randomBits) - 1n
const momentMask = (1n << 41n) - 1n

/** Hex digits of the id: 12 of its time, and at its end enough for the random bits. */
const timeDigits = 12
const randomDigits = 6

/** Grows from one millisecond to the next; fits into a signed 64-bit integer. */
export const facadeMsgid = (id: MessageId): string => {
  const hex = id.slice('msg_'.length)
  const sinceEpoch = BigInt(Math.max(0, Number.parseInt(hex.slice(0, timeDigits), 16) - epochMs))
  const random = BigInt(`0x${hex.slice(-randomDigits)}`) & randomMask
  return String(((sinceEpoch & momentMask) << randomBits) | random)
}

/** The millisecond in which the message with this number was accepted; nothing for a text that is no such number. */
export const facadeMsgidTime = (text: string): number | undefined =>
  /^[1-9]\d{14,18}$/.test(text) ? Number(BigInt(text) >> randomBits) + epochMs : undefined
