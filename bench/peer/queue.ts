/**
 * The queue of the peer. A message is one job, and the job is its record as well: a hash in Redis with what
 * was asked, how often it was tried, and WeChat's answer or the reason why not. Jobs that have ended are kept
 * for as long as Hongyan keeps its messages: they answer "what became of it", and a second message under the
 * same key finds them.
 */
import { hash, randomUUID } from 'node:crypto'
import { type DefaultJobOptions, type JobsOptions, Queue } from 'bullmq'
import { Redis } from 'ioredis'
import type { MessageInput } from '../../src/gateway/schemas.ts'

export const queueName = 'messages'

/** What a call to WeChat came to. */
export interface SendResult {
  readonly msgid: string | undefined
  readonly startedAt: number
  readonly endedAt: number
}

export type MessageQueue = Queue<MessageInput, SendResult, 'send'>

const retentionSeconds = 30 * 24 * 3600

const jobOptions: DefaultJobOptions = {
  attempts: 8,
  backoff: { type: 'exponential', delay: 1000, jitter: 0.5 },
  removeOnComplete: { age: retentionSeconds },
  removeOnFail: { age: retentionSeconds },
  stackTraceLimit: 1,
}

/**
 * BullMQ wants no limit of retries on connections that block. Commands of one turn of the event loop go
 * together.
 */
export const connectRedis = (port: number): Redis =>
  new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: null, enableAutoPipelining: true })

export const openMessageQueue = (port: number): MessageQueue =>
  new Queue(queueName, { connection: connectRedis(port), defaultJobOptions: jobOptions })

/**
 * The caller's own key makes the job's id, so that a repeat is not added again. The id is also the key by
 * which WeChat knows a repeat: 32 characters, as long as Hongyan's, and never only digits, which BullMQ
 * refuses.
 */
export const jobIdOf = ({ client_msg_id: key }: MessageInput): JobsOptions => ({
  jobId: `m${hash('sha256', key ?? randomUUID(), 'hex').slice(0, 31)}`,
})
