import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { type Kysely, Kysely as KyselyOf, PostgresDialect, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import pg from 'pg'
import { migrate, TablesTooNew } from '../../src/engines/postgres/migrate.ts'
import { migrations } from '../../src/engines/postgres/schema.ts'
import { atEnd } from '../support/at-end.ts'
import { openRecords, postgresOfFile } from '../support/postgres.ts'

const server = postgresOfFile()

/** Ours, and one that changes tables and what is in them. */
const withNext: Readonly<Record<string, Migration>> = {
  ...migrations,
  '0002_expand_example': {
    async up(db) {
      await sql`CREATE TABLE example (id integer PRIMARY KEY, note text)`.execute(db)
      await sql`INSERT INTO example SELECT n, 'note' FROM generate_series(1, 100) n`.execute(db)
      await sql`ALTER TABLE example ADD COLUMN length integer`.execute(db)
      await sql`UPDATE example SET length = char_length(note)`.execute(db)
    },
  },
}

interface Budget {
  /** How many statements there may be before the connection is lost. */
  left: number
}

/** A database whose connections are lost, as if this process had been killed, before the statement after `left` more. */
const losing = (url: string, budget: Budget): Kysely<unknown> => {
  class LosingClient extends pg.Client {
    // The driver's own signature has many forms; all of them are passed on as they come.
    override query = ((...args: readonly never[]) => {
      budget.left--
      if (budget.left < 0)
        (this as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy()
      return Reflect.apply(pg.Client.prototype.query, this, args)
    }) as never
  }
  const pool = new pg.Pool({ connectionString: url, max: 2, Client: LosingClient })
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return new KyselyOf<unknown>({ dialect: new PostgresDialect({ pool }) })
}

const openDatabase = (t: TestContext, url: string, budget: Budget = { left: Number.POSITIVE_INFINITY }) => {
  const db = losing(url, budget)
  atEnd(t, () => db.destroy())
  return db
}

/** What the store looks like: every column, index and constraint of every table. */
const shapeOf = async (schema: string) => {
  const columns = await server.ask(
    `SELECT table_name, column_name, data_type, is_nullable, collation_name, replace(column_default, '${schema}.', '') AS value
     FROM information_schema.columns WHERE table_schema = '${schema}' ORDER BY 1, 2`,
  )
  const indexes = await server.ask(
    `SELECT tablename, indexname, replace(indexdef, '${schema}.', '') AS definition
     FROM pg_indexes WHERE schemaname = '${schema}' ORDER BY 1, 2`,
  )
  return { columns, indexes }
}

suite('the tables in PostgreSQL', () => {
  test('are made once when several nodes start at once', async (t) => {
    const { url, schema } = await server.emptyStore(t)
    const databases = Array.from({ length: 5 }, () => openDatabase(t, url))
    await Promise.all(databases.map((db) => migrate(db, withNext)))
    const names = await server.ask(`SELECT name FROM ${schema}.hongyan_migrations ORDER BY name`)
    assert.deepEqual(
      names.map(({ name }) => name),
      Object.keys(withNext),
    )
  })

  test('several nodes open the records at once', async (t) => {
    const { url } = await server.emptyStore(t)
    await Promise.all(Array.from({ length: 4 }, () => openRecords(t, { url })))
  })

  test('come out the same after a kill at any statement', { timeout: 120_000 }, async (t) => {
    const whole = await server.emptyStore(t)
    await migrate(openDatabase(t, whole.url), withNext)
    const expected = await shapeOf(whole.schema)
    const { url, schema } = await server.emptyStore(t)
    let kills = 0
    for (let survives = false; !survives; kills++) {
      assert.ok(kills < 200, 'It never comes through')
      await server.ask(`DROP SCHEMA ${schema} CASCADE; CREATE SCHEMA ${schema}`)
      const killed = losing(url, { left: kills })
      survives = await migrate(killed, withNext).then(
        () => true,
        () => false,
      )
      await killed.destroy().catch(() => {})
      const again = losing(url, { left: Number.POSITIVE_INFINITY })
      await migrate(again, withNext)
      await again.destroy()
      assert.deepEqual(await shapeOf(schema), expected, `After a kill at statement ${kills}`)
      const [sum] = await server.ask(`SELECT sum(length) AS sum FROM ${schema}.example`)
      assert.equal(Number(sum!.sum), 400)
    }
    assert.ok(kills > 20, `There were only ${kills} statements`)
  })

  test('that a newer Hongyan has expanded are left alone, those it has contracted are refused', async (t) => {
    const { url, schema } = await server.emptyStore(t)
    await migrate(openDatabase(t, url), withNext)
    const before = await shapeOf(schema)
    await migrate(openDatabase(t, url))
    assert.deepEqual(await shapeOf(schema), before)
    const contracted = { ...withNext, '0003_contract_example': { up: async () => {} } }
    await migrate(openDatabase(t, url), contracted)
    await assert.rejects(migrate(openDatabase(t, url)), TablesTooNew)
    await assert.rejects(openRecords(t, { url }), /0003_contract_example/)
  })

  test('every migration says whether it expands or contracts', () => {
    for (const name of Object.keys(migrations)) assert.match(name, /^\d{4}_(?:expand|contract)_[a-z_]+$/)
  })
})
