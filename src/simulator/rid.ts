import { randomBytes } from 'node:crypto'

/** The suffix's three groups of eight hex digits, the first of which is the request's Unix time (V). */
export const createRids = (): ((nowMs: number) => string) => {
  const run = randomBytes(4).toString('hex')
  let count = 0
  return (nowMs) => {
    count = (count + 1) >>> 0
    return `${hex8(nowMs / 1000)}-${hex8(count)}-${run}`
  }
}

const hex8 = (n: number): string => (n >>> 0).toString(16).padStart(8, '0')
