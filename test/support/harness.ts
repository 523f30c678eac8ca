import { type TestContext, test } from 'node:test'
import type { Ledger } from '../../src/ledger.ts'
import type { Delivery, Queue } from '../../src/queue.ts'
import type { Recipients } from '../../src/recipients.ts'
import type { TestClock } from './clock.ts'

/** An engine under test, on a store of its own. */
export interface Harness {
  readonly queue: Queue
  readonly ledger: Ledger
  readonly recipients: Recipients
  readonly clock: TestClock
  /** What the next process finds when this one ends without a word. The harness it is called on is spent. */
  restart(): Promise<Harness>
  /** Lets the leases of this moment run out. */
  loseLeases(): Promise<void>
  /** How long the engine promises to keep what is final. */
  readonly retentionMs: number
  /** Lets the engine do now what it does from time to time: forget what is past its retention. */
  sweep(): Promise<void>
}

export interface ContractOptions {
  /** Opens the engine on an empty store and registers its end with the test. */
  readonly open: (t: TestContext) => Promise<Harness>
  /** Why a clause cannot be kept, by its sentence. */
  readonly skip?: Readonly<Record<string, string>>
}

/** A guard against hanging, not a measure: a busy machine takes its time. */
const clauseTimeoutMs = 60_000

/** How a contract states its clauses: a sentence, and what has to hold for it. */
export const clausesOf =
  ({ open, skip = {} }: ContractOptions) =>
  (sentence: string, keep: (t: TestContext, harness: Harness) => Promise<void>) =>
    test(sentence, { skip: skip[sentence] ?? false, timeout: clauseTimeoutMs }, async (t) =>
      keep(t, await open(t)),
    )

/** What can be received at this moment, without waiting. */
export const receiveNow = ({ queue }: Pick<Harness, 'queue'>, max = 100): Promise<readonly Delivery[]> =>
  queue.receive({ max, waitMs: 0 })

/** The one delivery that can be received at this moment. */
export const receiveOne = async (harness: Pick<Harness, 'queue'>): Promise<Delivery> => {
  const [delivery] = await receiveNow(harness, 1)
  if (!delivery) throw new Error('There is nothing to receive')
  return delivery
}
