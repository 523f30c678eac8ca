/**
 * A process that is the limit of what Fastify and undici can do: no queue, no records, no keys, no retries.
 */
import { createBareDispatch } from './bare-dispatch.ts'
import { startBareFastify } from './bare-fastify.ts'
import { markNow } from './cpu.ts'
import { answer } from './process.ts'
import { createTally, type ServiceTasks, type Tally } from './service.ts'

let tally: Tally

answer<ServiceTasks>({
  async preload() {},

  async start({ roles, wechat, milestones }) {
    tally = createTally(milestones)
    const dispatch = roles.includes('worker') ? createBareDispatch(wechat, tally.add) : undefined
    const accepts = roles.includes('gateway')
    if (!accepts) dispatch?.add(milestones.at(-1)!)
    const url = accepts ? await startBareFastify((count) => dispatch?.add(count)) : ''
    return { url, singlePath: '/single', arrayPath: '/array', keyId: 'nobody', keySecret: 'none' }
  },

  settled: (count) => tally.settled(count),
  mark: () => markNow(),
})
