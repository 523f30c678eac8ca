/**
 * Gathers rows that come one by one, so that they cross to the storage thread together and share a transaction:
 * a commit costs about as much as twenty rows.
 */
export interface Batch<Row, Result> {
  /** Resolves with the results of these rows, in their order. */
  add(rows: readonly Row[]): Promise<readonly Result[]>
  /** Sends what has gathered, without waiting for more. */
  flush(): void
}

export interface BatchOptions<Row, Result> {
  /** Rows that are sent as soon as they are there. */
  readonly maxRows: number
  /** How long the first row waits for others; 0: only for what comes in the same turn of the event loop. */
  readonly waitMs: number
  readonly perform: (rows: readonly Row[]) => Promise<readonly Result[]>
}

interface Caller<Row, Result> {
  readonly rows: readonly Row[]
  resolve(results: readonly Result[]): void
  reject(error: unknown): void
}

export const createBatch = <Row, Result>(options: BatchOptions<Row, Result>): Batch<Row, Result> => {
  const { maxRows, waitMs, perform } = options
  let callers: Caller<Row, Result>[] = []
  let count = 0
  let stopWaiting = () => {}

  const send = (group: readonly Caller<Row, Result>[]): void => {
    const rows = group.length === 1 ? group[0]!.rows : group.flatMap((caller) => caller.rows)
    perform(rows).then(
      (results) => handOut(results, group),
      (error: unknown) => {
        // One that cannot be stored must not take the others with it.
        if (group.length === 1) group[0]!.reject(error)
        else for (const caller of group) send([caller])
      },
    )
  }

  const flush = () => {
    stopWaiting()
    if (count === 0) return
    const group = callers
    callers = []
    count = 0
    send(group)
  }

  return {
    add: (rows) =>
      new Promise((resolve, reject) => {
        if (rows.length === 0) return resolve([])
        if (count === 0) stopWaiting = after(waitMs, flush)
        callers.push({ rows, resolve, reject })
        count += rows.length
        if (count >= maxRows) flush()
      }),
    flush,
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
