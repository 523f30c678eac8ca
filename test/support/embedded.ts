import { cpSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { type EmbeddedOptions, type Engine, openEmbedded } from '../../src/engines/embedded/embedded.ts'
import { atEnd } from './at-end.ts'
import { createTestClock } from './clock.ts'
import { temporaryFolder } from './folder.ts'
import type { Harness } from './harness.ts'

const hourMs = 3_600_000

/** The embedded engine with a clock of the test. A failure of its storage fails the test, unless it is expected. */
export const openEngine = async (
  t: TestContext,
  options: Pick<EmbeddedOptions, 'folder'> & Partial<EmbeddedOptions>,
): Promise<Engine> => {
  const engine = await openEmbedded({
    clock: createTestClock(),
    leaseMs: 60_000,
    retentionMs: hourMs,
    onFailure(error) {
      throw error
    },
    ...options,
  })
  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= engine.close()
    return closing
  }
  atEnd(t, close)
  return { ...engine, close }
}

/** The engine as the contracts want it. Its sweep is on a timer, which only the test moves. */
export const openEmbeddedHarness = async (t: TestContext): Promise<Harness> => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  return harnessOn(t, { folder: temporaryFolder(t), clock: createTestClock() })
}

type Place = { readonly folder: string; readonly clock: ReturnType<typeof createTestClock> }

const harnessOn = async (t: TestContext, { folder, clock }: Place): Promise<Harness> => {
  const leaseMs = 60_000
  const retentionMs = hourMs
  const { queue, ledger, recipients, close } = await openEngine(t, { folder, clock, leaseMs, retentionMs })
  return {
    queue,
    ledger,
    recipients,
    clock,
    retentionMs,
    // The files as they are at this moment are what a killed process leaves behind. A close would tidy up first.
    async restart() {
      const copy = temporaryFolder(t)
      cpSync(folder, copy, { recursive: true })
      await close()
      return harnessOn(t, { folder: copy, clock })
    },
    async loseLeases() {
      clock.advance(leaseMs)
    },
    async sweep() {
      t.mock.timers.tick(10_000)
      // The storage thread works in order: what is asked after the sweep is answered after it.
      await queue.depth()
    },
  }
}
