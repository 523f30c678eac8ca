/**
 * Hongyan as a process that is measured: the real service, every commit synced, with one account and one key.
 */
import { type Config, readConfig } from '../src/config.ts'
import { openEmbedded } from '../src/engines/embedded/embedded.ts'
import { openRedis } from '../src/engines/redis/redis.ts'
import { newKey, type Service, startService, systemClock } from '../src/main.ts'
import type { Queue } from '../src/queue.ts'
import { messageOf } from './accepted.ts'
import { markNow } from './cpu.ts'
import { answer } from './process.ts'
import { createTally, type ServiceTasks, type StorePlace, type Tally } from './service.ts'
import { account, concurrency, tenant } from './workload.ts'

let service: Service | undefined
let tally: Tally
let redisPid: number | undefined

const configOf = ({ home, redis }: StorePlace, wechat: string): Config =>
  readConfig({
    HONGYAN_HOME: home,
    HONGYAN_HTTP: '127.0.0.1:0',
    HONGYAN_WECHAT: wechat,
    HONGYAN_CONCURRENCY: String(concurrency),
    HONGYAN_LOG: 'error',
    HONGYAN_TEMPLATE_SYNC: 'off',
    ...(redis && { HONGYAN_ENGINE: `redis://127.0.0.1:${redis.port}` }),
  })

const fail = (error: Error): never => {
  throw error
}

/**
 * Without a role the service only opens its records, which is all that is needed to put something into them.
 */
const furnish = async (config: Config): Promise<void> => {
  const { directory, stop } = await startService({ ...config, roles: [] }, fail)
  await directory.putAccount(account)
  await directory.putKey(newKey({ tenant, name: 'bench', scopes: ['send', 'read'], now: Date.now() }))
  await stop()
}

/** The engine alone, with nobody who works on what it holds. */
const openEngine = ({
  engine,
  leaseMs,
  retentionMs,
}: Config): Promise<{ readonly queue: Queue; close(): Promise<void> }> => {
  const settings = { clock: systemClock, leaseMs, retentionMs }
  return engine.kind === 'embedded'
    ? openEmbedded({ ...settings, folder: engine.folder, onFailure: fail })
    : openRedis({ ...settings, ...engine, onAlert() {} })
}

const publishedAtOnce = 500

answer<ServiceTasks>(
  {
    async preload({ count, ...place }) {
      const { queue, close } = await openEngine(configOf(place, 'http://127.0.0.1'))
      let published: Promise<unknown> = Promise.resolve()
      for (let first = 0; first < count; first += publishedAtOnce) {
        const messages = Array.from({ length: Math.min(publishedAtOnce, count - first) }, (_, n) =>
          messageOf(first + n),
        )
        // One batch is made while the one before it is written.
        await published
        published = queue.publish(messages)
      }
      await published
      await close()
    },

    async start({ roles, wechat, milestones, ...place }) {
      const config = configOf(place, wechat)
      await furnish(config)
      redisPid = place.redis?.pid
      tally = createTally(milestones, redisPid)
      service = await startService({ ...config, roles }, fail)
      service.observer.subscribe((observation) => {
        if (observation.kind === 'settled' && observation.settlement.kind === 'sent') tally.add()
      })
      const { id: keyId, secrets } = service.directory.keys(tenant)[0]!
      const path = '/v1/messages'
      return { url: service.url, singlePath: path, arrayPath: path, keyId, keySecret: secrets[0]! }
    },

    settled: (count) => tally.settled(count),
    mark: () => markNow(redisPid),
  },
  async () => service?.stop(),
)
