import { type TestContext, test } from 'node:test'
import { openGateway, type TestGateway } from './gateway.ts'

const checkTimeoutMs = 15_000

type Keep = (t: TestContext, gateway: TestGateway) => Promise<void>

/** Sentences about one subject, checked one after the other on one gateway. What one leaves in the queue, the next does not find. */
export const together = (
  subject: string,
  describe: (check: (sentence: string, keep: Keep) => void) => void,
): void => {
  const checks: (readonly [sentence: string, keep: Keep])[] = []
  describe((sentence, keep) => checks.push([sentence, keep]))
  test(subject, async (t) => {
    const gateway = await openGateway(t)
    for (const [sentence, keep] of checks) {
      await t.test(sentence, { timeout: checkTimeoutMs }, (t) => keep(t, gateway))
      await gateway.queue.receive({ max: 10_000, waitMs: 0 })
    }
  })
}
