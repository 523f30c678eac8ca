import { suite } from 'node:test'
import type { ContractOptions } from '../support/harness.ts'
import { cancelling } from './queue/cancelling.ts'
import { concurrency } from './queue/concurrency.ts'
import { depth } from './queue/depth.ts'
import { idempotency } from './queue/idempotency.ts'
import { leases } from './queue/leases.ts'
import { publishAndReceive } from './queue/publish-and-receive.ts'
import { restarting } from './queue/restarting.ts'
import { settling } from './queue/settling.ts'
import { waiting } from './queue/waiting.ts'

/** All that a `Queue` promises. Every engine is held to every clause, or says why it cannot be. */
export const queueContract = (engine: string, options: ContractOptions) =>
  suite(`${engine} keeps the queue contract`, () => {
    suite('publish and receive', () => publishAndReceive(options))
    suite('a receiver that waits', () => waiting(options))
    suite('leases', () => leases(options))
    suite('settle', () => settling(options))
    suite('cancel', () => cancelling(options))
    suite('idempotency', () => idempotency(options))
    suite('many at once', () => concurrency(options))
    suite('after a restart', () => restarting(options))
    suite('depth', () => depth(options))
  })
