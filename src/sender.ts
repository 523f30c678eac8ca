import type { Attempt } from './message.ts'
import type { DeliveredMessage } from './queue.ts'
import type { Reply } from './verdict.ts'

/** The way to WeChat. Never rejects: whatever happens is a reply. */
export interface Sender {
  /**
   * Sends one message with the account's token. A reply about the token (40001, 40014, 42001) heals it and
   * is followed by one more call at once, since such a message was certainly not taken.
   */
  send(message: DeliveredMessage): Promise<Sending>
  close(): Promise<void>
}

export interface Sending {
  /** Of the last call. */
  readonly reply: Reply
  /** Every call made, oldest first; none when there was no token to call with. */
  readonly attempts: readonly Attempt[]
}

/** WeChat's channels go one way, webhooks another. */
export const senderByChannel = ({ wechat, webhook }: { wechat: Sender; webhook: Sender }): Sender => ({
  send: (message) => (message.channel === 'webhook' ? webhook : wechat).send(message),
  async close() {
    await Promise.all([wechat.close(), webhook.close()])
  },
})
