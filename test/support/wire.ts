/** A connection on which requests go out byte for byte as they are written, one after the other. */
import { connect } from 'node:net'
import type { TestContext } from 'node:test'

export interface WireAnswer {
  readonly head: string
  readonly body: string
}

export interface WireConnection {
  /** `head` without its last empty line, `\n` between lines; a body is sent with it as it is. */
  exchange(head: string, body?: string): Promise<WireAnswer>
}

const answerDeadlineMs = 10_000

export const openConnection = (t: TestContext, port: number): WireConnection => {
  const socket = connect({ port, host: '127.0.0.1' })
  t.after(() => socket.destroy())
  let received = ''
  let heard: () => void = () => {}
  socket.on('data', (piece) => {
    received += piece.toString()
    heard()
  })
  socket.on('error', () => {})

  return {
    async exchange(head, body = '') {
      const { promise, resolve, reject } = Promise.withResolvers<WireAnswer>()
      const late = setTimeout(() => reject(new Error(`No answer: ${received}`)), answerDeadlineMs)
      heard = () => {
        const answer = wholeAnswer(received)
        if (answer) resolve(answer)
      }
      received = ''
      socket.write(`${head.replaceAll('\n', '\r\n')}\r\n\r\n${body}`)
      return promise.finally(() => clearTimeout(late))
    },
  }
}

/** Answers of the facade have a length, and nothing but ASCII. */
const wholeAnswer = (received: string): WireAnswer | undefined => {
  const [head = '', body = ''] = received.split('\r\n\r\n')
  const length = /^content-length: (\d+)/im.exec(head)?.[1]
  return length !== undefined && body.length >= Number(length) ? { head, body } : undefined
}
