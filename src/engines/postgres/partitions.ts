/**
 * The days of the records. Each day (UTC) of acceptance is a partition of each table: made ahead, made by need for
 * what comes early or late, and dropped as a whole once its messages are past their retention. What of such a day is
 * not yet to be forgotten (a message parked for weeks, or one that ended a moment ago) moves into a small partition
 * that takes the place of the large one.
 */
import type pg from 'pg'
import type { Clock } from '../../clock.ts'
import { isFinal, states } from '../../message.ts'
import { inTransaction } from './connection.ts'

export const dayMs = 24 * 3_600_000
const daysAhead = 3
const tables = ['messages', 'progress', 'steps'] as const

/** Of the advisory lock under which partitions are made and dropped: one node at a time. */
const lockKey = 0x686f6e67

export const dayOf = (moment: number): number => Math.floor(moment / dayMs) * dayMs

/** `20260304` */
const nameOf = (day: number): string => new Date(day).toISOString().slice(0, 10).replaceAll('-', '')
const dayNamed = (name: string): number =>
  Date.parse(`${name.slice(0, 4)}-${name.slice(4, 6)}-${name.slice(6)}T00:00:00Z`)

export const finalList = states
  .filter(isFinal)
  .map((state) => `'${state}'`)
  .join(', ')

export interface PartitionOptions {
  readonly pool: pg.Pool
  readonly clock: Clock
  /** How long a message is kept after it became final. */
  readonly retentionMs: number
}

export const createPartitions = ({ pool, clock, retentionMs }: PartitionOptions) => {
  let known: ReadonlySet<number> = new Set()

  const refresh = async (): Promise<void> => {
    known = new Set(await existing(pool))
  }

  const make = async (days: readonly number[]): Promise<void> => {
    const missing = days.filter((day) => !known.has(day))
    if (missing.length === 0) return
    await inTransaction(pool, async (client) => {
      await client.query('SELECT pg_advisory_xact_lock($1)', [lockKey])
      const there = new Set(await existing(client))
      for (const day of missing) {
        if (there.has(day)) continue
        for (const table of tables) {
          const name = `${table}_${nameOf(day)}`
          await client.query(`CREATE TABLE ${name} (LIKE ${table} INCLUDING ALL)`)
          await attach(client, table, name, day)
        }
      }
    })
    await refresh()
  }

  const isPast = (day: number): boolean => day + dayMs <= clock.now() - retentionMs

  return {
    /** Makes the partitions of these days. */
    make,

    /** Forgets what is known of them: another node has dropped one. */
    refresh,

    /** Of days that are past and have no partition: their messages are forgotten. */
    async forgotten(days: readonly number[]): Promise<ReadonlySet<number>> {
      if (days.some((day) => !known.has(day))) await refresh()
      return new Set(days.filter((day) => !known.has(day) && isPast(day)))
    },

    /** Makes the days ahead and drops those that are past. */
    async sweep(): Promise<void> {
      await refresh()
      const today = dayOf(clock.now())
      await make(Array.from({ length: daysAhead }, (_, n) => today + n * dayMs))
      const past = [...known].filter(isPast).sort((a, b) => a - b)
      for (const day of past) await drop(pool, day, clock.now() - retentionMs)
      await refresh()
    },
  }
}

export type Partitions = ReturnType<typeof createPartitions>

const existing = async (client: Pick<pg.ClientBase, 'query'>): Promise<readonly number[]> => {
  const { rows } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
     WHERE inhparent = 'messages'::regclass`,
  )
  return rows.map(({ name }) => dayNamed(name.slice('messages_'.length)))
}

/** To attach a table that is there locks less than to make it as a partition: searches go on. */
const attach = (client: pg.ClientBase, table: string, name: string, day: number) =>
  client.query(`ALTER TABLE ${table} ATTACH PARTITION ${name} FOR VALUES FROM (${day}) TO (${day + dayMs})`)

/** Drops the partitions of a day, but for what did not end before `before`. Does nothing if nothing did. */
const drop = (pool: pg.Pool, day: number, before: number): Promise<void> =>
  inTransaction(pool, async (client) => {
    const of = (table: string) => `${table}_${nameOf(day)}`
    // Rather try again at the next round than make everything wait behind a long search.
    await client.query("SET LOCAL lock_timeout = '5s'")
    await client.query('SELECT pg_advisory_xact_lock($1)', [lockKey])
    const { rows: there } = await client.query('SELECT to_regclass($1) IS NOT NULL AS there', [
      of('messages'),
    ])
    if (!there[0].there) return
    // Nothing may be recorded between the copy and the drop.
    await client.query(`LOCK TABLE ${tables.map(of).join(', ')} IN SHARE ROW EXCLUSIVE MODE`)
    const { rows } = await client.query<{ ended: boolean; empty: boolean }>(
      `SELECT EXISTS (SELECT 1 FROM ${of('progress')} WHERE state IN (${finalList}) AND at <= $1) AS ended,
              NOT EXISTS (SELECT 1 FROM ${of('progress')}) AS empty`,
      [before],
    )
    const { ended, empty } = rows[0]!
    if (!ended && !empty) return
    const kept = await keep(client, of, before)
    for (const table of tables) {
      await client.query(`ALTER TABLE ${table} DETACH PARTITION ${of(table)}`)
      await client.query(`DROP TABLE ${of(table)}`)
      if (kept === 0) {
        await client.query(`DROP TABLE ${of(table)}_kept`)
        continue
      }
      await client.query(`ALTER TABLE ${of(table)}_kept RENAME TO ${of(table)}`)
      await attach(client, table, of(table), day)
    }
  })

/** Copies what stays into tables of its own; answers how many messages. */
const keep = async (
  client: pg.ClientBase,
  of: (table: string) => string,
  before: number,
): Promise<number> => {
  for (const table of tables)
    await client.query(`CREATE TABLE ${of(table)}_kept (LIKE ${table} INCLUDING ALL)`)
  const { rowCount } = await client.query(
    `INSERT INTO ${of('progress')}_kept SELECT * FROM ${of('progress')} p
     WHERE NOT (state IN (${finalList}) AND at <= $1)
       AND EXISTS (SELECT 1 FROM ${of('messages')} m WHERE m.moment = p.moment AND m.id = p.id)`,
    [before],
  )
  for (const table of ['messages', 'steps'])
    await client.query(
      `INSERT INTO ${of(table)}_kept SELECT * FROM ${of(table)} WHERE id IN (SELECT id FROM ${of('progress')}_kept)`,
    )
  return rowCount ?? 0
}
