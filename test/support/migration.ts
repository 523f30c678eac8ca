/** The way from the embedded engine to Redis, for tests: both ends with a clock and keys of the test. */

import type { Clock } from '../../src/clock.ts'
import { openExport } from '../../src/engines/embedded/export.ts'
import { openImport } from '../../src/engines/redis/import.ts'
import { type Ends, migrate, type Summary } from '../../src/migration.ts'

export interface Route {
  readonly folder: string
  readonly url: string
  readonly prefix: string
  readonly clock: Clock
  readonly shards?: number
}

/** Opens both ends, and closes them when `work` is over. */
export const withEnds = async <Result>(
  { folder, shards, ...rest }: Route,
  work: (ends: Ends) => Promise<Result>,
): Promise<Result> => {
  const source = openExport(folder)
  try {
    const target = await openImport({ ...rest, shards, replicas: 0, onWeakSetting: () => {} })
    try {
      return await work({ source, target })
    } finally {
      target.close()
    }
  } finally {
    source.close()
  }
}

/** Migrates, or does what is left of it. */
export const migrateAll = (route: Route, id = 'migration-1'): Promise<Summary> =>
  withEnds(route, (ends) => migrate(ends, { id, now: route.clock.now(), progress: () => {} }))
