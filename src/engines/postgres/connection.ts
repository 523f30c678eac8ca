import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import type { Tables } from './schema.ts'

export interface ConnectionOptions {
  /** `postgres://user:password@host:port/database`; the tables are made in the first schema of its search path. */
  readonly url: string
  /** Connections at most. */
  readonly max: number
  /** What takes longer is given up, here and in the server. A server that hangs must not hold us for ever. */
  readonly timeoutMs: number
  readonly connectMs: number
}

const int8 = 20

/** Every number of ours is below 2^53; the driver would hand over 64-bit integers as texts. */
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text') =>
    oid === int8 ? Number : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
}

/** Opens connections as they are needed, so it succeeds while the server is away. */
export const createPool = ({ url, max, timeoutMs, connectMs }: ConnectionOptions): pg.Pool => {
  const pool = new pg.Pool({
    connectionString: withoutJit(url),
    application_name: 'hongyan',
    max,
    types,
    connectionTimeoutMillis: connectMs,
    statement_timeout: timeoutMs,
    idle_in_transaction_session_timeout: timeoutMs,
    // A little later than the server, whose answer says more.
    query_timeout: timeoutMs + 1000,
    keepAlive: true,
    allowExitOnIdle: true,
  })
  // An idle connection that breaks is replaced by the next question, which learns whether the server is there.
  pool.on('error', () => {})
  // One that breaks while it is in use tells its question so; the event besides would end the process.
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

/** Over many days PostgreSQL expects so much work that it compiles the query, for ten seconds; the work takes one ms. */
const withoutJit = (url: string): string => {
  const address = new URL(url)
  const options = address.searchParams.get('options') ?? ''
  address.searchParams.set('options', `${options} -c jit=off`.trim())
  return address.href
}

export const createKysely = (pool: pg.Pool): Kysely<Tables> =>
  new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })

/** Runs `work` in one transaction. A connection on which anything failed is not used again. */
export const inTransaction = async <T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> => {
  const client = await pool.connect()
  try {
    await client.query('BEGIN')
    const result = await work(client)
    await client.query('COMMIT')
    client.release()
    return result
  } catch (error) {
    // Closing the connection rolls back, also when the server does not answer.
    client.release(true)
    throw error
  }
}

/** PostgreSQL holds no NUL in a text. None is in what we accept; should one come all the same, it must not stop the rest. */
export const storable = (text: string): string => text.replaceAll('\0', '\ufffd')
