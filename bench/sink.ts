/** A process that answers like a WeChat where everything goes well, and does nothing else. */
import { type AddressInfo, createServer } from 'node:net'
import { createFraming } from './http.ts'
import { answer } from './process.ts'

export interface SinkTasks {
  /** Its origin. */
  listen(): Promise<string>
  /** Messages that were sent to it. */
  sends(): number
}

const response = (body: string): Buffer =>
  Buffer.from(
    `HTTP/1.1 200 OK\r\nconnection: keep-alive\r\ncontent-type: application/json; encoding=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )

const sent = response('{"errcode":0,"errmsg":"ok","msgid":3248682510344192008}')
const token = response(`{"access_token":"${'T0ken_-'.repeat(22)}","expires_in":7200}`)
const noQuota = response('{"errcode":76021,"errmsg":"cgi_path not found"}')
const tokenRequest = 'POST /cgi-bin/stable_token'
const quotaRequest = 'POST /cgi-bin/openapi/quota/get'

let sends = 0

const server = createServer({ noDelay: true }, (socket) => {
  let replies: Buffer[] = []
  const take = createFraming((head) => {
    if (head.startsWith(tokenRequest)) return replies.push(token)
    if (head.startsWith(quotaRequest)) return replies.push(noQuota)
    sends++
    return replies.push(sent)
  })
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    take(chunk)
    if (replies.length === 0) return
    socket.write(replies.length === 1 ? replies[0]! : Buffer.concat(replies))
    replies = []
  })
})

answer<SinkTasks>({
  listen: () =>
    new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, '127.0.0.1', () =>
        resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
      )
    }),
  sends: () => sends,
})
