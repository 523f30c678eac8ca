/** One node of several: a process with a worker, on the Redis that all share. */
import { readConfig } from '../src/config.ts'
import { type Service, startService } from '../src/main.ts'
import { answer } from './process.ts'

export interface NodeTasks {
  start(options: NodeOptions): Promise<void>
  /** How many messages it has settled. */
  settled(): number
  /** For each message: how long after its acceptance it was settled, in milliseconds. */
  waits(): readonly number[]
}

export interface NodeOptions {
  readonly env: Readonly<Record<string, string>>
}

let service: Service | undefined
const waits: number[] = []

answer<NodeTasks>(
  {
    async start({ env }) {
      service = await startService(readConfig(env), (error) => {
        throw error
      })
      service.observer.subscribe((observation) => {
        if (observation.kind === 'settled' && observation.settlement.kind === 'sent')
          waits.push(Date.now() - observation.delivery.message.acceptedAt)
      })
    },
    settled: () => waits.length,
    waits: () => waits,
  },
  async () => service?.stop(),
)
