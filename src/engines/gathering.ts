/**
 * Gathers rows that come one by one, so that they cross to where they are stored together and share one sync of its log,
 * which costs about as much as twenty rows.
 */
export interface Gathering<Row, Result> {
  /** Resolves with the results of these rows, in their order. */
  add(rows: readonly Row[]): Promise<readonly Result[]>
  /** Rows that are not answered for yet. */
  pending(): number
  /** Sends what has gathered, and resolves once all that was sent is answered for. */
  drain(): Promise<void>
}

export interface GatheringOptions<Row, Result> {
  /** Rows that are sent as soon as they are there. */
  readonly maxRows: number
  /** How long the first row waits for others; 0: only for what comes in the same turn of the event loop. */
  readonly waitMs: number
  /** Groups under way at most: while the store is busy, the next group grows. By default there is no limit. */
  readonly groupsAtOnce?: number
  readonly perform: (rows: readonly Row[]) => Promise<readonly Result[]>
  /**
   * Whether a failure may be the fault of one row. Then nothing of the group was done, and every caller's rows go alone, so
   * that one cannot fail the others. By default it is the store's own, and the group shares it.
   */
  readonly mayBeOneRow?: (error: unknown) => boolean
}

interface Caller<Row, Result> {
  readonly rows: readonly Row[]
  resolve(results: readonly Result[]): void
  reject(error: unknown): void
}

export const createGathering = <Row, Result>(
  options: GatheringOptions<Row, Result>,
): Gathering<Row, Result> => {
  const {
    maxRows,
    waitMs,
    groupsAtOnce = Number.POSITIVE_INFINITY,
    perform,
    mayBeOneRow = () => false,
  } = options
  const underWay = new Set<Promise<void>>()
  let callers: Caller<Row, Result>[] = []
  let count = 0
  let pending = 0
  /** Rows that should have been sent wait until a group is answered for. */
  let held = false
  let stopWaiting = () => {}

  /** One caller may bring any number, and a call to the server takes only so many arguments. */
  const inSteps = async (rows: readonly Row[]): Promise<readonly Result[]> => {
    if (rows.length <= 2 * maxRows) return perform(rows)
    const results: Result[] = []
    for (let start = 0; start < rows.length; start += maxRows)
      results.push(...(await perform(rows.slice(start, start + maxRows))))
    return results
  }

  const send = async (group: readonly Caller<Row, Result>[]): Promise<void> => {
    try {
      const results = await inSteps(group.flatMap(({ rows }) => rows))
      handOut(results, group)
      pending -= results.length
    } catch (error) {
      if (group.length > 1 && mayBeOneRow(error))
        return void (await Promise.all(group.map((each) => send([each]))))
      for (const { rows, reject } of group) {
        pending -= rows.length
        reject(error)
      }
    }
  }

  const flush = () => {
    stopWaiting()
    held = count > 0 && underWay.size >= groupsAtOnce
    if (count === 0 || held) return
    const group = callers
    callers = []
    count = 0
    const sent = send(group).finally(() => {
      underWay.delete(sent)
      if (held) flush()
    })
    underWay.add(sent)
  }

  return {
    add: (rows) =>
      new Promise((resolve, reject) => {
        if (rows.length === 0) return resolve([])
        if (count === 0) stopWaiting = after(waitMs, flush)
        callers.push({ rows, resolve, reject })
        count += rows.length
        pending += rows.length
        if (count >= maxRows) flush()
      }),
    pending: () => pending,
    async drain() {
      do {
        flush()
        await Promise.all(underWay)
      } while (count > 0)
    },
  }
}

const handOut = <Row, Result>(results: readonly Result[], group: readonly Caller<Row, Result>[]): void => {
  let start = 0
  for (const { rows, resolve } of group) {
    resolve(results.slice(start, start + rows.length))
    start += rows.length
  }
}

/** Calls `action` once, later; answers how to call it off. */
const after = (waitMs: number, action: () => void): (() => void) => {
  if (waitMs === 0) {
    const immediate = setImmediate(action)
    return () => clearImmediate(immediate)
  }
  const timer = setTimeout(action, waitMs)
  return () => clearTimeout(timer)
}
