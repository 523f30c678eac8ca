const everyMs = { terminal: 100, elsewhere: 10_000 }

/** How far it is, on standard error: one line that changes on a terminal, a line every ten seconds elsewhere. */
export const createProgress = (stream: NodeJS.WriteStream = process.stderr) => {
  const intervalMs = stream.isTTY ? everyMs.terminal : everyMs.elsewhere
  let shownAt = performance.now()
  let dirty = false
  return {
    show(text: string): void {
      if (performance.now() - shownAt < intervalMs) return
      shownAt = performance.now()
      dirty = stream.isTTY
      stream.write(stream.isTTY ? `\r${text}\u001b[K` : `${text}\n`)
    },
    /** Takes the changing line away. */
    close(): void {
      if (dirty) stream.write('\r\u001b[K')
    },
  }
}
