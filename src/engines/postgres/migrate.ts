/**
 * Brings the tables to what this Hongyan knows. All that is missing is done in one transaction, under a lock that
 * Kysely's migrator takes: several nodes may start at once, and one that is killed at any statement leaves what was.
 *
 * In a rolling upgrade an older node may start next to tables that a newer one has expanded. That is fine, so it
 * leaves them alone; tables that were contracted it refuses.
 */
import { type Kysely, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { migrations as ours } from './schema.ts'

/** The tables were made by a newer Hongyan, which has removed what this one needs. */
export class TablesTooNew extends Error {
  constructor(names: readonly string[]) {
    super(
      `These records were contracted by a newer Hongyan, which this one cannot work with: ${names.join(', ')}`,
    )
    this.name = 'TablesTooNew'
  }
}

export const migrate = async <DB>(
  db: Kysely<DB>,
  migrations: Readonly<Record<string, Migration>> = ours,
): Promise<void> => {
  const newer = (await executed(db)).filter((name) => migrations[name] === undefined)
  const contracted = newer.filter((name) => !/^\d{4}_expand_/.test(name))
  if (contracted.length > 0) throw new TablesTooNew(contracted)
  if (newer.length > 0) return
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => ({ ...migrations }) },
    migrationTableName: journal,
    migrationLockTableName: `${journal}_lock`,
    // Without it the migrator takes a table of that name in any other schema for its own.
    migrationTableSchema: await currentSchema(db),
  })
  const { error } = await migrator.migrateToLatest()
  if (error) throw error
}

/** Which migrations have been executed. */
const journal = 'hongyan_migrations'

const currentSchema = async <DB>(db: Kysely<DB>): Promise<string> => {
  const { rows } = await sql<{ name: string | null }>`SELECT current_schema() AS name`.execute(db)
  const name = rows[0]!.name
  if (name === null) throw new Error('The search path of this PostgreSQL user names no schema that exists')
  return name
}

const executed = async <DB>(db: Kysely<DB>): Promise<readonly string[]> => {
  const { rows: found } = await sql<{ there: boolean }>`
    SELECT to_regclass(${journal}) IS NOT NULL AS there`.execute(db)
  if (!found[0]!.there) return []
  const { rows } = await sql<{ name: string }>`
    SELECT name FROM ${sql.table(journal)} ORDER BY name`.execute(db)
  return rows.map(({ name }) => name)
}
