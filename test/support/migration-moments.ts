import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Ends } from '../../src/migration.ts'

/**
 * The moments of a migration, counted from 0: before each of its acts, in the middle of it (asked, not answered), and
 * after it. `at` is called at every moment; what it never resolves, never goes on.
 */
export const withMoments = ({ source, target }: Ends, at: (moment: number) => void): Ends => {
  let moment = 0
  const tick = () => at(moment++)
  const around =
    <Args extends readonly unknown[], Result>(act: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      tick()
      const done = act(...args)
      await nextTurn()
      tick()
      const result = await done
      tick()
      return result
    }
  return {
    source: {
      ...source,
      get mark() {
        return source.mark
      },
      setMark(mark) {
        tick()
        source.setMark(mark)
        tick()
      },
    },
    target: {
      ...target,
      begin: around(target.begin),
      put: around(target.put) as typeof target.put,
      read: around(target.read) as typeof target.read,
      goLive: around(target.goLive),
    },
  }
}
