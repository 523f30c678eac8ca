/**
 * The simulator's only source of chance: mulberry32, a 32-bit generator of one addition and three
 * mixing steps. The same seed and the same order of calls give the same delays and the same faults.
 * It is not meant for secrets.
 */
export interface Random {
  /** The next number, 0 ≤ n < 1. */
  next(): number
  /** The next number of the standard normal distribution. */
  normal(): number
}

export const createRandom = (seed: number): Random => {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  return {
    next,
    // Box–Muller. `1 - next()` keeps zero out of the logarithm.
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  }
}
