import { createHash } from 'node:crypto'

/** Of rows in any order: how many there were, and a sum that two sets of rows share only when they are equal. */
export interface Checksum {
  /** A row as its canonical text. */
  add(text: string): void
  readonly count: number
  /** 32 hex digits. */
  digest(): string
}

/** A sum of digests does not depend on their order, and a row that comes twice does not cancel itself out. */
export const createChecksum = (): Checksum => {
  let count = 0
  let sum = 0n
  return {
    add(text) {
      count++
      sum = (sum + digestOf(text)) % modulus
    },
    get count() {
      return count
    },
    digest: () => sum.toString(16).padStart(32, '0'),
  }
}

const modulus = 1n << 128n

const digestOf = (text: string): bigint =>
  BigInt(`0x${createHash('sha256').update(text).digest('hex').slice(0, 32)}`)

/** JSON with sorted names: equal values have equal texts, however they were put together. */
export const canonicalText = (value: unknown): string => JSON.stringify(value, inOrder)

const inOrder = (_: string, value: unknown): unknown => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries)
}
