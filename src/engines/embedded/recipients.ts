/**
 * Finding the messages of one person among many millions, without an index that has to be kept up for each
 * message. A B-tree over openids is written at a random place for every row, and that alone would cost as much
 * as everything else that is stored. Instead every stretch of 4,096 messages, once complete, is summed up in one
 * small entry: the hashes of its openids, sorted, each with its place in the stretch. A search looks into each
 * entry (8 bytes a message, in order) and reads only the messages it finds there; the newest messages, whose
 * stretch is not complete, are looked through one by one.
 */
import type { DatabaseSync } from 'node:sqlite'

export const stretchLength = 4096

/** FNV-1a, 32 bits: fast, and even enough that a stretch rarely holds a false hit. */
const hashOf = (openid: string): number => {
  let hash = 0x811c9dc5
  for (let at = 0; at < openid.length; at++) hash = Math.imul(hash ^ openid.charCodeAt(at), 0x01000193)
  return hash >>> 0
}

/** An entry is a sequence of 64-bit numbers, ascending: hash × 4,096 + place. All below 2^44, so exact as doubles. */
const entryOf = (rows: readonly { readonly seq: number; readonly touser: string }[]): Uint8Array => {
  const numbers = Float64Array.from(
    rows,
    ({ seq, touser }) => hashOf(touser) * stretchLength + (seq % stretchLength),
  )
  return new Uint8Array(numbers.sort().buffer)
}

/** Sums up stretches as they become complete. Called within the transaction that completes them. */
export const createRecipients = (db: DatabaseSync) => {
  const members = db.prepare('SELECT seq, touser FROM messages WHERE seq >= ? AND seq < ?')
  const insert = db.prepare('INSERT INTO recipients (stretch, entries) VALUES (?, ?)')
  const { next } = db.prepare('SELECT coalesce(max(stretch) + 1, 0) AS next FROM recipients').get() as {
    next: number
  }
  let nextStretch = next

  return {
    /** `lastSeq` has been written. */
    advance(lastSeq: number): void {
      while ((nextStretch + 1) * stretchLength <= lastSeq) {
        const start = nextStretch * stretchLength
        const rows = members.all(start, start + stretchLength) as unknown as { seq: number; touser: string }[]
        insert.run(nextStretch++, entryOf(rows))
      }
    },
    /** A transaction was rolled back: what it summed up is not there. */
    reset(): void {
      nextStretch = (
        db.prepare('SELECT coalesce(max(stretch) + 1, 0) AS next FROM recipients').get() as { next: number }
      ).next
    },
  }
}

/** The places where messages of this openid may be, newest first, below `high` and above `low`. */
export const placesOf = function* (
  db: DatabaseSync,
  openid: string,
  { low, high }: { readonly low: number; readonly high: number },
): Generator<number> {
  const { complete } = db
    .prepare('SELECT coalesce(max(stretch) + 1, 0) AS complete FROM recipients')
    .get() as {
    complete: number
  }
  const tail = db.prepare(
    'SELECT seq FROM messages WHERE seq >= ? AND seq < ? AND touser = ? ORDER BY seq DESC',
  )
  for (const { seq } of tail.all(complete * stretchLength, high, openid) as unknown as { seq: number }[])
    if (seq > low) yield seq

  const entries = db.prepare(
    'SELECT stretch, entries FROM recipients WHERE stretch >= ? AND stretch <= ? ORDER BY stretch DESC',
  )
  const hash = hashOf(openid)
  for (const row of entries.iterate(Math.floor(low / stretchLength), Math.floor(high / stretchLength))) {
    const { stretch, entries: bytes } = row as unknown as { stretch: number; entries: Uint8Array }
    for (const place of placesIn(bytes, hash)) {
      const seq = stretch * stretchLength + place
      if (seq > low && seq < high) yield seq
    }
  }
}

/** Places of one hash in an entry, highest first. */
const placesIn = (bytes: Uint8Array, hash: number): readonly number[] => {
  const numbers = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8)
  const end = lowerBound(numbers, (hash + 1) * stretchLength)
  const places: number[] = []
  for (let at = end - 1; at >= 0 && numbers[at]! >= hash * stretchLength; at--)
    places.push(numbers[at]! % stretchLength)
  return places
}

const lowerBound = (numbers: Float64Array, value: number): number => {
  let low = 0
  let high = numbers.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (numbers[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}
