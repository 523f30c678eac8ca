/**
 * While a migration brings a backlog here, the shards have an epoch of its own. No engine takes that up, neither at its
 * start nor later, so nothing but the migration can do anything here; and when it has gone live, nothing of it that
 * comes late can.
 */
import { RedisFailed } from './client.ts'

const mark = 'migration '

export const migrationEpoch = (id: string): string => `${mark}${id}`

/** Throws when this is the epoch of a migration. */
export const refuseMigration = (epoch: string): void => {
  if (!epoch.startsWith(mark)) return
  throw new RedisFailed(
    'open',
    'a backlog is being migrated into it. Run the same hongyan migrate again to finish that; ' +
      'if it was given up, empty this Redis or choose another one',
  )
}
