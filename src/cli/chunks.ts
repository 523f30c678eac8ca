/** NDJSON cut into requests. Bytes are passed on untouched: whether a line is good is the gateway's to say. */

/** A number of whole lines that go in one request. */
export interface Chunk {
  /** The lines with their line feeds. */
  readonly bytes: Buffer
  /** Where each of them stands in the file, from 1. Empty lines are not among them. */
  readonly numbers: readonly number[]
}

/** A line that no request can hold. */
export interface TooLong {
  readonly tooLong: number
}

export interface ChunkLimits {
  readonly lines: number
  readonly bytes: number
}

const usualLimits: ChunkLimits = { lines: 1000, bytes: 900_000 }

/** Memory stays below a few chunks, however long the file or one line of it is. */
export async function* chunksOf(
  source: AsyncIterable<Buffer>,
  limits: ChunkLimits = usualLimits,
): AsyncGenerator<Chunk | TooLong> {
  let lines: Buffer[] = []
  let numbers: number[] = []
  let size = 0
  const chunk = (): Chunk => {
    const full = { bytes: Buffer.concat(lines), numbers }
    lines = []
    numbers = []
    size = 0
    return full
  }
  for await (const { number, line } of linesOf(source, limits.bytes)) {
    if (line === undefined) {
      if (numbers.length > 0) yield chunk()
      yield { tooLong: number }
      continue
    }
    if (numbers.length === limits.lines || size + line.length + 1 > limits.bytes)
      if (numbers.length > 0) yield chunk()
    lines.push(line, lineFeed)
    numbers.push(number)
    size += line.length + 1
  }
  if (numbers.length > 0) yield chunk()
}

const lineFeed = Buffer.from('\n')
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf])

interface Line {
  readonly number: number
  /** Without its line feed; absent when it is longer than a line may be. */
  readonly line: Buffer | undefined
}

/** The lines that hold something. */
async function* linesOf(source: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Line> {
  let number = 1
  let parts: Buffer[] = []
  let length = 0
  const add = (part: Buffer) => {
    length += part.length
    if (length < maxBytes) parts.push(part)
    else parts = []
  }
  const take = (): Line => {
    const line = length < maxBytes ? withoutMark(Buffer.concat(parts), number) : undefined
    parts = []
    length = 0
    return { number: number++, line }
  }
  for await (const block of source) {
    let start = 0
    for (let end = block.indexOf(10); end >= 0; end = block.indexOf(10, start)) {
      add(block.subarray(start, end))
      start = end + 1
      const taken = take()
      if (!isEmpty(taken)) yield taken
    }
    add(block.subarray(start))
  }
  const last = take()
  if (!isEmpty(last)) yield last
}

const isEmpty = ({ line }: Line): boolean =>
  line !== undefined && (line.length === 0 || (line.length === 1 && line[0] === 13))

/** Some editors begin a file with a byte order mark, which JSON does not know. */
const withoutMark = (line: Buffer, number: number): Buffer =>
  number === 1 && line.subarray(0, 3).equals(byteOrderMark) ? line.subarray(3) : line
