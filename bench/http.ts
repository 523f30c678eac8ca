/**
 * Just enough of HTTP/1.1 to cost next to nothing: both the load and the sink are ours, so that what is
 * measured between them gets the machine. Every message has a content-length or no body.
 */
const headEnd = '\r\n\r\n'

/** A function that is given bytes as they come, and calls `onMessage` with the head of each whole message. */
export const createFraming = (onMessage: (head: string) => void): ((chunk: Buffer) => void) => {
  let rest: Buffer | undefined
  return (chunk) => {
    const bytes = rest === undefined ? chunk : Buffer.concat([rest, chunk])
    let start = 0
    while (start < bytes.length) {
      const end = bytes.indexOf(headEnd, start, 'latin1')
      if (end < 0) break
      const head = bytes.toString('latin1', start, end)
      const next = end + headEnd.length + contentLength(head)
      if (next > bytes.length) break
      start = next
      onMessage(head)
    }
    rest = start === bytes.length ? undefined : bytes.subarray(start)
  }
}

const field = 'content-length: '

const contentLength = (head: string): number => {
  const at = head.indexOf(field)
  if (at >= 0) return Number.parseInt(head.slice(at + field.length), 10)
  const other = head.toLowerCase().indexOf(field)
  return other < 0 ? 0 : Number.parseInt(head.slice(other + field.length), 10)
}
