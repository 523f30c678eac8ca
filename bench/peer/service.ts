/**
 * The same job on BullMQ and Redis, the way a careful engineer would write it in a few days: schema, Bearer,
 * keys against repeats, retries with backoff, a shared token, a record of every message. What Hongyan does
 * beyond that (signatures, quotas, lanes, deadlines, doubtful outcomes, search) it does not.
 */
import { markNow } from '../cpu.ts'
import { answer } from '../process.ts'
import { createTally, type ServiceTasks, type StorePlace, type Tally } from '../service.ts'
import { account, concurrency, inputOf } from '../workload.ts'
import { startPeerGateway } from './gateway.ts'
import { jobIdOf, openMessageQueue } from './queue.ts'
import { createWechat } from './wechat.ts'
import { startPeerWorker } from './worker.ts'

const addedAtOnce = 500
const keyId = 'key_peer'
const keySecret = 's3cr3t-of-at-least-32-characters-0'

let tally: Tally
let redisPid: number | undefined

const redisOf = ({ redis }: StorePlace) => {
  if (!redis) throw new Error('The peer needs a Redis')
  return redis
}

answer<ServiceTasks>({
  async preload({ count, ...place }) {
    const queue = openMessageQueue(redisOf(place).port)
    for (let first = 0; first < count; first += addedAtOnce) {
      const inputs = Array.from({ length: Math.min(addedAtOnce, count - first) }, (_, n) =>
        inputOf(first + n),
      )
      await queue.addBulk(inputs.map((data) => ({ name: 'send', data, opts: jobIdOf(data) })))
    }
    await queue.close()
  },

  async start({ roles, wechat: origin, milestones, ...place }) {
    const { port, pid } = redisOf(place)
    redisPid = pid
    tally = createTally(milestones, pid)
    if (roles.includes('worker')) {
      const wechat = createWechat({
        origin,
        connections: concurrency,
        appid: account.appid,
        secret: account.secret,
      })
      startPeerWorker({ redisPort: port, wechat, concurrency, onCompleted: tally.add })
    }
    const url = roles.includes('gateway')
      ? await startPeerGateway(openMessageQueue(port), `${keyId}.${keySecret}`)
      : ''
    return { url, singlePath: '/messages', arrayPath: '/messages/many', keyId, keySecret }
  },

  settled: (count) => tally.settled(count),
  mark: () => markNow(redisPid),
})
