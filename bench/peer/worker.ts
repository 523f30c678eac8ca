import { UnrecoverableError, Worker } from 'bullmq'
import type { MessageInput } from '../../src/gateway/schemas.ts'
import { connectRedis, queueName, type SendResult } from './queue.ts'
import type { Wechat } from './wechat.ts'

/** Errcodes after which another attempt makes sense: busy, token, quota of the minute. */
const passing = new Set([-1, 40001, 40014, 42001, 45009, 45011])

/** The worker of the peer: BullMQ hands it jobs, so many at once, and records their results. */
export const startPeerWorker = (options: {
  readonly redisPort: number
  readonly wechat: Wechat
  readonly concurrency: number
  readonly onCompleted: () => void
}): Worker<MessageInput, SendResult, 'send'> => {
  const { redisPort, wechat, concurrency, onCompleted } = options
  const worker = new Worker<MessageInput, SendResult, 'send'>(
    queueName,
    async ({ id, data }) => {
      const startedAt = Date.now()
      const path = `/cgi-bin/message/template/send?access_token=${encodeURIComponent(await wechat.token())}`
      const reply = await wechat.post(path, wechatBody(id!, data))
      return { msgid: parseReply(reply), startedAt, endedAt: Date.now() }
    },
    { connection: connectRedis(redisPort), concurrency },
  )
  worker.on('completed', onCompleted)
  worker.on('error', (error) => process.stderr.write(`peer worker: ${error.message}\n`))
  worker.on('failed', (job, error) => process.stderr.write(`peer job ${job?.id}: ${error.message}\n`))
  return worker
}

const wechatBody = (id: string, { touser, template_id, url, miniprogram, data }: MessageInput): string =>
  JSON.stringify({
    touser,
    template_id,
    url,
    miniprogram,
    client_msg_id: id,
    data,
  })

/**
 * WeChat's number of the message, as text: it is too large for a number. Throws when WeChat did not take it.
 */
const parseReply = (text: string): string | undefined => {
  const { errcode, errmsg } = JSON.parse(text) as { errcode: number; errmsg: string }
  if (errcode === 0) return /"msgid":(\d+)/.exec(text)?.[1]
  const fault = `${errcode} ${errmsg}`
  throw passing.has(errcode) ? new Error(fault) : new UnrecoverableError(fault)
}
