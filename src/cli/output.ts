/** What commands leave behind: data on standard output, everything else on standard error, and an exit code. */
import { padded, paint, plain, widthOf } from './terminal.ts'

export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  refused: 4,
  /** Some of it was done, or it is not over yet. */
  partial: 5,
  interrupted: 130,
} as const

/** A line of data. */
export const print = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

/** A line for whoever watches. */
export const note = (line: string): void => {
  process.stderr.write(`${line}\n`)
}

/** One JSON document, keys sorted. */
export const printJson = (value: unknown): void => print(jsonText(value, 2))

/** The same on one line, for streams of documents. */
export const printJsonLine = (value: unknown): void => print(jsonText(value))

export const jsonText = (value: unknown, indent?: number): string =>
  JSON.stringify(sorted(value), null, indent)

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  )
}

/** Aligned below a heading on a terminal; elsewhere bare lines with tabs between, for `cut` and `awk`. */
export const printTable = (heading: readonly string[], rows: readonly (readonly string[])[]): void => {
  const cells = rows.map((row) => row.map(plain))
  if (process.stdout.isTTY) for (const line of tableLines(heading, cells)) print(line)
  else for (const row of cells) print(row.join('\t'))
}

const tableLines = (heading: readonly string[], rows: readonly (readonly string[])[]): string[] => {
  const widths = heading.map((name, column) =>
    Math.max(widthOf(name), ...rows.map((row) => widthOf(row[column]!))),
  )
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => padded(cell, widths[column]!))
      .join('  ')
      .trimEnd()
  return [paint('dim', line(heading)), ...rows.map(line)]
}

/** `| head` closes our output early: that is no failure. */
export const endQuietlyWithReader = (): void => {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCodes.ok)
    throw error
  })
}
