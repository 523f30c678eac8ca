/**
 * Takes in what other processes write to the directory: when word of it comes, and every second, because word may be
 * lost with a connection. So a key that was revoked somewhere is refused everywhere within about a second.
 */
import type { Clock } from './clock.ts'
import type { Directory } from './directory.ts'
import type { SharedRecords } from './directory-records.ts'
import type { Observe } from './observe.ts'

export interface DirectoryWatch {
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>
}

export interface DirectoryWatchParts {
  readonly directory: Pick<Directory, 'refresh'>
  readonly shared: Pick<SharedRecords, 'watch'>
  readonly clock: Clock
  readonly observe: Observe
}

const lookEveryMs = 1000
/** So many looks in a row must fail before somebody is told; a server that is started anew takes a few. */
const failuresBeforeAlert = 10

/** Rejects when words of changes cannot be listened to. */
export const startDirectoryWatch = async (parts: DirectoryWatchParts): Promise<DirectoryWatch> => {
  const { directory, shared, clock, observe } = parts
  let stopped = false
  let failures = 0
  let unopened = ''
  let pause = new AbortController()

  const alert = (code: string, detail: string) => observe({ kind: 'alert', code, detail })

  const look = async (): Promise<void> => {
    try {
      const names = (await directory.refresh()).join(', ')
      if (names !== '' && names !== unopened) alert('directory-sealed', `${otherMasterKey}: ${names}`)
      unopened = names
      failures = 0
    } catch (error) {
      if (++failures === failuresBeforeAlert) alert('directory-behind', `${behind}: ${String(error)}`)
    }
  }

  const run = async (): Promise<void> => {
    while (!stopped) {
      await clock.sleep(lookEveryMs, pause.signal)
      // Word that comes during the look is about something that the look may have missed.
      pause = new AbortController()
      if (!stopped) await look()
    }
  }

  await shared.watch(() => pause.abort())
  const running = run()
  return {
    async stop() {
      stopped = true
      pause.abort()
      await running
    },
  }
}

const otherMasterKey =
  'Another process has sealed these with another master key; start this one anew with that HONGYAN_MASTER_KEY'
const behind = 'What other processes change of keys and accounts cannot be read, and is not in force here'
