/** Does one thing after the other, in the order in which they were asked for. */
export type InTurn = <Result>(work: () => Promise<Result>) => Promise<Result>

/**
 * For changes that first look at what is there: of two at once, the second sees what the first has done. They are
 * rare and short; as many can wait as there are requests.
 */
export const createTurns = (): InTurn => {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const turn = last.then(work)
    last = turn.catch(() => {})
    return turn
  }
}
