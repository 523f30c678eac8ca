import type { IncomingMessage } from 'node:http'

/** The longest request that is read, in bytes. */
const bodyLimit = 1 << 20

/** Calls back once with the whole body, or with nothing if it is too long; not at all if the caller hangs up. */
export const readBody = (req: IncomingMessage, done: (body: string | undefined) => void): void => {
  let first: Buffer | undefined
  let more: Buffer[] | undefined
  let length = 0
  req.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (length > bodyLimit) return
    if (first === undefined) first = chunk
    else if (more === undefined) more = [first, chunk]
    else more.push(chunk)
  })
  req.on('end', () => {
    if (length > bodyLimit) done(undefined)
    else done(more === undefined ? (first?.toString() ?? '') : Buffer.concat(more).toString())
  })
}
