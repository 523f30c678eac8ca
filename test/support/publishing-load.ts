import type { RedisEngine } from '../../src/engines/redis/redis.ts'
import type { Message } from '../../src/message.ts'
import { aKeyedMessage } from './messages.ts'

/** Publishes one by one, from several sides, until told to stop; knows what was answered for. */
export const underLoad = ({ queue }: Pick<RedisEngine, 'queue'>) => {
  const accepted: Message[] = []
  const doubted: Message[] = []
  let going = true
  const publisher = async (side: number) => {
    for (let n = 0; going; n++) {
      const message = aKeyedMessage(`${side}-${n}`, { touser: `o-${n % 50}` })
      await queue.publish([message]).then(
        () => accepted.push(message),
        () => doubted.push(message),
      )
      await new Promise(setImmediate)
    }
  }
  const all = Promise.all(Array.from({ length: 8 }, (_, side) => publisher(side)))
  return {
    accepted,
    doubted,
    async stop() {
      going = false
      await all
    },
  }
}

/** Whether it was taken in. One that was not is in doubt: it is published again, as callers do. */
export const publishes = (
  { queue }: Pick<RedisEngine, 'queue'>,
  messages: readonly Message[],
): Promise<boolean> =>
  queue.publish(messages).then(
    () => true,
    () => false,
  )

/** Whether the engine reaches its server. */
export const answers = ({ queue }: Pick<RedisEngine, 'queue'>): Promise<boolean> =>
  queue.depth().then(
    () => true,
    () => false,
  )
