/**
 * The ids of accepted messages. They are far above 2^53 and only 131 apart, while JavaScript numbers
 * of that size are 512 apart: a client that reads one as a number gets a wrong id, and the same wrong
 * id for several messages. They exist as text only.
 */
export interface Msgids {
  /** Unique and increasing. */
  next(): string
  /** The id last given, or nothing. */
  last(): string | undefined
  /** The next id comes after this one. */
  continueAfter(msgid: string): void
}

const before = 3_500_000_000_000_000_000n
const step = 131n

export const createMsgids = (): Msgids => {
  let current = before
  return {
    next: () => {
      current += step
      return String(current)
    },
    last: () => (current === before ? undefined : String(current)),
    continueAfter: (msgid) => {
      const given = BigInt(msgid)
      if (given > current) current = given
    },
  }
}
