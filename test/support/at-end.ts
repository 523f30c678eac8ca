import type { TestContext } from 'node:test'

const stacks = new WeakMap<TestContext, (() => unknown)[]>()

/**
 * Does `end` after the test, what was begun last first: an engine is closed before its folder goes. The
 * runner's own hooks run in the order of their registration, and one that fails keeps the others from running.
 */
export const atEnd = (t: TestContext, end: () => unknown): void => {
  const stack = stacks.get(t)
  if (stack) {
    stack.push(end)
    return
  }
  const ends = [end]
  stacks.set(t, ends)
  t.after(async () => {
    const failures: unknown[] = []
    for (const each of ends.toReversed()) {
      try {
        await each()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  })
}
